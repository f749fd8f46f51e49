/** Columns of a table of pixels: which is the label, and the size of the image that the others make. */

import type { Assumption } from "#src/base/assumptions.js";
import type { DatasetReading } from "#src/base/contracts/dataset.js";
import { DatasetError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { type ImageLayout, imageLayout, isSquare, pixelMaxOf } from "./reading.js";
import { COLUMN, type RowLayout } from "./stream/csv-rows.js";

/** Rows in which the place of the label and the range of the pixels are looked for. */
export const PROBED_ROWS = 16;
const DELIMITERS = [",", ";", "\t"];
const LABEL_NAME = /^(label|labels|class|target|y|digit)$/i;
/** Numbers of rows: Kaggle's ImageId, and the index that pandas writes. */
const ID_NAME = /^(id|image_?id|index|unnamed: 0|)$/i;
/** Names of columns that state the size: `1x1` to `28x28`. */
const SIZE_NAME = /^\d+x\d+$/;
/** Names of columns with the place of a pixel: `pixel0`, `px_1`, `1x1`. */
const PLACE_NAME = /^(\D*)(\d+)(?:x(\d+))?$/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

export interface TableStart {
  readonly path: string;
  /** Name of the file, for assumptions. */
  readonly source: string;
  /** The first lines, of which the first may hold names. */
  readonly lines: readonly string[];
  readonly labelled: boolean;
  readonly reading: DatasetReading;
}

export interface Columns extends ImageLayout, Omit<RowLayout, "path" | "classNames"> {
  /** Index of the column of groups. */
  readonly group: number | undefined;
  /** Lines of names: 0 or 1. */
  readonly headerLines: number;
}

/**
 * What each column holds, by the options, the names in the first line, and the numbers in the first rows.
 *
 * @throws DatasetError ERR_DATASET_FORMAT; UsageError ERR_OPTION_VALUE
 */
export function columnsOf({ path, source, lines, labelled, reading }: TableStart): Columns {
  const [head = ""] = lines;
  const countOf = (delimiter: string) => head.split(delimiter).length;
  const delimiter = DELIMITERS.reduce((a, b) => (countOf(b) > countOf(a) ? b : a));
  const cells = cellsOf(head, delimiter);
  if (cells.length < 2) {
    throw fault(path, "numbers with commas, semicolons or tabs", "one column", "is this a table of pixels?");
  }
  const names = cells.every((cell) => NUMBER.test(cell)) ? undefined : cells;
  const headerLines = names === undefined ? 0 : 1;
  const rows = lines
    .slice(headerLines, headerLines + PROBED_ROWS)
    .map((row) => cellsOf(row, delimiter))
    .filter((row) => row.length === cells.length);
  const group =
    reading.groupColumn === undefined ? undefined : namedColumn(reading.groupColumn, names, path, GROUP_NEXT);
  const places = cells.flatMap((_, column) =>
    column === group || ID_NAME.test(names?.[column] ?? "1") ? [] : [column],
  );
  const asked = reading.labelColumn;
  const { column: label, assumptions } =
    asked === undefined
      ? unnamedLabel(names, rows, places, source)
      : namedLabel(asked, names, cells.length, path);
  if (labelled && label === undefined) {
    const next =
      "set --no-labels with --predictions FILE to predict, or name the column of the labels by --label-column";
    throw fault(path, "a column of labels", `${places.length} columns of pixels`, next);
  }
  const kinds = cells.map((_, column) =>
    column === label ? COLUMN.label : places.includes(column) ? COLUMN.pixel : COLUMN.skipped,
  );
  const pixels = cells.filter((_, column) => kinds[column] === COLUMN.pixel);
  if (names !== undefined) assertInOrder(path, pixels);
  const sizeName = SIZE_NAME.test(pixels.at(-1) ?? "") ? pixels.at(-1) : undefined;
  const layout = imageLayout({
    path,
    source,
    inputs: pixels.length,
    stated: sizeName,
    given: reading.imageShape,
  });
  const probed = rows.flatMap((row) => row.filter((_, n) => kinds[n] === COLUMN.pixel).map(Number));
  const white = pixelMaxOf(probed, source, reading.pixelMax);
  return {
    ...layout,
    kinds: labelled ? kinds : kinds.map((kind) => (kind === COLUMN.label ? COLUMN.skipped : kind)),
    delimiter: delimiter.charCodeAt(0),
    pixelMax: white.pixelMax,
    headerLines,
    group,
    assumptions: [...assumptions, ...layout.assumptions, ...white.assumptions],
  };
}

/** Names that number the pixels do so in the order of the columns. @throws DatasetError ERR_DATASET_FORMAT */
function assertInOrder(path: string, names: readonly string[]): void {
  let last: readonly [stem: string, row: number, column: number] | undefined;
  for (const [n, name] of names.entries()) {
    const [, stem = "", row, column = 0] = PLACE_NAME.exec(name) ?? [];
    if (row === undefined) {
      last = undefined;
      continue;
    }
    const place = [stem, Number(row), Number(column)] as const;
    const isBehind = last?.[0] !== stem || place[1] > last[1] || (place[1] === last[1] && place[2] > last[2]);
    if (!isBehind) {
      const found = `"${printable(name)}" behind "${printable(names[n - 1] ?? "")}"`;
      throw fault(path, "columns in the order of the pixels", found, "write the columns in that order");
    }
    last = place;
  }
}

interface FoundLabel {
  /** Undefined where the table has no labels. */
  readonly column: number | undefined;
  readonly assumptions: readonly Assumption[];
}

function namedLabel(
  asked: string,
  names: readonly string[] | undefined,
  columns: number,
  path: string,
): FoundLabel {
  if (asked === "none") return { column: undefined, assumptions: [] };
  if (asked === "first") return { column: 0, assumptions: [] };
  if (asked === "last") return { column: columns - 1, assumptions: [] };
  return {
    column: namedColumn(asked, names, path, "set --label-column to first, last, none or a name"),
    assumptions: [],
  };
}

const GROUP_NEXT = "name a column of the table by --groups column:NAME or --group-column NAME";

function namedColumn(
  asked: string,
  names: readonly string[] | undefined,
  path: string,
  next: string,
): number {
  const column = names?.indexOf(asked) ?? -1;
  if (column >= 0) return column;
  const found =
    names === undefined
      ? "no line of names"
      : `${names
          .slice(0, 3)
          .map((name) => printable(name))
          .join(", ")} …`;
  throw fault(path, `a column "${printable(asked)}"`, found, next);
}

/** The label by its name; otherwise the column by which the others are square, and then its place is assumed. */
function unnamedLabel(
  names: readonly string[] | undefined,
  rows: readonly (readonly string[])[],
  places: readonly number[],
  source: string,
): FoundLabel {
  const named = (names ?? []).flatMap((name, column) => (LABEL_NAME.test(name) ? [column] : []));
  const [first] = named;
  if (first !== undefined) {
    const what = `label in the column "${printable(names?.[first] ?? "")}"`;
    const assumed = { subject: "labels", what, source, option: "--label-column" } as const;
    return { column: first, assumptions: named.length > 1 ? [assumed] : [] };
  }
  if (isSquare(places.length) || !isSquare(places.length - 1)) return { column: undefined, assumptions: [] };
  const [start = 0, end = 0] = [places[0], places.at(-1)];
  // Pixels in the corners are mostly equal, and pixels have numbers in their names.
  const isOdd = (column: number) =>
    names === undefined ? new Set(rows.map((row) => row[column])).size > 1 : !/\d$/.test(names[column] ?? "");
  const column = isOdd(end) && !isOdd(start) ? end : start;
  const what = `label in the ${column === start ? "first" : "last"} column`;
  return { column, assumptions: [{ subject: "labels", what, source, option: "--label-column" }] };
}

/** The cells of a line, without their quotes. */
function cellsOf(line: string, delimiter: string): string[] {
  // A delimiter before each cell also finds a first cell that is empty.
  const cell = new RegExp(`${delimiter}(?:\\s*"[^"]*"\\s*|[^${delimiter}]*)`, "g");
  const cells = `${delimiter}${line}`.match(cell) ?? [];
  return cells.map((text) =>
    text
      .slice(1)
      .trim()
      .replace(/^"(.*)"$/, "$1"),
  );
}

function fault(path: string, expected: string, found: string, next: string): DatasetError {
  return new DatasetError("ERR_DATASET_FORMAT", { path, expected, found, next });
}
