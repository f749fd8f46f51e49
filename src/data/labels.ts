/** Labels and class names: where they are, and whether they fit the classes of a network. */

import { basename, dirname, join } from "node:path";
import type { Dataset } from "#src/base/contracts/dataset.js";
import { DatasetError } from "#src/base/errors.js";
import type { Slab } from "#src/base/slab.js";
import { printable } from "#src/base/text.js";
import { pathKind, readWholeFile } from "#src/files/read-file.js";

/**
 * Every label of the run is a class: 0 to `classes` − 1. `labelsPath` is for the message.
 *
 * @throws DatasetError ERR_LABEL_RANGE with the first label beyond, and its index within the data set.
 */
export function assertLabelsWithin(
  { labels, firstImage }: Pick<Slab, "labels" | "firstImage">,
  classes: number,
  labelsPath: string,
): void {
  for (let n = 0; n < labels.length; n++) {
    const label = labels[n]!;
    if (label < classes) continue;
    throw new DatasetError("ERR_LABEL_RANGE", { path: labelsPath, index: firstImage + n, label, classes });
  }
}

/** An unpacked file goes before its gzipped twin. */
const ENDINGS = ["", ".gz"];

/**
 * The labels beside a file of images, by its name: `labels` for `images`, and `idx1` for `idx3`, gzipped or not.
 * `expected` is the name without `.gz`; undefined where the name has no `images` in it.
 */
export async function labelsBeside(
  imagesPath: string,
): Promise<{ readonly expected: string; readonly path: string | undefined } | undefined> {
  const name = basename(imagesPath);
  if (!name.includes("images")) return undefined;
  const expected = name.replace("images", "labels").replace("idx3", "idx1").replace(/\.gz$/, "");
  const candidates = ENDINGS.map((ending) => join(dirname(imagesPath), expected + ending));
  const kinds = await Promise.all(candidates.map(pathKind));
  return { expected, path: candidates.find((_, n) => kinds[n] === "file") };
}

/** Most bytes of a file of class names. */
const LIMIT_BYTES = 2 ** 20;

/**
 * Names of the classes from a UTF-8 file, one name per line, the first for label 0. White space around a name is not part of it; blank lines at the end are ignored.
 *
 * @throws FileError ERR_FILE_READ (also beyond 1 MiB), ERR_FILE_EMPTY.
 * @throws DatasetError ERR_CLASSES_FILE when it is not UTF-8, or a name is empty, given twice or would upset a
 *   terminal.
 */
export async function readClassNames(path: string): Promise<readonly string[]> {
  const text = decodeUtf8(await readWholeFile(path, LIMIT_BYTES), path);
  const names = text
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => line.trim());
  assertNames(path, names, "line");
  return names;
}

/**
 * Class names can be printed, and each is there once. `place` is what the message counts: `line`.
 *
 * @throws DatasetError ERR_CLASSES_FILE
 */
export function assertNames(path: string, names: readonly string[], place: string): void {
  const placeOf = new Map<string, number>();
  for (const [index, name] of names.entries()) {
    const at = index + 1;
    const twin = placeOf.get(name);
    if (name.trim() === "") throw fault(path, `a class name on every ${place}`, `none on ${place} ${at}`);
    if (/\p{Cc}/u.test(name))
      throw fault(path, "names that can be printed", `a control character on ${place} ${at}`);
    if (twin !== undefined)
      throw fault(path, "every name once", `"${printable(name)}" on ${place}s ${twin} and ${at}`);
    placeOf.set(name, at);
  }
}

/** Class names that a message shows. */
const SHOWN_NAMES = 12;

/**
 * There is one name for each of the network's `outputs`.
 *
 * @param file the file of the names, if they are from `--classes`; otherwise they are the data set's own
 * @throws DatasetError ERR_CLASSES_FILE.
 */
export function assertClassCount(
  names: readonly string[],
  outputs: number,
  { file, dataset = "" }: { readonly file: string | undefined; readonly dataset?: string },
): void {
  if (names.length === outputs) return;
  if (file !== undefined) {
    throw fault(file, `${outputs} class names, one for each output of the network`, `${names.length}`);
  }
  const shown = names
    .slice(0, SHOWN_NAMES)
    .map((name) => printable(name))
    .join(", ");
  throw new DatasetError("ERR_CLASSES_FILE", {
    path: dataset,
    expected: `${outputs} classes, one for each output of the network`,
    found: `${names.length} (${shown}${names.length > SHOWN_NAMES ? ", …" : ""})`,
    next: "choose data and weights that belong together; for classes without pictures add empty folders, set --class-order numeric where folders are numbers, or name all by --classes",
  });
}

/**
 * The set with one class name for each output: class folders that are numbers, in numeric order, have no gaps to be named wrongly, so
 * labels beyond the last folder have their numbers as names.
 *
 * @param file as of `assertClassCount`
 * @throws as `assertClassCount`
 */
export function withClassNames(dataset: Dataset, outputs: number, file: string | undefined): Dataset {
  const { facts } = dataset;
  const { classNames, name, reading } = facts;
  if (classNames === undefined) return dataset;
  if (file === undefined && reading?.classOrder === "numeric" && classNames.length < outputs) {
    const more = Array.from({ length: outputs - classNames.length }, (_, n) => `${classNames.length + n}`);
    return { ...dataset, facts: { ...facts, classNames: [...classNames, ...more] } };
  }
  assertClassCount(classNames, outputs, { file, dataset: name });
  return dataset;
}

function decodeUtf8(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw fault(path, "class names in UTF-8", "other bytes", { cause: error });
  }
}

function fault(path: string, expected: string, found: string, options?: ErrorOptions): DatasetError {
  return new DatasetError("ERR_CLASSES_FILE", { path, expected, found }, options);
}
