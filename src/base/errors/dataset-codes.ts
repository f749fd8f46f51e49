/** Codes of faults in image sets (IDX, gzip, labels, class names) and in pictures. Exit status 3. */

import { printable } from "#src/base/text.js";
import { grouped, row } from "./define.js";

/** Labels are bytes after reading, before --label-offset is added. */
const LABEL_VALUES = 256;

function labelStep({ label, classes }: { readonly label: number; readonly classes: number }): string {
  if (label < 0) {
    return "; --label-offset works only on labels from 0 to 255: remove images without a label, or save labels that start at 0";
  }
  return label === classes && classes < LABEL_VALUES
    ? "; for labels that start at 1 set --label-offset -1"
    : "";
}

export const datasetCodes = {
  ERR_DATASET_UNKNOWN: row(
    3,
    (f: { found: string; known: readonly string[]; suggestion?: string | undefined }) =>
      `unknown data set "${f.found}": ${f.suggestion ? `did you mean ${f.suggestion.includes(", ") ? `one of ${f.suggestion}` : `"${f.suggestion}"`}?` : `expected one of ${f.known.join(", ")}, or an existing folder, IDX file, .npz file or manifest`}`,
  ),
  ERR_DATASET_FORMAT: row(
    3,
    (f: { path: string; expected: string; found: string; next: string }) =>
      `${f.path}: expected ${f.expected}, found ${f.found}; ${f.next}`,
  ),
  ERR_DATASET_SPLIT: row(
    3,
    (f: { dataset: string; expected: readonly string[]; found: string }) =>
      `data set "${f.dataset}": expected the split ${f.expected.join(" or ")}, found "${f.found}"; set --split`,
  ),
  ERR_DATASET_FILES: row(
    3,
    (f: { path: string; expected: readonly string[]; found: readonly string[]; next?: string | undefined }) =>
      `${f.path}: expected ${f.expected.join(" and ")} (gzipped or not), found ${f.found.length > 0 ? `only ${f.found.join(" and ")}` : "neither"}; ${f.next ?? "is this the folder of the IDX files?"}`,
  ),
  ERR_DATASET_LABELS: row(
    3,
    (f: { path: string; beside?: string | undefined }) =>
      `${f.path}: expected labels for an IDX file of images${f.beside === undefined ? "" : ` in ${f.beside}`}, found none; set --labels FILE`,
  ),
  ERR_DATASET_GLOB: row(
    3,
    (f: { pattern: string; matched: number }) =>
      `${f.pattern}: expected matching files with "images" in their names, found ${f.matched === 0 ? "no file" : `none among ${grouped(f.matched)} files`}; list other names in a manifest`,
  ),
  ERR_DATASET_LABELS_NAME: row(
    3,
    (f: { path: string; expected: string }) =>
      `${f.path}: expected its labels in the same folder as ${f.expected} (gzipped or not), found no such file; list other names in a manifest`,
  ),
  ERR_DATASET_SHAPE: row(
    3,
    (f: { path: string; expected: SidesFacts; as: string; found: SidesFacts; next?: string | undefined }) =>
      `${f.path}: expected images of ${sidesText(f.expected)} pixels as in ${f.as}, found ${sidesText(f.found)}; ${f.next ?? "all images of a data set must have one size"}`,
  ),
  ERR_DATASET_HASH: row(
    3,
    (f: { path: string; labelsPath: string; expected: string; found: string }) =>
      `${f.path}: expected the SHA-256 ${f.expected.slice(0, 12)}… of the manifest (this file, then ${f.labelsPath}), found ${f.found.slice(0, 12)}…; is this the right file?`,
  ),
  ERR_MNIST_DIRECTORY: row(
    3,
    (f: { variable: string }) =>
      `MNIST: expected the folder of its four IDX files, found no path; pass { directory } or set ${f.variable}`,
  ),
  ERR_IDX_MAGIC: row(
    3,
    (f: { path: string; found: string }) =>
      `${f.path}: expected an IDX file (magic 00 00, dtype, rank), found ${f.found}; is this the right file?`,
  ),
  ERR_IDX_DTYPE: row(
    3,
    (f: { path: string; expected: string; found: string; next?: string | undefined }) =>
      `${f.path}: expected IDX elements of type ${f.expected}, found ${f.found}${f.next === undefined ? "" : `; ${f.next}`}`,
  ),
  ERR_IDX_RANK: row(
    3,
    (f: { path: string; expected: string; found: number; next?: string | undefined }) =>
      `${f.path}: expected ${f.expected}, found rank ${f.found}; ${f.next ?? (f.found === 0 ? "is the header damaged?" : "are images and labels swapped?")}`,
  ),
  ERR_IDX_DIMENSIONS: row(
    3,
    (f: { path: string; dimensions: readonly number[]; limitBytes: number }) =>
      `${f.path}: expected dimensions above 0 that make at most ${grouped(f.limitBytes)} bytes, found ${dimensionsText(f.dimensions)}; is the header damaged?`,
  ),
  ERR_IDX_TRUNCATED: row(
    3,
    (f: { path: string; expectedBytes: number; actualBytes: number; inflated: boolean }) =>
      `${f.path}: expected ${grouped(f.expectedBytes)} bytes${f.inflated ? " after inflating" : ""}, found ${grouped(f.actualBytes)}; is the download complete?`,
  ),
  /** `actualBytes` is unknown if inflating stopped at the first extra byte. */
  ERR_IDX_TRAILING: row(
    3,
    (f: { path: string; expectedBytes: number; actualBytes?: number | undefined }) =>
      `${f.path}: expected ${grouped(f.expectedBytes)} bytes${f.actualBytes === undefined ? " after inflating" : ""}, found ${f.actualBytes === undefined ? "more" : grouped(f.actualBytes)}; are two files joined in one?`,
  ),
  ERR_GZIP_CORRUPT: row(
    3,
    (f: { path: string; reason: string }) =>
      `${f.path}: expected one whole gzip member, found a damaged one (${f.reason}); is the download complete?`,
  ),
  ERR_GZIP_TRAILING: row(
    3,
    (f: { path: string; trailingBytes: number }) =>
      `${f.path}: expected one gzip member, found ${grouped(f.trailingBytes)} bytes after it; are two files joined in one?`,
  ),
  ERR_NPZ_ARRAYS: row(
    3,
    (f: { path: string; expected: readonly string[]; found: string; next?: string | undefined }) =>
      `${f.path}: expected an archive with the arrays ${f.expected.join(" and ")}, found ${f.found}; ${f.next ?? "is this a data set in Keras's format?"}`,
  ),
  ERR_NPZ_ARRAY: row(
    3,
    (f: { path: string; expected: string; found: string; next?: string | undefined }) =>
      `${f.path}: expected ${f.expected}, found ${f.found}${f.next === undefined ? "" : `; ${f.next}`}`,
  ),
  ERR_CSV_ROW: row(
    3,
    (f: { path: string; line: number; column?: number | undefined; expected: string; found: string }) =>
      `${f.path}: line ${grouped(f.line)}${f.column === undefined ? "" : `, column ${grouped(f.column)}`}: expected ${f.expected}, found ${f.found}; correct this row, or remove it`,
  ),
  ERR_PIXEL_VALUE: row(
    3,
    (f: { path: string; index: number; expected: string; found: number }) =>
      `${f.path}: image ${grouped(f.index)}: expected ${f.expected}, found ${f.found}; was the set normalized or resampled? save its pixels as bytes`,
  ),
  ERR_COUNT_MISMATCH: row(
    3,
    (f: { imagesPath: string; images: number; labelsPath: string; labels: number }) =>
      `${f.labelsPath}: expected ${grouped(f.images)} labels for the images of ${f.imagesPath}, found ${grouped(f.labels)}; do the files belong together?`,
  ),
  ERR_LABEL_OFFSET: row(
    3,
    (f: { path: string; index: number; label: number; offset: number }) =>
      `${f.path}: image ${grouped(f.index)}: expected a label from 0 to 255 with --label-offset ${f.offset}, found ${f.label + f.offset}; choose another offset`,
  ),
  ERR_LABEL_RANGE: row(
    3,
    (f: { path: string; index: number; label: number; classes: number }) =>
      `${f.path}: expected labels from 0 to ${f.classes - 1}, found ${f.label} at index ${grouped(f.index)}${labelStep(f)}`,
  ),
  ERR_CLASSES_FILE: row(
    3,
    (f: { path: string; expected: string; found: string; next?: string | undefined }) =>
      `${f.path}: expected ${f.expected}, found ${f.found}; ${f.next ?? "write one name per line, in UTF-8"}`,
  ),
  ERR_WHERE_EMPTY: row(
    3,
    (f: { labels: readonly number[] }) =>
      `--where: expected images with the labels ${f.labels.join(", ")}, found none; choose labels that the set has`,
  ),
  ERR_RANGE_EMPTY: row(
    3,
    (f: { offset: number; total: number }) =>
      `--offset: expected less than ${grouped(f.total)}, the number of images, found ${f.offset}; choose a smaller offset`,
  ),
  ERR_SHARD_EMPTY: row(
    3,
    (f: { shards: number; images: number }) =>
      `--shard: expected at least as many images as shards, found ${grouped(f.images)} for ${grouped(f.shards)}; use fewer shards`,
  ),
  ERR_BASELINE_PARTIAL: row(
    3,
    (f: { path: string; found: string }) =>
      `${f.path}: expected a baseline of labelled images, all evaluated, found ${f.found}; write the baseline again`,
  ),
  ERR_BASELINE_DATA: row(
    3,
    (f: { path: string; expected: ImagesFacts; found: ImagesFacts }) =>
      `${f.path}: expected a baseline of ${imagesText(f.expected)}, found one of ${imagesText(f.found)}; compare results of the same images`,
  ),
  ERR_BASELINE_READING: row(
    3,
    (f: { path: string; what: string; expected: string; found: string }) =>
      `${f.path}: expected a baseline of this network with the ${f.what} ${f.expected}, found ${f.found}; evaluate both with the same options`,
  ),
  ERR_COMPARE_RESULT: row(
    3,
    (f: { path: string; expected: string; found: string }) =>
      `${f.path}: expected ${f.expected}, found ${f.found}; evaluate again with --output RESULT.json --predictions FILE`,
  ),
  ERR_COMPARE_DATA: row(
    3,
    (f: { path: string; expected: ImagesFacts; found: ImagesFacts }) =>
      `${f.path}: expected a result of ${imagesText(f.expected)}, found one of ${imagesText(f.found)}; compare over the same images`,
  ),
  ERR_REPORT_RESULT: row(
    3,
    (f: { path: string; found: string }) =>
      `${f.path}: expected a result of labelled images with its predictions, found ${f.found}; evaluate again with --output RESULT.json --predictions FILE.ndjson`,
  ),
  ERR_REPORT_DATA: row(
    3,
    (f: { path: string; dataset: string; expected: string; found: string }) =>
      `${f.dataset}: expected the data set of ${f.path}, SHA-256 ${f.expected.slice(0, 12)}…, found ${f.found.slice(0, 12)}…; evaluate again`,
  ),
  ERR_REPORT_PREDICTIONS: row(
    3,
    (f: { path: string; expected: number; found: number; matched: number }) =>
      `${f.path}: expected predictions of ${grouped(f.expected)} images, found ${grouped(f.found)}, of which ${grouped(f.matched)} fit the images and labels of the data; evaluate again`,
  ),
  ERR_ANSWERS_FORMAT: row(
    3,
    (f: { path: string; expected: string; found: string; next: string }) =>
      `${f.path}: expected ${f.expected}, found ${f.found}; ${f.next}`,
  ),
  ERR_ANSWERS_ROW: row(
    3,
    (f: { path: string; place: string; expected: string; found: string }) =>
      `${f.path}: ${f.place}: expected ${f.expected}, found ${printable(f.found)}; write the file again`,
  ),
  ERR_ANSWERS_MATCH: row(
    3,
    (f: { path: string; labelsPath: string; total: number; found: string }) =>
      `${f.path}: expected a row for each of the ${grouped(f.total)} labels of ${f.labelsPath}, found ${f.found}; do the files belong together?`,
  ),
  ERR_GROUPS_FILE: row(
    3,
    (f: { path: string; expected: string; found: string }) =>
      `${f.path}: expected ${f.expected}, found ${f.found}; write one group per line`,
  ),
  ERR_STATISTICS_CONSTANT: row(
    3,
    (f: { dataset: string }) =>
      `data set "${f.dataset}": expected pixels that differ, found one grey level, whose standard deviation is 0; fit to other images`,
  ),
  ERR_WHITENING_SIZE: row(
    3,
    (f: { dataset: string; inputs: number; limit: number }) =>
      `data set "${f.dataset}": expected images of at most ${grouped(f.limit)} pixels to whiten, found ${grouped(f.inputs)}; standardize instead`,
  ),
  ERR_IMAGE_INDEX: row(
    3,
    (f: { index: number; total: number }) =>
      `image ${f.index}: expected an index from 0 to ${grouped(f.total - 1)}`,
  ),
} as const;

