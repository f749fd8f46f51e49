/**
 * Tables of pixels as text, one image a row: Kaggle's train.csv and test.csv, mnist_test.csv without a line of names, OpenML's
 * export, with commas, semicolons or tabs, gzipped or not. A first pass counts the rows; a second one scans them into slabs.
 */

import { type Dataset, imageBytes } from "#src/base/contracts/dataset.js";
import { DatasetError } from "#src/base/errors.js";
import { type ContentFile, contentPieces, openContent } from "#src/files/content.js";
import { assertUnchanged } from "#src/files/read-file.js";
import { columnsOf, PROBED_ROWS } from "./csv-columns.js";
import { channelsLast } from "./reading.js";
import { COLUMN, CR, CsvRows, cellAt, LF, type RowLayout } from "./stream/csv-rows.js";
import { hashOfFiles } from "./stream/file-hash.js";
import type { OpenArchive } from "./stream/idx-set.js";
import { type OpenPart, partOfRecords } from "./stream/parts.js";
import { datasetOf } from "./stream/slab-reader.js";

/** Longest line in bytes: 300,000 numbers of 13 digits. */
const MAX_LINE_BYTES = 2 ** 22;
/** Rows between two of which the place in the file is kept. */
const INDEXED_ROWS = 1024;
/** Most content that is kept in memory between the two passes. */
const KEPT_BYTES = 32 * 2 ** 20;
/** Bytes that show whether a file is a table. */
const HEAD_BYTES = 2 ** 16;
/** Length from which a line without an end may be one of names. */
const LONG_LINE_BYTES = 1024;
/** How a line of numbers begins, and a cell of one in it. */
const NUMBER_CELL = /(?:^|[,;\t])\s*"?[-+\d.]/;
const NUMBERS = /^\s*[-+\d."]/;

/** Whether a file's first bytes, unpacked, are those of a table: numbers with delimiters, which a line of names may precede. */
export function canBeTable(head: Uint8Array): boolean {
  const start = head.subarray(0, HEAD_BYTES);
  if (start.some((byte) => byte < 0x20 && byte !== 0x09 && byte !== LF && byte !== CR)) return false;
  const text = Buffer.from(start)
    .toString("latin1")
    .replace(/^\xef\xbb\xbf/, "");
  const [first = "", ...lines] = text.split("\n");
  const second = lines.find((line) => line.trim() !== "");
  const isCut = second === undefined && text.length >= LONG_LINE_BYTES;
  const isNumbers = NUMBERS.test(first) || isCut || NUMBER_CELL.test(second ?? "");
  return isNumbers && /[,;\t]/.test(first);
}

/** Whether the file at `path`, gzipped or not, is a table. */
export async function isTable(path: string): Promise<boolean> {
  const file = await openContent(path, undefined);
  for await (const piece of contentPieces(file)) return canBeTable(piece);
  return false;
}

/**
 * Opens a table. Every row is one image, of which a column may be the label.
 *
 * @throws DatasetError ERR_DATASET_FORMAT, ERR_CSV_ROW; ERR_GZIP_CORRUPT, ERR_GZIP_TRAILING; its slabs also ERR_DATASET_CHANGED
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY; UsageError ERR_OPTION_VALUE for an option of the reading
 */
export const openCsvSet: OpenArchive = async (path, given, labelled, reading = {}): Promise<Dataset> => {
  const file = await openContent(path, canBeTable);
  const counted = await countRows(file);
  const table = columnsOf({ path, source: given.name, lines: counted.first, labelled, reading });
  const { shape, isChannelsFirst, headerLines, assumptions, group, ...layout } = table;
  const rowLayout: RowLayout = { path, ...layout, classNames: given.classNames };
  const total = counted.lines - headerLines;
  if (total <= 0) {
    const facts = { expected: "a row for each image", found: "a line of names alone" };
    throw new DatasetError("ERR_DATASET_FORMAT", { path, ...facts, next: "is the file complete?" });
  }
  const inputs = imageBytes(shape);
  return datasetOf({
    facts: {
      ...given,
      assumptions: [...(given.assumptions ?? []), ...assumptions],
      labelsPath: labelled ? path : undefined,
      shape,
      total,
      isDeflated: file.deflateAt !== undefined,
      isFraction: layout.pixelMax === 1,
    },
    parts: [
      {
        count: total,
        open: async (image) =>
          openRows({ file, counted, rowLayout, headerLines, inputs, isChannelsFirst }, image),
      },
    ],
    groups: (by) =>
      columnGroups({ file, counted, rowLayout, headerLines }, by === "column" ? group : undefined),
    sha256: () => hashOfFiles([file], false),
  });
};

interface Counted {
  /** Lines that are not blank, up to the last of them. */
  readonly lines: number;
  /** The first lines, without their ends. */
  readonly first: readonly string[];
  /** Where each 1,024th line begins. */
  readonly places: readonly number[];
  /** The content, where it is short. */
  readonly kept: readonly Uint8Array[] | undefined;
}

/** Counts lines. Blank lines at the end are none. */
async function countRows(file: ContentFile): Promise<Counted> {
  const places = [0];
  let kept: Uint8Array[] | undefined = [];
  let [lines, filled, contentBytes, lineAt] = [0, 0, 0, 0];
  let isBlank = true;
  const head: Uint8Array[] = [];
  let headBytes = 0;
  let headLines = 0;
  const longest = () => {
    const facts = {
      path: file.path,
      line: lines + 1,
      expected: `at most ${MAX_LINE_BYTES} bytes`,
      found: "more",
    };
    return new DatasetError("ERR_CSV_ROW", facts);
  };
  for await (const piece of contentPieces(file)) {
    if (headLines <= PROBED_ROWS && headBytes < MAX_LINE_BYTES) {
      head.push(piece);
      headBytes += piece.length;
    }
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    for (let from = 0; from < bytes.length; ) {
      const found = bytes.indexOf(LF, from);
      const end = found < 0 ? bytes.length : found;
      for (let at = from; isBlank && at < end; at++) isBlank = bytes[at] === CR || bytes[at] === 0x20;
      if (contentBytes + end - lineAt > MAX_LINE_BYTES) throw longest();
      if (found < 0) break;
      lines++;
      if (!isBlank) filled = lines;
      isBlank = true;
      from = end + 1;
      lineAt = contentBytes + from;
      if (lines % INDEXED_ROWS === 0) places.push(lineAt);
    }
    headLines = lines;
    contentBytes += piece.length;
    if (kept !== undefined && contentBytes > KEPT_BYTES) kept = undefined;
    kept?.push(piece);
  }
  if (!isBlank) filled = lines + 1;
  const text = new TextDecoder().decode(Buffer.concat(head));
  const first = text.split(/\r?\n/, PROBED_ROWS + 1);
  // The last of these lines may be cut.
  if (headBytes < contentBytes && first.length <= PROBED_ROWS) first.pop();
  // In a plain file the second pass reads what the system has in memory.
  return { lines: filled, first, places, kept: file.deflateAt === undefined ? undefined : kept };
}

interface Rows {
  readonly file: ContentFile;
  readonly counted: Counted;
  readonly rowLayout: RowLayout;
  readonly headerLines: number;
  readonly inputs: number;
  readonly isChannelsFirst: boolean;
}

/** Scans rows from `image` on. A read of pixels keeps the labels for the read of labels that goes with it. */
function openRows(
  { file, counted, rowLayout, headerLines, inputs, isChannelsFirst }: Rows,
  image: number,
): OpenPart {
  const { path, stamp } = file;
  const scanner = new CsvRows(rowLayout);
  let line = Math.floor((image + headerLines) / INDEXED_ROWS) * INDEXED_ROWS;
  let skip = image + headerLines - line;
  const from = counted.places[line / INDEXED_ROWS]!;
  const pieces = counted.kept === undefined ? contentPieces(file, from) : keptPieces(counted.kept, from);
  let bytes = Buffer.alloc(0);
  /** The next line, and the end of the whole lines in `bytes`. */
  let [at, end] = [from === 0 ? -1 : 0, 0];
  const scratch = new Uint8Array(inputs);

  /** Takes the next piece behind what is left of the last one. */
  async function more(): Promise<void> {
    const next = await pieces.next();
    const rest = bytes.subarray(Math.max(at, 0));
    // The last line may have no end.
    const added = next.done ? Uint8Array.of(LF) : next.value;
    bytes = Buffer.concat([rest, added]);
    const isStart = at < 0;
    at = isStart && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
    end = bytes.lastIndexOf(LF) + 1;
    if (!next.done || bytes.length > 1) return;
    assertUnchanged(path, stamp);
    throw new DatasetError("ERR_CSV_ROW", {
      path,
      line: line + 1,
      expected: "a row",
      found: "the end of the file",
    });
  }

  async function readRows(into: Uint8Array): Promise<Uint8Array> {
    const labels = new Uint8Array(into.length / inputs);
    for (let done = 0; done < labels.length; ) {
      if (at < 0 || at >= end) {
        await more();
        continue;
      }
      line++;
      if (skip > 0) {
        skip--;
        at = bytes.indexOf(LF, at) + 1;
        continue;
      }
      if (isChannelsFirst) {
        at = scanner.scan(bytes, at, scratch, 0, line);
        channelsLast(scratch, into, done * inputs);
      } else at = scanner.scan(bytes, at, into, done * inputs, line);
      labels[done++] = scanner.label;
    }
    return labels;
  }

  const close = async () => {
    await pieces.return(undefined);
  };
  const check = () => assertUnchanged(path, stamp);
  return partOfRecords({ read: readRows, check, close }, rowLayout.kinds.includes(COLUMN.label));
}

/** The cells of a column, row by row, in a pass of its own. */
async function* columnGroups(
  { file, counted, rowLayout, headerLines }: Omit<Rows, "inputs" | "isChannelsFirst">,
  column: number | undefined,
): AsyncGenerator<string> {
  const { path, stamp } = file;
  if (column === undefined) {
    const facts = { path, expected: "pictures in folders", found: "a table: set --groups to column:NAME" };
    throw new DatasetError("ERR_GROUPS_FILE", facts);
  }
  let [line, rest] = [0, Buffer.alloc(0)];
  const pieces = counted.kept === undefined ? contentPieces(file) : keptPieces(counted.kept, 0);
  function* cellsIn(bytes: Buffer): Generator<string> {
    for (let at = 0; at < bytes.length; at = bytes.indexOf(LF, at) + 1) {
      if (++line <= headerLines || line > counted.lines) continue;
      const cell = cellAt(bytes, at, column!, rowLayout.delimiter);
      if (cell === "") {
        const facts = {
          path,
          line,
          column: column! + 1,
          expected: "the name of a group",
          found: "an empty cell",
        };
        throw new DatasetError("ERR_CSV_ROW", facts);
      }
      yield cell;
    }
  }
  for await (const piece of pieces) {
    const bytes = Buffer.concat([rest, piece]);
    const end = bytes.lastIndexOf(LF) + 1;
    yield* cellsIn(bytes.subarray(0, end));
    rest = Buffer.from(bytes.subarray(end));
  }
  if (rest.length > 0) yield* cellsIn(Buffer.concat([rest, Uint8Array.of(LF)]));
  assertUnchanged(path, stamp);
}

async function* keptPieces(pieces: readonly Uint8Array[], from: number): AsyncGenerator<Uint8Array> {
  let left = from;
  for (const piece of pieces) {
    if (piece.length > left) {
      yield piece.subarray(left);
      await new Promise(setImmediate);
    }
    left = Math.max(0, left - piece.length);
  }
}
