/** Errors of Batchwise: each has a stable code, facts, a message of one line, and an exit status. */

import { datasetCodes, pictureCodes } from "#src/base/errors/dataset-codes.js";
import type { CodeRow, ExitStatus } from "#src/base/errors/define.js";
import { fileCodes, formatCodes, transferCodes } from "#src/base/errors/file-codes.js";
import { networkCodes } from "#src/base/errors/network-codes.js";
import { onnxInstallCommand, partCodes, runCodes, usageCodes } from "#src/base/errors/run-codes.js";
import { OTHER_ENGINE } from "./errors/network-codes.js";
import { isError } from "./realm.js";

/** Rows of all groups by their codes. The name keeps inferred types short. */
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
 * Table of all codes. Each has its exit status, and `say`, which makes the message from the facts.
 * Scripts may rely on codes. Messages may change.
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

/** Stable name of a fault, such as `ERR_IDX_TRUNCATED`. `ERROR_CODES` has its exit status. */
export type ErrorCode = keyof typeof ERROR_CODES;
/** Facts of an error with the code C: the parameter of `say`. */
export type FactsOf<C extends ErrorCode> = Parameters<(typeof ERROR_CODES)[C]["say"]>[0];
export type { ExitStatus } from "#src/base/errors/define.js";

/** Base class of all expected errors. `message` is one line that is clear without the stack. */
export class BatchwiseError<C extends ErrorCode = ErrorCode> extends Error {
  /** Code of the fault, stable between versions. */
  readonly code: C;
  /** Values in the message. The code determines their type. */
  readonly facts: FactsOf<C>;

  /** Makes the message from the facts by `ERROR_CODES`. `options.cause` is the original error. */
  constructor(code: C, facts: FactsOf<C>, options?: ErrorOptions) {
    // The row takes exactly these facts, but TypeScript cannot follow a generic key through the union of rows.
    super((ERROR_CODES[code] as CodeRow<unknown>).say(facts), options);
    this.name = new.target.name;
    this.code = code;
    this.facts = facts;
  }

  /**
   * Exit status of the process if this error ends it: 1 internal error, 2 usage, 3 input, 4 incomplete run, 5 network,
   * 6 output, 100 missed gate, 130 SIGINT, 143 SIGTERM. The command line ends with 129 after SIGHUP.
   */
  get exitStatus(): ExitStatus {
    return ERROR_CODES[this.code].status;
  }
}

/** A fault in the command line, in a configuration, or in the options or the order of calls. */
export class UsageError<
  C extends keyof typeof usageCodes = keyof typeof usageCodes,
> extends BatchwiseError<C> {}
/** A file that cannot be read, is empty, violates its format, or does not belong to the run. */
export class FileError<
  C extends keyof typeof fileCodes | keyof typeof formatCodes | keyof typeof partCodes =
    | keyof typeof fileCodes
    | keyof typeof formatCodes
    | keyof typeof partCodes,
> extends BatchwiseError<C> {}
/** A fault in images, labels or class names, a range without images, or a result from different images. */
export class DatasetError<
  C extends keyof typeof datasetCodes = keyof typeof datasetCodes,
> extends BatchwiseError<C> {}
/** A fault in a file of weights, or a network that does not match the images, the engine or the output format. */
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
/** A run that could not start, failed, was interrupted, missed a gate or could not write its result. */
export class RunError<C extends keyof typeof runCodes = keyof typeof runCodes> extends BatchwiseError<C> {}

/** A thrown value as an Error, since JavaScript can throw any value. */
export function asError(thrown: unknown): Error {
  return isError(thrown) ? thrown : new Error(String(thrown));
}

/**
 * Reason of a thrown value as one line, without the stack. For system errors, the code, the call and the path are removed:
 * `ENOENT: no such file or directory, open 'a'` → `no such file or directory`.
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

/** Advice of the known formats for an exported model. */
const GIVE_ONNX = "give --weights out.onnx --engine onnx";
/** Package of the engine `onnx`, an optional peer. */
const ONNX_PEER = "onnxruntime-node";
/** Commands whose `--engine onnx` runs any ONNX model. */
const WITH_ENGINE: ReadonlySet<string> = new Set(["evaluate", "compare", "diagnose"]);

/** The error, with advice that `command` can follow: the message changes if `--engine onnx` does not help there. */
export function advisedFor(command: string, error: unknown): unknown {
  if (!(error instanceof NetworkError)) return error;
  if (WITH_ENGINE.has(command)) {
    if (error.message.includes(OTHER_ENGINE) && !isInstalled(ONNX_PEER)) {
      error.message += `; install its package with: ${onnxInstallCommand(ONNX_PEER)}`;
    }
    return error;
  }
  error.message = error.message
    .replace(OTHER_ENGINE, otherModels(command))
    .replace(
      GIVE_ONNX,
      command === "check" ? 'set "weights": "out.onnx", "engine": "onnx"' : "evaluate that",
    );
  return error;
}

function isInstalled(name: string): boolean {
  try {
    return import.meta.resolve(name) !== "";
  } catch {
    return false;
  }
}

function otherModels(command: string): string {
  switch (command) {
    case "check":
      return '"engine": "onnx" evaluates other models';
    case "convert":
      return "other models stay as they are, and convert writes --mean and --std into them";
    case "fit":
      return "fit reads chains of layers alone: evaluate other models with the --mean and --std of their training";
    default:
      return `${command} reads chains of layers alone, batchwise evaluate runs other models too`;
  }
}
