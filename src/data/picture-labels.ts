/** A table of pictures and their labels, as Kaggle has it: `labels.csv` with `filename,label`, or `id,label` without endings. */

import { join, relative, sep } from "node:path";
import type { Assumption } from "#src/base/assumptions.js";
import { grouped } from "#src/base/errors/define.js";
import { DatasetError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { delimitedRows } from "#src/files/delimited.js";
import { readWholeFile } from "#src/files/read-file.js";
import type { FoundPictures } from "./pictures/find-pictures.js";

/** Most bytes of the table: two million names. */
const LIMIT_BYTES = 2 ** 29;
const FILE_NAME = /^(file_?names?|files?|images?|image_?id|image_?name|paths?|pictures?|id|name)$/i;
const LABEL_NAME = /^(label|labels|class|target|y|digit|category)$/i;
const LABEL = /^\d{1,3}$/;
const MOST_LABEL = 255;
const MOST_CLASSES = 256;
const ENDING = /\.(png|jpe?g)$/i;
/** Two pictures have this name without its ending. */
const AMBIGUOUS = -1;

/** Labels of the pictures, in the order of the pictures. */
interface PictureLabels {
  /** (total) u8 */
  readonly labels: Uint8Array;
  /** Class names in text order; undefined where the labels are numbers. */
  readonly names: readonly string[] | undefined;
  readonly assumptions: readonly Assumption[];
}

/**
 * Reads the label of each picture. A row names its picture by the path within the set's folder, with or without the ending.
 *
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY; DatasetError ERR_CSV_ROW, ERR_DATASET_FORMAT
 */
export async function readPictureLabels(
  path: string,
  found: FoundPictures,
  { labelColumn }: { readonly labelColumn?: string | undefined },
  given: { readonly name: string; readonly classNames: readonly string[] | undefined },
): Promise<PictureLabels> {
  const bytes = await readWholeFile(path, LIMIT_BYTES);
  const refuse = (line: number, expected: string, problem: string): never => {
    throw new DatasetError("ERR_CSV_ROW", { path, line, expected, found: problem });
  };
  const { indexOf, paths } = picturesByName(found);
  const texts: (string | undefined)[] = Array.from({ length: found.total });
  const lineOf = new Uint32Array(found.total);
  let columns: TableColumns | undefined;
  for (const { line, cells } of delimitedRows(bytes, refuse)) {
    if (columns === undefined) {
      columns = columnsOf(path, cells, labelColumn, (name) => indexOf.has(name));
      if (columns.hasNames) continue;
    }
    if (cells.length !== columns.count) refuse(line, `${columns.count} cells`, `${cells.length}`);
    const [name = "", label = ""] = [cells[columns.file]?.trim(), cells[columns.label]?.trim()];
    const index = indexOf.get(name.replaceAll("\\", "/").replace(/^\.\//, ""));
    const shown = `"${printable(name)}"`;
    if (index === undefined) return refuse(line, `the name of a picture below ${given.name}`, shown);
    if (index === AMBIGUOUS)
      return refuse(line, "one picture of a name", `${shown}, which two have: add its ending`);
    if (lineOf[index] !== 0)
      refuse(line, "every picture once", `${shown} on lines ${lineOf[index]} and ${line}`);
    if (label === "") refuse(line, "a label", "an empty cell");
    texts[index] = label;
    lineOf[index] = line;
  }
  const without = lineOf.indexOf(0);
  if (without >= 0) {
    throw new DatasetError("ERR_DATASET_FORMAT", {
      path,
      expected: `a row for each of the ${grouped(found.total)} pictures of ${given.name}`,
      found: `none for "${printable(paths[without] ?? "")}"`,
      next: "add its label, or move the picture out of the folder",
    });
  }
  const assumptions = (columns?.assumed ?? []).map(
    (what): Assumption => ({ subject: "labels", what, source: given.name, option: "--label-column" }),
  );
  return { ...numbered(path, texts.map(String), lineOf, given.classNames), assumptions };
}

function picturesByName({ folder: root, groups }: FoundPictures) {
  const indexOf = new Map<string, number>();
  const paths: string[] = [];
  for (const { folder, names } of groups) {
    for (const name of names) paths.push(relative(root, join(folder, name)).split(sep).join("/"));
  }
  for (const [index, path] of paths.entries()) {
    const bare = path.replace(ENDING, "");
    indexOf.set(bare, indexOf.has(bare) ? AMBIGUOUS : index);
  }
  for (const [index, path] of paths.entries()) indexOf.set(path, index);
  return { indexOf, paths };
}

interface TableColumns {
  readonly file: number;
  readonly label: number;
  /** Cells of a row. */
  readonly count: number;
  readonly hasNames: boolean;
  readonly assumed: readonly string[];
}

/** The columns by the names in the first line; otherwise assumed: the picture first, the label behind it. */
function columnsOf(
  path: string,
  cells: readonly string[],
  asked: string | undefined,
  isPicture: (name: string) => boolean,
): TableColumns {
  const count = cells.length;
  const fault = (expected: string) => {
    const shown = cells
      .slice(0, 3)
      .map((cell) => printable(cell))
      .join(", ");
    const next = "write a CSV with the columns filename and label";
    return new DatasetError("ERR_DATASET_FORMAT", { path, expected, found: shown, next });
  };
  if (count < 2) throw fault("a column of pictures and one of labels");
  const hasNames = !cells.some((cell) => isPicture(cell.trim()));
  const named = hasNames ? cells.findIndex((cell) => FILE_NAME.test(cell.trim())) : -1;
  const file = named >= 0 ? named : 0;
  const other = file === 0 ? 1 : 0;
  const assumedFile = named < 0 && hasNames ? ["names of pictures in the first column"] : [];
  if (asked !== undefined) {
    const places = new Map([
      ["first", 0],
      ["last", count - 1],
    ]);
    const label = places.get(asked) ?? (hasNames ? cells.indexOf(asked) : -1);
    if (label < 0 || label === file) throw fault(`a column "${printable(asked)}" of labels`);
    return { file, label, count, hasNames, assumed: assumedFile };
  }
  const labels = cells.flatMap((cell, column) =>
    hasNames && column !== file && LABEL_NAME.test(cell.trim()) ? [column] : [],
  );
  const [label = other] = labels;
  const what = `label in column ${label + 1}${hasNames ? `, "${printable(cells[label] ?? "")}"` : ""}`;
  const isStated = labels.length === 1;
  return { file, label, count, hasNames, assumed: isStated ? assumedFile : [...assumedFile, what] };
}

/** Numbers as they are; texts by the given class names, or in text order. */
function numbered(
  path: string,
  texts: readonly string[],
  lineOf: Uint32Array,
  given: readonly string[] | undefined,
): Pick<PictureLabels, "labels" | "names"> {
  if (texts.every((text) => LABEL.test(text) && Number(text) <= MOST_LABEL)) {
    return { labels: Uint8Array.from(texts, Number), names: undefined };
  }
  const names = given ?? [...new Set(texts)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  if (names.length > MOST_CLASSES) {
    const next = "is the column of labels right? set --label-column";
    const expected = `labels of at most ${MOST_CLASSES} classes`;
    throw new DatasetError("ERR_DATASET_FORMAT", { path, expected, found: grouped(names.length), next });
  }
  const labelOf = new Map(names.map((name, label) => [name, label]));
  const labels = Uint8Array.from(texts, (text, index) => {
    const label = labelOf.get(text);
    if (label !== undefined) return label;
    const facts = {
      path,
      line: lineOf[index] ?? 0,
      expected: "a class name of --classes",
      found: printable(text),
    };
    throw new DatasetError("ERR_CSV_ROW", facts);
  });
  return { labels, names };
}