export interface SidesFacts {
  readonly rows: number;
  readonly columns: number;
}

function sidesText({ rows, columns }: SidesFacts): string {
  return `${rows} × ${columns}`;
}

export interface ImagesFacts {
  readonly sha256: string;
  readonly view: {
    readonly invert: boolean;
    readonly transpose: boolean;
    readonly grayscale: boolean;
    readonly labelOffset: number;
  };
  readonly offset: number;
  readonly total: number;
}

function imagesText({ sha256, view, offset, total }: ImagesFacts): string {
  const { invert, transpose, grayscale, labelOffset } = view;
  const changes = [
    ...(invert ? [" --invert"] : []),
    ...(transpose ? [" --transpose"] : []),
    ...(grayscale ? [" --grayscale"] : []),
    ...(labelOffset === 0 ? [] : [` --label-offset ${labelOffset}`]),
  ].join("");
  const read = changes === "" ? "" : ` with${changes}`;
  return `${grouped(total)} images from index ${grouped(offset)} of data ${sha256.slice(0, 12)}…${read}`;
}

/** Most dimensions in a message: a damaged header can have 255. */
const SHOWN_DIMENSIONS = 8;

/** Dimensions as text: `10000 × 28 × 28`. */
function dimensionsText(dimensions: readonly number[]): string {
  const shown = dimensions.slice(0, SHOWN_DIMENSIONS).join(" × ");
  return dimensions.length > SHOWN_DIMENSIONS ? `${shown} × … (${dimensions.length} in total)` : shown;
}

/** Codes of faults in pictures for `predict`. */
export const pictureCodes = {
  ERR_PICTURE_FORMAT: row(
    3,
    (f: { path: string; reason: string }) =>
      `${f.path}: expected a PNG or JPEG picture, found a file that cannot be decoded (${printable(f.reason)}); convert it to PNG first`,
  ),
  ERR_PICTURE_SIZE: row(
    3,
    (f: { path: string; width: number; height: number; limitPixels: number; limitSide: number }) =>
      `${f.path}: expected a picture of at most ${grouped(f.limitPixels)} pixels, ${grouped(f.limitSide)} a side, found ${f.width} × ${f.height}; make it smaller first`,
  ),
  ERR_PICTURE_BLANK: row(
    3,
    (f: { path: string }) =>
      `${f.path}: expected a drawing, found a picture of one shade; is the drawing on a separate layer?`,
  ),
} as const;
