/** Rows of text, as any tool writes them: CSV and TSV with a line of names, and lines of JSON. */

import type { Steps } from "#src/base/abort.js";
import { DatasetError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { delimitedRows } from "#src/files/delimited.js";
import { syntaxReason } from "#src/files/read-document.js";
import { jsonBloat } from "#src/files/scan-json.js";
import { CLASS, isClass, MOST_VALUES, type ReadOptions, type ReadRows, rowFault } from "./answers.js";
import { type Columns, columnsOf } from "./columns.js";

/** A row of text: the values by the names of the first row. */
interface NamedRow {
  readonly line: number;
  readonly names: readonly string[];
  readonly cellOf: (column: number) => unknown;
}

/** A file of one column without a name, as numpy.savetxt writes it, holds classes. */
function* csvRows(path: string, bytes: Uint8Array, { purpose }: ReadOptions): Generator<NamedRow> {
  let names: readonly string[] | undefined;
  const refuse = (line: number, expected: string, found: string) =>
    rowFault(path, `line ${line}`, expected, found);
  for (const { line, cells } of delimitedRows(bytes, refuse)) {
    if (names === undefined) {
      const isHeader = !cells.every((cell) => NUMBER.test(cell));
      if (!isHeader && cells.length > 1) {
        throw new DatasetError("ERR_ANSWERS_FORMAT", {
          path,
          expected: "the names of the columns in the first line",
          found: "numbers",
          next: "add a line such as id,prediction or p0,p1,p2",
        });
      }
      names = isHeader ? cells : [purpose === "labels" ? "label" : "prediction"];
      if (isHeader) continue;
    }
    if (cells.length !== names.length) refuse(line, `${names.length} cells`, `${cells.length}`);
    yield { line, names, cellOf: (column) => cells[column] };
  }
}

/** Each line is an object. The keys of the first are the columns; a list of numbers becomes a column for each of them. */
function* jsonRows(path: string, bytes: Uint8Array): Generator<NamedRow> {
  let names: readonly string[] | undefined;
  let lengths: string | undefined;
  let line = 0;
  for (const text of linesOf(bytes)) {
    line++;
    if (text.trim() === "") continue;
    const values = flat(parsedLine(path, text, line));
    if (values === undefined) rowFault(path, `line ${line}`, "an object", printable(text, 40));
    names ??= [...values.keys()];
    const columns = names;
    const found = lengthsOf(values);
    lengths ??= found;
    if (found !== lengths) rowFault(path, `line ${line}`, `${lengths}, as in the first line`, found);
    yield { line, names, cellOf: (column) => values.get(columns[column] ?? "") };
  }
}

function parsedLine(path: string, text: string, line: number): unknown {
  const bloat = jsonBloat(text);
  if (bloat !== undefined) rowFault(path, `line ${line}`, "an object", bloat);
  try {
    return JSON.parse(text);
  } catch (error) {
    rowFault(path, `line ${line}`, "an object", syntaxReason(error));
  }
}

const LIST_PREFIXES: ReadonlyMap<string, string> = new Map([
  ["probabilities", "p"],
  ["logits", "logit_"],
]);

function flat(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return new Map(
    Object.entries(value).flatMap(([key, one]): [string, unknown][] => {
      const prefix = LIST_PREFIXES.get(key);
      if (!Array.isArray(one)) return [[key, one]];
      return prefix === undefined ? [] : one.map((item, k) => [`${prefix}${k}`, item]);
    }),
  );
}

/** A list that is longer than in the first line has numbers that no column takes. */
function lengthsOf(values: ReadonlyMap<string, unknown>): string {
  const counts = [...LIST_PREFIXES].map(([name, prefix]) => {
    let count = 0;
    while (values.has(`${prefix}${count}`)) count++;
    return `${count} ${name}`;
  });
  return counts.join(" and ");
}

function* linesOf(bytes: Uint8Array): Generator<string> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < text.length; ) {
    const found = text.indexOf("\n", at);
    const end = found < 0 ? text.length : found;
    yield text.toString("utf8", at, end).replace(/^\ufeff/, "");
    at = end + 1;
  }
}

/** Decimal notation, as all tools write it. */
const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;

/** Rows between turns of the event loop. */
const ROWS_A_STEP = 256;

