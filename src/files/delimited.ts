/** Reads text with cells between separators, as spreadsheets, pandas and Kaggle write it: RFC 4180 and its relatives. */

import { printable } from "#src/base/text.js";

/** Separators, by which of them occurs in the first line: a tab or a semicolon would be quoted in a cell of a header. */
const SEPARATORS = ["\t", ";", ","] as const;
const NEWLINE = 0x0a;
const QUOTE = 0x22;
/** Longest record in bytes: a thousand probabilities with all digits take 25 kB. */
const LONGEST_RECORD_BYTES = 2 ** 20;

export interface DelimitedRow {
  /** Number of the row's first line, from 1. */
  readonly line: number;
  /** Cells without their quotes, and without blanks around them. */
  readonly cells: readonly string[];
}

/** Throws the caller's error for a line. */
export type RefuseLine = (line: number, expected: string, found: string) => never;

/**
 * Yields the rows in order. Lines that begin with `#` before the first row are comments. Quoted cells may hold separators,
 * line ends and doubled quotes. Empty lines may end the file; elsewhere they are refused, since a row could be missing.
 */
export function* delimitedRows(bytes: Uint8Array, refuse: RefuseLine): Generator<DelimitedRow> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let separator: string | undefined;
  let emptyLine: number | undefined;
  let line = 1;
  for (let at = 0; at < text.length; ) {
    const end = endOfRecord(text, at);
    if (end === undefined) refuse(line, "a closing quote", "the end of the file");
    if (end - at > LONGEST_RECORD_BYTES) {
      refuse(line, `a row of at most ${LONGEST_RECORD_BYTES} bytes`, "a longer one");
    }
    const record = text
      .toString("utf8", at, end)
      .replace(/^\ufeff/, "")
      .replace(/\r$/, "");
    const first = line;
    line += 1 + (record.match(/\n/g)?.length ?? 0);
    at = end + 1;
    if (record.trim() === "") {
      emptyLine ??= first;
      continue;
    }
    if (emptyLine !== undefined) refuse(emptyLine, "a row", "an empty line");
    if (separator === undefined && record.startsWith("#")) continue;
    separator ??= SEPARATORS.find((one) => record.includes(one)) ?? ",";
    yield {
      line: first,
      cells: cellsOf(record, separator, (found) => refuse(first, "quotes around cells", found)),
    };
  }
}

/** Index of the line feed that ends the record, or of the end of the text. Undefined if a quote is never closed. */
function endOfRecord(text: Buffer, from: number): number | undefined {
  const end = text.indexOf(NEWLINE, from);
  const until = end < 0 ? text.length : end;
  let quote = text.indexOf(QUOTE, from);
  if (quote < 0 || quote > until) return until;
  let isOpen = false;
  for (let at = quote; at < text.length && at - from <= LONGEST_RECORD_BYTES; at++) {
    quote = text[at] ?? 0;
    if (quote === QUOTE) isOpen = !isOpen;
    else if (quote === NEWLINE && !isOpen) return at;
  }
  if (text.length - from > LONGEST_RECORD_BYTES) return from + LONGEST_RECORD_BYTES + 1;
  return isOpen ? undefined : text.length;
}

function cellsOf(record: string, separator: string, refuse: (found: string) => never): string[] {
  if (!record.includes('"')) return record.split(separator).map((cell) => cell.trim());
  const cells: string[] = [];
  for (let at = 0; at <= record.length; ) {
    while (record[at] === " ") at++;
    if (record[at] !== '"') {
      const end = record.indexOf(separator, at);
      const cell = record.slice(at, end < 0 ? undefined : end).trim();
      if (cell.includes('"')) refuse(`a quote within "${printable(cell)}"`);
      cells.push(cell);
      at = end < 0 ? record.length + 1 : end + 1;
      continue;
    }
    let cell = "";
    for (at++; ; at += 2) {
      const close = record.indexOf('"', at);
      if (close < 0) refuse(`"${printable(record.slice(at))}" without its second quote`);
      cell += record.slice(at, close);
      at = close;
      if (record[at + 1] !== '"') break;
      cell += '"';
    }
    at++;
    while (record[at] === " ") at++;
    if (at < record.length && !record.startsWith(separator, at)) refuse("text behind a closing quote");
    cells.push(cell.trim());
    at++;
  }
  return cells;
}
