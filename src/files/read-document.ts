/** Reads JSON files and checks them against a schema. */

import type * as z from "zod";
import { asError, atLeast, FileError } from "#src/base/errors.js";
import { isErrorNamed } from "#src/base/realm.js";
import { printable } from "#src/base/text.js";
import { readWholeFile } from "./read-file.js";
import { jsonBloat } from "./scan-json.js";

/** V8's strings are not much longer than this. */
const LIMIT_BYTES = 256 * 2 ** 20;
/** Longest reason in characters. The messages of zod and of JSON.parse quote the document. */
const LONGEST_REASON = 180;

/**
 * Reads the JSON value of a file, without a check of its shape.
 *
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_JSON_SYNTAX; ERR_JSON_SHAPE if the value would take too much memory
 */
export async function readJson(path: string): Promise<unknown> {
  const text = new TextDecoder().decode(await readWholeFile(path, LIMIT_BYTES));
  const problem = jsonBloat(text);
  if (problem !== undefined) {
    throw new FileError("ERR_JSON_SHAPE", { path, what: "a document of Batchwise", at: "", problem });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!isErrorNamed("SyntaxError", error)) throw error;
    throw new FileError("ERR_JSON_SYNTAX", { path, reason: syntaxReason(error) }, { cause: error });
  }
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
function placeOf(keys: readonly PropertyKey[]): string {
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