/** Reads CSV, TSV or NDJSON, and takes the columns that matter out of each row. */
export function* readText(path: string, bytes: Uint8Array, options: ReadOptions): Steps<ReadRows> {
  const rows = firstMark(bytes) === "{" ? jsonRows(path, bytes) : csvRows(path, bytes, options);
  const names = new Map(options.classNames?.map((name, label) => [name, label]));
  const ids: string[] = [];
  const lines = new Numbers(Float64Array);
  const predictions = new Numbers(Uint16Array);
  const labels = new Numbers(Uint16Array);
  const values = new Numbers(Float64Array);
  let columns: Columns | undefined;
  for (const { line, names: header, cellOf } of rows) {
    columns ??= columnsOf(path, header, options.purpose, names);
    const refuse = (expected: string, found: unknown) =>
      rowFault(
        path,
        `line ${line}`,
        expected,
        found === undefined ? "nothing" : `"${printable(String(found))}"`,
      );
    if (columns.id !== undefined) ids.push(idOf(cellOf(columns.id), refuse));
    if (columns.prediction !== undefined)
      predictions.push(classOf(cellOf(columns.prediction), names, refuse));
    if (columns.label !== undefined) labels.push(classOf(cellOf(columns.label), names, refuse));
    for (const column of columns.values?.columns ?? []) {
      const value = numberOf(cellOf(column));
      if (!Number.isFinite(value))
        refuse(`a number in column ${printable(header[column] ?? "")}`, cellOf(column));
      values.push(value);
    }
    if (values.length > MOST_VALUES) refuse(`at most ${MOST_VALUES} numbers`, "more");
    lines.push(line);
    if (lines.length % ROWS_A_STEP === 0) yield;
  }
  const placed = lines.taken();
  if (columns === undefined) {
    const facts = { path, expected: "rows of answers", found: "none", next: "is the file complete?" };
    throw new DatasetError("ERR_ANSWERS_FORMAT", facts);
  }
  const { id, prediction, label, values: kind } = columns;
  return {
    rows: placed.length,
    ids: id === undefined ? undefined : ids,
    predictions: prediction === undefined ? undefined : predictions.taken(),
    labels: label === undefined ? undefined : labels.taken(),
    values: kind && { kind: kind.kind, classes: kind.columns.length, values: values.taken() },
    placeOf: (row) => `line ${placed[row]}`,
  };
}

type Refuse = (expected: string, found: unknown) => never;

function idOf(value: unknown, refuse: Refuse): string {
  const id = typeof value === "number" || typeof value === "string" ? String(value) : "";
  return id === "" ? refuse("an id", value) : id;
}

function numberOf(value: unknown): number {
  if (typeof value === "number") return value;
  return typeof value === "string" && NUMBER.test(value) ? Number(value) : Number.NaN;
}

/** A class by its number, or by its name where the names are known. */
function classOf(value: unknown, names: ReadonlyMap<string, number>, refuse: Refuse): number {
  const [number, named] = [numberOf(value), typeof value === "string" ? names.get(value) : undefined];
  if (named !== undefined && isClass(number) && named !== number) {
    refuse(`a class, not the name of class ${named} that is the number of another`, value);
  }
  if (named !== undefined) return named;
  if (isClass(number)) return number;
  return refuse(names.size > 0 ? `${CLASS}, or its name` : `${CLASS} (--classes FILE names classes)`, value);
}

/** A list of numbers that grows, in a typed array. */
class Numbers<T extends Float64Array | Uint16Array> {
  readonly #Kind: new (
    length: number,
  ) => T;
  #values: T;
  length = 0;

  constructor(Kind: new (length: number) => T) {
    this.#Kind = Kind;
    this.#values = new Kind(1024);
  }

  push(value: number): void {
    if (this.length === this.#values.length) {
      const longer = new this.#Kind(2 * this.length);
      longer.set(this.#values);
      this.#values = longer;
    }
    this.#values[this.length++] = value;
  }

  taken(): T {
    const taken = new this.#Kind(this.length);
    taken.set(this.#values.subarray(0, this.length));
    return taken;
  }
}

/** The first character that is no white space. */
function firstMark(bytes: Uint8Array): string {
  const start = Buffer.from(bytes.subarray(0, 64)).toString("utf8");
  return start
    .replace(/^\ufeff/, "")
    .trimStart()
    .charAt(0);
}
