/** Reads and checks the predictions of a side of a comparison that is a result. */

import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type DatasetView, hashOf } from "#src/base/contracts/dataset.js";
import type { ResultFile } from "#src/base/contracts/result.js";
import { FULL_FORMATS } from "#src/base/contracts/run.js";
import { grouped } from "#src/base/errors/define.js";
import { DatasetError } from "#src/base/errors.js";
import { isSameView } from "#src/data/view.js";
import { findPredictions, readPredictions } from "#src/evaluate/predictions/reader.js";
import { readResult } from "#src/evaluate/read-result.js";
import { pathKind, readFileStart } from "#src/files/read-file.js";
import { NETWORK_NAMES } from "#src/networks/source.js";
import type { PairedAnswers } from "./summary.js";

export interface ResultSide {
  readonly kind: "result";
  /** Absolute path. */
  readonly path: string;
  readonly result: ResultFile;
}

/** Images of a comparison. Two results have the same images if all fields are equal. */
export interface ComparedImages {
  /** SHA-256 of the data set's files. */
  readonly sha256: string;
  readonly view: DatasetView;
  readonly offset: number;
  readonly total: number;
}

/** Most labels: labels are bytes. */
const MOST_LABELS = 256;
/** Shortest line of a prediction: four numbers, three commas and a line feed. */
const SHORTEST_LINE_BYTES = 8;

/**
 * True if a file is a result. Its content decides: a result begins with a brace. So can safetensors, but its first eight bytes
 * are a length below 2⁵⁶ and have a zero among them.
 */
export async function isResultFile(given: string): Promise<boolean> {
  if (NETWORK_NAMES.includes(given) || (await pathKind(given)) !== "file") return false;
  const start = await readFileStart(given, 8);
  return start[0] === "{".charCodeAt(0) && !start.includes(0);
}

/**
 * Reads a result for a comparison.
 *
 * @throws FileError if it cannot be read or is not a result
 * @throws DatasetError ERR_COMPARE_RESULT if it is partial, has no labels or no predictions, or does not match its network
 */
export async function readResultSide(given: string): Promise<ResultSide> {
  const result = await readResult(given);
  const refuse = (found: string): never => {
    const expected = "a whole result with labels and predictions";
    throw new DatasetError("ERR_COMPARE_RESULT", { path: given, expected, found });
  };
  if (!result.result.labelled) return refuse("one without labels");
  if (!result.result.complete) refuse("a partial one");
  if (result.predictionsFile === null) return refuse("one without predictions");
  const { format } = result.predictionsFile;
  if (!FULL_FORMATS.some((full) => full === format)) refuse(`one with predictions in the format ${format}`);
  // The file holds a square matrix of the classes, so the memory of a comparison stays in proportion to the file.
  const [classes, outputs] = [result.result.confusionMatrix.length, classesOfResult(result)];
  if (classes !== outputs)
    refuse(`one with ${classes} classes from a network with ${outputs ?? "no"} outputs`);
  return { kind: "result", path: resolve(given), result };
}

/** Number of classes; undefined for a result whose network has no layers. */
export function classesOfResult({ network: { layers } }: ResultFile): number | undefined {
  return layers.at(-1);
}

export function imagesOf({ result: { dataset, result } }: ResultSide): ComparedImages {
  return { sha256: hashOf(dataset), view: dataset.view, offset: dataset.offset, total: result.total };
}

/** Checks the images of a result. @throws DatasetError ERR_COMPARE_DATA for other images */
export function assertSameImages(side: ResultSide, expected: ComparedImages): void {
  const found = imagesOf(side);
  if (
    found.sha256 === expected.sha256 &&
    isSameView(found.view, expected.view) &&
    found.offset === expected.offset &&
    found.total === expected.total
  ) {
    return;
  }
  throw new DatasetError("ERR_COMPARE_DATA", { path: side.path, expected, found });
}

