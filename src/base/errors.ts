/** The errors of Batchwise: a stable code, the facts, one line for a person, and the exit status that the code means. */

import { datasetCodes, pictureCodes } from "#src/base/errors/dataset-codes.js";
import type { CodeRow, ExitStatus } from "#src/base/errors/define.js";
import { fileCodes, formatCodes, transferCodes } from "#src/base/errors/file-codes.js";
import { networkCodes } from "#src/base/errors/network-codes.js";
import { partCodes, runCodes, usageCodes } from "#src/base/errors/run-codes.js";
import { OTHER_ENGINE } from "./errors/network-codes.js";

/** Each group's rows by their codes; named, and not spelt out, in what is inferred from it. */
type ErrorTable = typeof usageCodes &
  typeof fileCodes &
  typeof formatCodes &
  typeof partCodes &
  typeof datasetCodes &
  typeof networkCodes &
  typeof pictureCodes &
  typeof transferCodes &
  typeof runCodes;

/**
 * The one table of codes: of each its exit status, and `say`, which makes the message of an error's facts. Scripts may
 * rely on a code; its words may change.
 */
export const ERROR_CODES: ErrorTable = {
  ...usageCodes,
  ...fileCodes,
  ...formatCodes,
  ...partCodes,
  ...datasetCodes,
  ...networkCodes,
  ...pictureCodes,
  ...transferCodes,
  ...runCodes,
};

/** A stable name of a fault, such as `ERR_IDX_TRUNCATED`; `ERROR_CODES` has each with its exit status. */
export type ErrorCode = keyof typeof ERROR_CODES;
/** The facts of a code's errors: what the code's `say` takes. */
export type FactsOf<C extends ErrorCode> = Parameters<(typeof ERROR_CODES)[C]["say"]>[0];
export type { ExitStatus } from "#src/base/errors/define.js";

/** Base of all errors that Batchwise throws on purpose; `message` is one line and needs no stack to be understood. */
export class BatchwiseError<C extends ErrorCode = ErrorCode> extends Error {
  /** Which fault it is; stable from version to version. */
  readonly code: C;
  /** What the message is made of, as values; the code decides which. */
  readonly facts: FactsOf<C>;

  /** The message is what `ERROR_CODES` says of the facts; `options.cause` is the error behind this one. */
  constructor(code: C, facts: FactsOf<C>, options?: ErrorOptions) {
    // The table's row takes just these facts; TypeScript cannot follow a generic key through the union of rows.
    super((ERROR_CODES[code] as CodeRow<unknown>).say(facts), options);
    this.name = new.target.name;
    this.code = code;
    this.facts = facts;
  }

  /**
   * What the process ends with when this error ends it: 1 a fault of ours, 2 usage, 3 input, 4 an incomplete run, 5 the
   * network, 6 output, 100 a missed gate, 130 SIGINT, 143 SIGTERM.
   */
  get exitStatus(): ExitStatus {
    return ERROR_CODES[this.code].status;
  }
}

/** A fault in the command line, in a configuration, or in the options or the order of calls. */
export class UsageError<
  C extends keyof typeof usageCodes = keyof typeof usageCodes,
> extends BatchwiseError<C> {}
/** A file that cannot be read, holds nothing, breaks the rules of its format, or is no part of the run that it is for. */
export class FileError<
  C extends keyof typeof fileCodes | keyof typeof formatCodes | keyof typeof partCodes =
    | keyof typeof fileCodes
    | keyof typeof formatCodes
    | keyof typeof partCodes,
> extends BatchwiseError<C> {}
/** A fault in images, labels or class names, a range without images, or a result of other images than those compared. */
export class DatasetError<
  C extends keyof typeof datasetCodes = keyof typeof datasetCodes,
> extends BatchwiseError<C> {}
/** A fault in a file of weights, or a network that does not fit the images, the engine or the file it is written to. */
export class NetworkError<
  C extends keyof typeof networkCodes = keyof typeof networkCodes,
> extends BatchwiseError<C> {}
/** A fault in a picture given to `predict`. */
export class PictureError<
  C extends keyof typeof pictureCodes = keyof typeof pictureCodes,
> extends BatchwiseError<C> {}
/** A download that failed, was refused or was interrupted, or a cache that cannot be written. */
export class TransferError<
  C extends keyof typeof transferCodes = keyof typeof transferCodes,
> extends BatchwiseError<C> {}
/** A run that could not begin, failed, was interrupted, missed its gate or could not write its answer. */
export class RunError<C extends keyof typeof runCodes = keyof typeof runCodes> extends BatchwiseError<C> {}

/** Returns what was thrown as an error: JavaScript can throw any value. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/**
 * Returns the reason of what was thrown as one line for a message: without the stack, and of a system's error without code,
 * call and path. `ENOENT: no such file or directory, open 'a'` → `no such file or directory`.
 */
export function reasonOf(thrown: unknown): string {
  const { message } = asError(thrown);
  const described = /^[A-Z0-9_]+: (.+?)(?:, \w+(?: '.*')?)?$/s.exec(message);
  return (described?.[1] ?? message).split("\n", 1)[0] ?? "";
}

type AtLeast<T, N extends number, Found extends readonly T[] = []> = Found["length"] extends N
  ? readonly [...Found, ...T[]]
  : AtLeast<T, N, readonly [...Found, T]>;

/**
 * Returns the list with a type that has its first `count` entries.
 *
 * @throws RunError ERR_INTERNAL if the list is shorter: the caller has checked that it is not
 */
export function atLeast<T, N extends 1 | 2 | 3 | 4>(list: ArrayLike<T>, count: N): AtLeast<T, N> {
  if (list.length < count) {
    throw new RunError("ERR_INTERNAL", { problem: `expected ${count} entries, found ${list.length}` });
  }
  // TypeScript cannot follow a length into a tuple type.
  return list as unknown as AtLeast<T, N>;
}

// The advice to use the engine `onnx`, in words that the command at work can follow.

/** What the known formats say once a model was exported. */
const GIVE_ONNX = "give --weights out.onnx --engine onnx";
/** Commands whose `--engine onnx` runs models that are no chain of fully connected layers. */
const WITH_ENGINE: ReadonlySet<string> = new Set(["evaluate", "compare", "diagnose"]);

/** The error, its advice changed where `command` has no such option, or has one that does not help. */
export function advisedFor(command: string, error: unknown): unknown {
  if (!(error instanceof NetworkError) || WITH_ENGINE.has(command)) return error;
  error.message = error.message
    .replace(OTHER_ENGINE, otherModels(command))
    .replace(
      GIVE_ONNX,
      command === "check" ? 'set "weights": "out.onnx", "engine": "onnx"' : "evaluate that",
    );
  return error;
}

function otherModels(command: string): string {
  switch (command) {
    case "check":
      return '"engine": "onnx" evaluates other models';
    case "convert":
      return "other models stay as they are, and convert writes --mean and --std into them";
    case "fit":
      return "fit reads fully connected layers alone: evaluate other models with the --mean and --std of their training";
    default:
      return `${command} reads fully connected layers alone, batchwise evaluate runs other models too`;
  }
}
