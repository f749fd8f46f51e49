/** Reads JSON files and checks them against a schema. */

import type * as z from "zod";
import { assertLoading, takeTurn } from "#src/base/abort.js";
import { grouped } from "#src/base/errors/define.js";
import { asError, atLeast, FileError } from "#src/base/errors.js";
import { isErrorNamed } from "#src/base/realm.js";
import { printable } from "#src/base/text.js";
import { JsonStream, JsonTexts } from "./json-stream.js";
import { assertUnchanged, type OpenFile, readInto, withFile } from "./read-file.js";
import { DOCUMENT_DEPTH, jsonBloat } from "./scan-json.js";

const LIMIT_BYTES = 2 * 2 ** 30;
/** Most bytes of what is parsed. A result of 1,024 classes has two matrices of a million counts: some 10 MB. JSON.parse takes half a second for as much. */
const KEPT_BYTES = 24 * 2 ** 20;
/** Most values. The two matrices have two million; all else, a hundredth of that. */
const MOST_ENTRIES = 2 ** 21 + 2 ** 17;
/** Most values that are no whole numbers. A timeline of 10,000 batches has 60,000, keys included. */
const MOST_OTHERS = 2 ** 18;
/** Most different keys. A result has about 150. */
const MOST_KEYS = 4_096;
/** Bytes read at once: checking them takes a few milliseconds. */
const PIECE_BYTES = 2 ** 20;
/** Bytes of a pipe in which a document must begin. */
const START_BYTES = 256;
/** Longest reason in characters. The messages of zod and of JSON.parse quote the document. */
const LONGEST_REASON = 180;

export interface JsonRequest {
  /** Key of a long list of whole numbers that the caller does not need: it becomes an empty list. */
  readonly without?: string;
  /** Fewest bytes per value, for a document whose values are long texts. */
  readonly entryBytes?: number;
}

/**
 * Reads the JSON value of a file, without a check of its shape. The file is not held: memory is in proportion to the values.
 *
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_JSON_SYNTAX; ERR_JSON_SHAPE if the value would take too much memory
 */
export async function readJson(path: string, request: JsonRequest = {}): Promise<unknown> {
  const text = await readText(path, request);
  const problem = jsonBloat(text);
  if (problem !== undefined) throw bloated(path, problem);
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!isErrorNamed("SyntaxError", error)) throw error;
    throw new FileError("ERR_JSON_SYNTAX", { path, reason: syntaxReason(error) }, { cause: error });
  }
}

function bloated(path: string, problem: string): FileError {
  return new FileError("ERR_JSON_SHAPE", { path, what: "a document of Batchwise", at: "", problem });
}

function readText(path: string, { without, entryBytes }: JsonRequest): Promise<string> {
  const read = async (file: OpenFile, sizeBytes: number) => {
    if (sizeBytes > LIMIT_BYTES) {
      throw bloated(path, `expected at most ${grouped(LIMIT_BYTES)} bytes, found ${grouped(sizeBytes)}`);
    }
    const stream = new JsonStream({
      depth: DOCUMENT_DEPTH,
      ...(entryBytes === undefined
        ? { entries: MOST_ENTRIES, others: MOST_OTHERS }
        : { entries: Math.min(MOST_ENTRIES, Math.ceil(sizeBytes / entryBytes)) }),
      keys: MOST_KEYS,
      keptBytes: KEPT_BYTES,
      without,
    });
    await eachPiece(file, sizeBytes, (piece) => {
      const fault = stream.add(piece);
      if (fault !== undefined) throw bloated(path, `expected ${fault.expected}, found ${fault.found}`);
    });
    assertUnchanged(path, file.stamp);
    return stream.text();
  };
  return withFile(path, read, { canBegin: beginsLikeJson });
}

/** Longest text in bytes that can be a path; each of its characters may be escaped. */
const LONGEST_TEXT = 6 * 4096;