/**
 * Checks that the file is long enough for the predictions of the result, before memory is allocated for them.
 *
 * @throws FileError ERR_FILE_READ
 * @throws DatasetError ERR_COMPARE_RESULT
 */
export async function assertRoomForPredictions({ path: resultPath, result }: ResultSide): Promise<void> {
  const { predictionsFile } = result;
  if (predictionsFile === null) return;
  const path = await findPredictions(predictionsFile.path, resultPath);
  const { size } = await stat(path);
  const { total } = result.result;
  if (size + 1 >= total * SHORTEST_LINE_BYTES) return;
  const expected = `predictions of ${grouped(total)} images`;
  throw new DatasetError("ERR_COMPARE_RESULT", { path, expected, found: `${grouped(size)} bytes` });
}

/**
 * Reads the predictions of side `n` and their labels into the answers. A result can be edited, and the hash of large data
 * covers only a sample. So labels are compared with those of the other side, and counts with the confusion matrix.
 *
 * @param labelsFrom path of the result whose labels the answers already have
 * @throws FileError ERR_FILE_READ, ERR_PREDICTIONS_HASH, ERR_PREDICTIONS_LINE
 * @throws DatasetError ERR_COMPARE_RESULT if the predictions do not match the result's images, classes and confusion matrix, or
 *   if their labels differ from those of the other result
 */
export async function readAnswers(
  { path: resultPath, result }: ResultSide,
  { labels, predictions }: PairedAnswers,
  n: number,
  labelsFrom?: string,
): Promise<void> {
  const { predictionsFile, dataset } = result;
  if (predictionsFile === null || !result.result.labelled) return;
  const path = await findPredictions(predictionsFile.path, resultPath);
  const classes = classesOfResult(result) ?? 0;
  const total = labels.length;
  const refuse = (expected: string, found: string): never => {
    throw new DatasetError("ERR_COMPARE_RESULT", { path, expected, found });
  };
  const counted = new Uint32Array(classes * classes);
  let read = 0;
  for await (const { index, label, prediction } of readPredictions(path, predictionsFile)) {
    const place = index - dataset.offset;
    if (place < 0 || place >= total) {
      refuse(`predictions of images ${dataset.offset} to ${dataset.offset + total - 1}`, `one of ${index}`);
    }
    if (prediction >= classes) refuse(`classes below ${classes}`, `${prediction} for image ${index}`);
    const labelsBelow = Math.min(classes, MOST_LABELS);
    if (label === null || label >= labelsBelow) {
      refuse(`labels below ${labelsBelow}`, `${label ?? "none"} for image ${index}`);
    }
    if (labelsFrom !== undefined && labels[place] !== label) {
      refuse(`label ${labels[place]} for image ${index}, as in ${labelsFrom}`, `${label}`);
    }
    labels[place] = label ?? 0;
    predictions[n]![place] = prediction;
    counted[labels[place] * classes + prediction]!++;
    read++;
  }
  if (read !== total) refuse(`predictions of ${total} images`, `${read}`);
  if (String(result.result.confusionMatrix.flat()) !== String(counted)) {
    const expected = `the confusion matrix of ${path}`;
    throw new DatasetError("ERR_COMPARE_RESULT", { path: resultPath, expected, found: "different counts" });
  }
}

/**
 * Checks that the labels of the data, from the image at `place` on, equal those of the result.
 *
 * @throws DatasetError ERR_COMPARE_RESULT
 */
export function assertSameLabels(
  { path, result }: ResultSide,
  recorded: PairedAnswers["labels"],
  labels: Uint8Array,
  place: number,
): void {
  const n = labels.findIndex((label, i) => label !== recorded[place + i]);
  if (n < 0) return;
  throw new DatasetError("ERR_COMPARE_RESULT", {
    path,
    expected: `label ${labels[n]} for image ${result.dataset.offset + place + n}, as in the data`,
    found: `${recorded[place + n]}`,
  });
}
