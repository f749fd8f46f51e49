/** Codes of faults in image sets: IDX, gzip, labels, class names. Exit status 3. */

import { printable } from "#src/base/text.js";
import { grouped, row } from "./define.js";

/** Labels are bytes once they are read, and --label-offset is added to those. */
const LABEL_VALUES = 256;

function labelStep({ label, classes }: { readonly label: number; readonly classes: number }): string {
  if (label < 0) {
    return "; --label-offset is added to labels of 0 to 255 alone: leave out images that have no label, or save labels that begin at 0";
  }
  return label === classes && classes < LABEL_VALUES ? "; labels that begin at 1 need --label-offset -1" : "";
}

export const datasetCodes = {
  ERR_DATASET_UNKNOWN: row(
    3,
    (f: { found: string; known: readonly string[]; suggestion?: string | undefined }) =>
      `unknown data set "${f.found}": ${f.suggestion ? `did you mean "${f.suggestion}"?` : `expected one of ${f.known.join(", ")}, a folder, an IDX file, a .npz file or a manifest that exists${/^emnist/i.test(f.found) ? "; EMNIST's files: --dataset FILE --labels FILE --transpose" : ""}`}`,
  ),
  ERR_DATASET_FORMAT: row(
    3,
    (f: { path: string; expected: string; found: string; next: string }) =>
      `${f.path}: expected ${f.expected}, found ${f.found}; ${f.next}`,
  ),
  ERR_DATASET_SPLIT: row(
    3,
    (f: { dataset: string; expected: readonly string[]; found: string }) =>
      `data set "${f.dataset}": expected the split ${f.expected.join(" or ")}, found "${f.found}"; choose another with --split`,
  ),
  ERR_DATASET_FILES: row(
    3,
    (f: { path: string; expected: readonly string[]; found: readonly string[]; next?: string | undefined }) =>
      `${f.path}: expected ${f.expected.join(" and ")} (gzipped or not), found ${f.found.length > 0 ? `only ${f.found.join(" and ")}` : "neither"}; ${f.next ?? "is this the folder of the IDX files?"}`,
  ),
  ERR_DATASET_LABELS: row(
    3,
    (f: { path: string; beside?: string | undefined }) =>
      `${f.path}: an IDX file of images needs its labels${f.beside === undefined ? "" : `, and ${f.beside} is not beside it`}; name them with --labels FILE`,
  ),
  ERR_DATASET_GLOB: row(
    3,
    (f: { pattern: string; matched: number }) =>
      `${f.pattern}: expected files with "images" in their names that match, found ${f.matched === 0 ? "no file at all" : `none among ${grouped(f.matched)}`}; list other names in a manifest`,
  ),
  ERR_DATASET_LABELS_NAME: row(
    3,
    (f: { path: string; expected: string }) =>
      `${f.path}: expected its labels beside it as ${f.expected} (gzipped or not), found no such file; list other names in a manifest`,
  ),
  ERR_DATASET_SHAPE: row(
    3,
    (f: { path: string; expected: SidesFacts; as: string; found: SidesFacts }) =>
      `${f.path}: expected images of ${sidesText(f.expected)} pixels, as those of ${f.as} are, found ${sidesText(f.found)}`,
  ),
  ERR_DATASET_HASH: row(
    3,
    (f: { path: string; labelsPath: string; expected: string; found: string }) =>
      `${f.path}: expected, with ${f.labelsPath} behind it, the SHA-256 ${f.expected.slice(0, 12)}… that the manifest tells, found ${f.found.slice(0, 12)}…; is this the file that is meant?`,
  ),
  ERR_MNIST_DIRECTORY: row(
    3,
    (f: { variable: string }) =>
      `MNIST: expected the folder of its four IDX files, found none named; pass { directory } or set ${f.variable}`,
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
      `${f.path}: dimensions ${dimensionsText(f.dimensions)} are empty or claim more than the limit of ${grouped(f.limitBytes)} bytes; is the header damaged?`,
  ),
  ERR_IDX_TRUNCATED: row(
    3,
    (f: { path: string; expectedBytes: number; actualBytes: number; inflated: boolean }) =>
      `${f.path}: expected ${grouped(f.expectedBytes)} bytes${f.inflated ? " after inflating" : ""}, found ${grouped(f.actualBytes)}; is the download complete?`,
  ),
  /** `actualBytes` is not known when inflating stopped at the first byte too many. */
  ERR_IDX_TRAILING: row(
    3,
    (f: { path: string; expectedBytes: number; actualBytes?: number | undefined }) =>
      `${f.path}: expected ${grouped(f.expectedBytes)} bytes${f.actualBytes === undefined ? " after inflating" : ""}, found ${f.actualBytes === undefined ? "more" : grouped(f.actualBytes)}; the content is longer than its header says`,
  ),
  ERR_GZIP_CORRUPT: row(
    3,
    (f: { path: string; reason: string }) =>
      `${f.path}: expected one whole gzip member, found a damaged one (${f.reason}); is the download complete?`,
  ),
  ERR_GZIP_TRAILING: row(
    3,
    (f: { path: string; trailingBytes: number }) =>
      `${f.path}: expected one gzip member, found ${grouped(f.trailingBytes)} bytes behind it; is this two files in one?`,
  ),
  ERR_NPZ_ARRAYS: row(
    3,
    (f: { path: string; expected: readonly string[]; found: string; next?: string | undefined }) =>
      `${f.path}: expected an archive with the arrays ${f.expected.join(" and ")}, found ${f.found}; ${f.next ?? "is this a data set as Keras keeps it?"}`,
  ),
  ERR_NPZ_ARRAY: row(
    3,
    (f: { path: string; expected: string; found: string; next?: string | undefined }) =>
      `${f.path}: expected ${f.expected}, found ${f.found}${f.next === undefined ? "" : `; ${f.next}`}`,
  ),
  ERR_COUNT_MISMATCH: row(
    3,
    (f: { imagesPath: string; images: number; labelsPath: string; labels: number }) =>
      `${f.labelsPath}: expected ${grouped(f.images)} labels for the images of ${f.imagesPath}, found ${grouped(f.labels)}; do the files belong together?`,
  ),
  ERR_LABEL_OFFSET: row(
    3,
    (f: { path: string; index: number; label: number; offset: number }) =>
      `${f.path}: image ${grouped(f.index)}: label ${f.label} and --label-offset ${f.offset} make ${f.label + f.offset}, expected 0 to 255; choose another offset`,
  ),
  ERR_LABEL_RANGE: row(
    3,
    (f: { path: string; index: number; label: number; classes: number }) =>
      `${f.path}: expected labels from 0 to ${f.classes - 1}, found ${f.label} at index ${grouped(f.index)}${labelStep(f)}`,
  ),
  ERR_CLASSES_FILE: row(
    3,
    (f: { path: string; expected: string; found: string }) =>
      `${f.path}: expected ${f.expected}, found ${f.found}`,
  ),
  ERR_RANGE_EMPTY: row(
    3,
    (f: { offset: number; total: number }) =>
      `--offset ${f.offset}: expected an offset below ${grouped(f.total)}, the number of images; nothing is left to evaluate`,
  ),
  ERR_SHARD_EMPTY: row(
    3,
    (f: { shards: number; images: number }) =>
      `--shard: expected at least as many images as shards, found ${grouped(f.images)} for ${grouped(f.shards)}; cut them into fewer`,
  ),
  ERR_BASELINE_PARTIAL: row(
    3,
    (f: { path: string; found: string }) =>
      `${f.path}: expected a baseline whose images have labels and were all evaluated, found ${f.found}; write it again`,
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
      `${f.dataset}: expected the data that ${f.path} speaks of, SHA-256 ${f.expected.slice(0, 12)}…, found ${f.found.slice(0, 12)}…; evaluate again`,
  ),
  ERR_REPORT_PREDICTIONS: row(
    3,
    (f: { path: string; expected: number; found: number; matched: number }) =>
      `${f.path}: expected predictions of ${grouped(f.expected)} images, found ${grouped(f.found)}, of which ${grouped(f.matched)} fit the images and labels of the data; evaluate again`,
  ),
  ERR_STATISTICS_CONSTANT: row(
    3,
    (f: { dataset: string }) =>
      `data set "${f.dataset}": expected pixels that differ, found one grey level alone; its standard deviation of 0 divides nothing`,
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
  readonly view: { readonly invert: boolean; readonly transpose: boolean; readonly labelOffset: number };
  readonly offset: number;
  readonly total: number;
}

function imagesText({ sha256, view, offset, total }: ImagesFacts): string {
  const { invert, transpose, labelOffset } = view;
  const changes = [
    ...(invert ? [" --invert"] : []),
    ...(transpose ? [" --transpose"] : []),
    ...(labelOffset === 0 ? [] : [` --label-offset ${labelOffset}`]),
  ].join("");
  const read = changes === "" ? "" : ` with${changes}`;
  return `${grouped(total)} images from ${grouped(offset)} on of the data ${sha256.slice(0, 12)}…${read}`;
}

/** What tells a person something; a damaged header can have 255. */
const SHOWN_DIMENSIONS = 8;

/** `10000 × 28 × 28`. */
function dimensionsText(dimensions: readonly number[]): string {
  const shown = dimensions.slice(0, SHOWN_DIMENSIONS).join(" × ");
  return dimensions.length > SHOWN_DIMENSIONS ? `${shown} × … (${dimensions.length} in all)` : shown;
}

// Codes of faults in pictures given to `predict`. Exit status 3.

export const pictureCodes = {
  ERR_PICTURE_FORMAT: row(
    3,
    (f: { path: string; reason: string }) =>
      `${f.path}: expected a PNG picture, found a file that cannot be decoded (${printable(f.reason)}); convert it to PNG first`,
  ),
  ERR_PICTURE_SIZE: row(
    3,
    (f: { path: string; width: number; height: number; limitPixels: number }) =>
      `${f.path}: expected a picture of at most ${grouped(f.limitPixels)} pixels, found ${f.width} × ${f.height}; make it smaller first`,
  ),
  ERR_PICTURE_BLANK: row(
    3,
    (f: { path: string }) =>
      `${f.path}: expected something drawn, found a picture of one shade; is the ink on a layer of its own?`,
  ),
} as const;
