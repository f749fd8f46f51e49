/** Reads a JSON file of a shape that we know: a result, and whatever else has a schema here. */

import type * as z from "zod";
import { asError, FileError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { readWholeFile } from "./read-file.js";
import { jsonBloat } from "./scan-json.js";

/** V8 holds no string much longer than this. */
const LIMIT_BYTES = 256 * 2 ** 20;
/** Of what others say of a document: they cite it. */
const LONGEST_REASON = 180;

/**
 * The file's JSON, whatever it holds.
 *
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_JSON_SYNTAX; ERR_JSON_SHAPE for what would take too much memory
 */
export async function readJson(path: string): Promise<unknown> {
  const text = new TextDecoder().decode(await readWholeFile(path, LIMIT_BYTES));
  const problem = jsonBloat(text);
  if (problem !== undefined) {
    throw new FileError("ERR_JSON_SHAPE", { path, what: "a document of Batchwise's", at: "", problem });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new FileError("ERR_JSON_SYNTAX", { path, reason: syntaxReason(error) }, { cause: error });
  }
}

/** What JSON.parse says, which cites the text around the fault, with its line feeds and whatever else is in it. */
export function syntaxReason(error: unknown): string {
  return printable(asError(error).message, LONGEST_REASON);
}

/**
 * @param what as in `r.json: expected ${what}, found …`
 * @throws FileError ERR_JSON_SHAPE naming the first place that does not fit
 */
export function checkDocument<Schema extends z.ZodType>(
  schema: Schema,
  document: unknown,
  { path, what }: { readonly path: string; readonly what: string },
): z.output<Schema> {
  const parsed = schema.safeParse(document);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new FileError("ERR_JSON_SHAPE", { path, what, at: placeOf(issue.path), problem: problemOf(issue) });
}

/** @throws FileError ERR_PREDICTIONS_LINE naming the line, and the first place in it that does not fit */
export function checkLine<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  place: { readonly path: string; readonly line: number },
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const at = placeOf(issue.path);
  throw new FileError("ERR_PREDICTIONS_LINE", {
    ...place,
    problem: `${at ? `${at}: ` : ""}${problemOf(issue)}`,
  });
}

/** `result.perClass[3].recall`; nothing where the whole document is meant. */
function placeOf(keys: readonly PropertyKey[]): string {
  return keys
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("")
    .replace(/^\./, "");
}

/** zod says `Invalid input: expected number, received string`; we say found. It cites keys that it does not know. */
function problemOf({ message }: z.core.$ZodIssue): string {
  return printable(
    message.replace(/^Invalid input: /, "").replace(/, received /, ", found "),
    LONGEST_REASON,
  );
}
