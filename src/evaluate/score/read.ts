/** Reads a file of answers that any tool wrote: CSV, NDJSON, .npy or IDX; one row per image. */

import { inTurns } from "#src/base/abort.js";
import { shapeText } from "#src/base/errors/define.js";
import { DatasetError } from "#src/base/errors.js";
import { readIdx } from "#src/data/idx.js";
import { rowMajor } from "#src/files/formats/arrays.js";
import { npyElements, npyValues, parseNpyHeader } from "#src/files/formats/npz.js";
import { sha256Of } from "#src/files/hash.js";
import { inflateGzip, isGzip } from "#src/files/inflate.js";
import { readWholeFile } from "#src/files/read-file.js";
import {
  type Answers,
  CLASS,
  isClass,
  MOST_CLASSES,
  MOST_VALUES,
  type ReadOptions,
  type ReadRows,
  rowFault,
} from "./answers.js";
import type { Purpose } from "./columns.js";
import { readText } from "./text-rows.js";

/** Most bytes of a file, also unpacked. */
const LIMIT_BYTES = 2 ** 31 - 1;

/**
 * Reads CSV or TSV, NDJSON, .npy or, for labels, IDX; the content decides which. Text may be gzipped.
 *
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_NPY_*
 * @throws DatasetError ERR_ANSWERS_FORMAT, ERR_ANSWERS_ROW; ERR_GZIP_CORRUPT, ERR_IDX_*
 */
export async function readAnswers(path: string, options: ReadOptions): Promise<Answers> {
  const file = await readWholeFile(path, LIMIT_BYTES);
  const sha256 = await sha256Of([file]);
  const bytes = isGzip(file) ? await inflateGzip(path, file, LIMIT_BYTES) : file;
  return { path, sha256, ...(await readContent(path, bytes, options)) };
}

async function readContent(path: string, bytes: Uint8Array, options: ReadOptions): Promise<ReadRows> {
  if (bytes[0] === 0x93) return readNpy(path, bytes, options.purpose);
  if (bytes[0] === 0 && bytes[1] === 0) return readIdxLabels(path, options.purpose);
  return inTurns(readText(path, bytes, options), options.signal);
}

const NO_PLACE = { placeOf: (row: number) => `row ${row}` } as const;
const NOTHING = { ids: undefined, predictions: undefined, labels: undefined, values: undefined } as const;

/** Labels of a file of MNIST's form. */
async function readIdxLabels(path: string, purpose: Purpose): Promise<ReadRows> {
  if (purpose === "predictions") {
    throw new DatasetError("ERR_ANSWERS_FORMAT", {
      path,
      expected: "CSV, NDJSON or .npy",
      found: "an IDX file",
      next: "give labels with --labels",
    });
  }
  const { data } = await readIdx(path, { rank: 1 });
  return { ...NOTHING, ...NO_PLACE, rows: data.length, labels: classesOf(path, data, NO_PLACE.placeOf) };
}

/** (N) or (N,1) classes, (N,classes) one-hot, probabilities or logits. */
function readNpy(path: string, bytes: Uint8Array, purpose: Purpose): ReadRows {
  const header = parseNpyHeader(path, bytes);
  const [rows = 0, ...others] = header.shape;
  const classes = others.reduce((product, size) => product * size, 1);
  const isFit = header.shape.length > 0 && others.length < 2 && rows > 0 && classes > 0;
  if (!isFit || classes > MOST_CLASSES || rows * classes > MOST_VALUES) {
    throw new DatasetError("ERR_ANSWERS_FORMAT", {
      path,
      expected: `an array (N,) or (N, classes) of at most ${MOST_CLASSES} classes and ${MOST_VALUES} numbers`,
      found: shapeText(header.shape),
      next: "save one row per image",
    });
  }
  const stored = npyValues(npyElements(path, bytes, header), header);
  const values = header.fortranOrder ? rowMajor(stored, header.shape) : stored;
  const answers = { ...NOTHING, ...NO_PLACE, rows };
  // Rows of floats may be the probabilities of a network, or of a tree, that is always certain.
  const mayBeHot = purpose === "labels" || !header.dtype.startsWith("f");
  const hot = classes === 1 ? values : mayBeHot ? oneHot(values, classes) : undefined;
  if (hot !== undefined) {
    const found = classesOf(path, hot, NO_PLACE.placeOf);
    return purpose === "labels" ? { ...answers, labels: found } : { ...answers, predictions: found };
  }
  if (purpose === "labels") {
    throw new DatasetError("ERR_ANSWERS_FORMAT", {
      path,
      expected: "labels (N,), or one-hot rows with one 1 each",
      found: `other numbers of shape ${shapeText(header.shape)}`,
      next: "save the labels alone",
    });
  }
  return { ...answers, values: { kind: undefined, classes, values } };
}

/** Classes of one-hot rows; undefined where a row is not one. */
function oneHot(values: Float64Array, classes: number): Float64Array | undefined {
  const found = new Float64Array(values.length / classes);
  for (let row = 0; row < found.length; row++) {
    let ones = 0;
    for (let k = 0; k < classes; k++) {
      const value = values[row * classes + k];
      if (value === 1) {
        ones++;
        found[row] = k;
      } else if (value !== 0) return undefined;
    }
    if (ones !== 1) return undefined;
  }
  return found;
}

function classesOf(path: string, values: ArrayLike<number>, placeOf: Answers["placeOf"]): Uint16Array {
  const classes = new Uint16Array(values.length);
  for (let row = 0; row < classes.length; row++) {
    const value = values[row] ?? Number.NaN;
    if (!isClass(value)) rowFault(path, placeOf(row), CLASS, String(value));
    classes[row] = value;
  }
  return classes;
}