/** Texts of a JSON document that could be paths, at most `mostTexts`. The file is not held. */
export function textsIn(path: string, mostTexts: number): Promise<ReadonlySet<string>> {
  return withFile(path, async (file, sizeBytes) => {
    const found = new JsonTexts({ longest: LONGEST_TEXT, texts: mostTexts, bytes: KEPT_BYTES });
    await eachPiece(file, sizeBytes, (piece) => found.add(piece));
    return found.texts;
  });
}

/** Reads the file in pieces, which all lie in the same memory. A signal ends it. */
async function eachPiece(
  file: OpenFile,
  sizeBytes: number,
  take: (piece: Uint8Array) => void,
): Promise<void> {
  const piece = new Uint8Array(Math.min(sizeBytes, PIECE_BYTES));
  for (let position = 0; position < sizeBytes; ) {
    const found = await readInto(file, piece, position);
    if (found === 0) break;
    assertLoading();
    take(piece.subarray(0, found));
    position += found;
  }
}

/** True for an object, an array, or blanks only. Our documents are nothing else. */
function beginsLikeJson(head: Uint8Array): boolean {
  return /^\s*(?:[[{]|$)/.test(Buffer.from(head.subarray(0, START_BYTES)).toString("latin1"));
}

/** Message of JSON.parse on one line. It quotes the text around the fault, with line feeds and control characters. */
export function syntaxReason(error: unknown): string {
  return printable(asError(error).message, LONGEST_REASON);
}

/**
 * Returns the document, parsed by the schema.
 *
 * @param what name of the document for the message: `r.json: expected ${what}, found …`
 * @throws FileError ERR_JSON_SHAPE naming the first place that does not fit
 */
export function checkDocument<Schema extends z.ZodType>(
  schema: Schema,
  document: unknown,
  { path, what }: { readonly path: string; readonly what: string },
): z.output<Schema> {
  const parsed = schema.safeParse(document);
  if (parsed.success) return parsed.data;
  const [issue] = atLeast(parsed.error.issues, 1);
  throw new FileError("ERR_JSON_SHAPE", { path, what, at: placeOf(issue.path), problem: problemOf(issue) });
}

/** Elements that take some milliseconds to check. */
const SLICE_ELEMENTS = 4_096;

/** As `checkDocument` for a list, slice by slice, with turns of the event loop between them. */
export async function checkList<Schema extends z.ZodType<readonly unknown[]>>(
  schema: Schema,
  document: unknown,
  place: { readonly path: string; readonly what: string },
): Promise<z.output<Schema>[number][]> {
  if (!Array.isArray(document) || document.length === 0) return [...checkDocument(schema, document, place)];
  const checked: z.output<Schema>[number][] = [];
  for (let from = 0; from < document.length; from += SLICE_ELEMENTS) {
    const parsed = schema.safeParse(document.slice(from, from + SLICE_ELEMENTS));
    if (!parsed.success) {
      const [issue] = atLeast(parsed.error.issues, 1);
      const [index, ...keys] = issue.path;
      const at = placeOf(typeof index === "number" ? [from + index, ...keys] : issue.path);
      throw new FileError("ERR_JSON_SHAPE", { ...place, at, problem: problemOf(issue) });
    }
    checked.push(...parsed.data);
    await takeTurn();
  }
  return checked;
}

/** Checks one line. @throws FileError ERR_PREDICTIONS_LINE with the line and the first place in it that does not fit */
export function checkLine<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  place: { readonly path: string; readonly line: number },
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = atLeast(parsed.error.issues, 1);
  const at = placeOf(issue.path);
  throw new FileError("ERR_PREDICTIONS_LINE", {
    ...place,
    problem: `${at ? `${at}: ` : ""}${problemOf(issue)}`,
  });
}

/** Place in a document: `result.perClass[3].recall`. Empty for the whole document. */
export function placeOf(keys: readonly PropertyKey[]): string {
  return keys
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("")
    .replace(/^\./, "");
}

/**
 * Message of zod in the words of our messages.
 * `Invalid input: expected number, received string` → `expected number, found string`
 */
function problemOf({ message }: z.core.$ZodIssue): string {
  return printable(
    message.replace(/^Invalid input: /, "").replace(/, received /, ", found "),
    LONGEST_REASON,
  );
}
