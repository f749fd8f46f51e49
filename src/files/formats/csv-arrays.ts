/** Reads a matrix of numbers as text, as numpy.savetxt and pandas write it: one row per line. */

import { finished, type Steps } from "#src/base/abort.js";
import { NetworkError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import type { NamedArray } from "./arrays.js";
import { MAX_NUMBERS, MAX_TEXT_BYTES } from "./json-arrays.js";

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^[+-]?(nan|inf|infinity)$/i;
const INFINITY = /inf/i;
const SEPARATOR = / *[,;\t] *| +/;
const NEWLINE = 0x0a;
/** Longest line in bytes: a row of 100,000 numbers. */
const MAX_LINE_BYTES = 2 ** 22;

/**
 * Returns the array of a CSV file, (rows, columns). Numbers are separated by commas, semicolons, tabs or spaces. Empty lines and
 * lines that begin with `#` are left out. `path` is for messages.
 *
 * @throws NetworkError ERR_WEIGHTS_TEXT, ERR_WEIGHTS_SIZE
 */
export function decodeCsv(path: string, bytes: Uint8Array): NamedArray {
  return finished(csvInSteps(path, bytes));
}

/** `decodeCsv` in steps of a line each. */
export function* csvInSteps(path: string, bytes: Uint8Array): Steps<NamedArray> {
  if (bytes.length > MAX_TEXT_BYTES) {
    const facts = { path, actualBytes: bytes.length, limitBytes: MAX_TEXT_BYTES };
    throw new NetworkError("ERR_WEIGHTS_SIZE", facts);
  }
  const fault = (offset: number, expected: string, found: string) =>
    new NetworkError("ERR_WEIGHTS_TEXT", { path, offset, expected, found });
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let values = new Float64Array(1_024);
  let [count, rows, columns] = [0, 0, 0];
  for (let at = 0, end = 0; at < text.length; at = end + 1) {
    end = text.indexOf(NEWLINE, at);
    if (end < 0) end = text.length;
    if (end - at > MAX_LINE_BYTES) throw fault(at, `a line of at most ${MAX_LINE_BYTES} bytes`, "more");
    const line = text
      .toString("utf8", at, end)
      .replace(/^\ufeff/, "")
      .trim();
    if (line === "" || line.startsWith("#")) continue;
    const words = line.split(SEPARATOR);
    if (rows > 0 && words.length !== columns)
      throw fault(at, `${columns} numbers, as in the first row`, `${words.length}`);
    if (count + words.length > MAX_NUMBERS) throw fault(at, `at most ${MAX_NUMBERS} numbers`, "more");
    if (count + words.length > values.length) {
      const wider = new Float64Array(2 * (count + words.length));
      wider.set(values);
      values = wider;
    }
    for (const word of words) {
      if (!NUMBER.test(word)) throw fault(at, "numbers alone", `"${printable(word.slice(0, 20))}"`);
      values[count++] = INFINITY.test(word)
        ? Number(`${word.startsWith("-") ? "-" : ""}Infinity`)
        : Number(word);
    }
    rows += 1;
    columns = words.length;
    yield;
  }
  if (rows === 0) throw fault(0, "rows of numbers", "none");
  return { shape: [rows, columns], data: values.slice(0, count) };
}
