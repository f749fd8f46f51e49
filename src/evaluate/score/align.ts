/** Finds the row of each image, by ids where there are some, and decides what the numbers of its classes are. */

import type { Assumption } from "#src/base/assumptions.js";
import type { ScoreSums } from "#src/base/contracts/metrics.js";
import { grouped } from "#src/base/errors/define.js";
import { DatasetError } from "#src/base/errors.js";
import type { Slab } from "#src/base/slab.js";
import { pythonFloat } from "#src/base/text.js";
import { argmax, softmaxInPlace } from "#src/engines/logits.js";
import { classRanker } from "#src/metrics/score-metrics.js";
import { placeLabels, sumScores } from "#src/metrics/score-sums.js";
import type { Answers, ClassValues, ScoreValues } from "./answers.js";

/** Images whose answers are looked for. */
export interface Wanted {
  /** Path of the labels, for messages. */
  readonly path: string;
  readonly total: number;
  /** Ids of the images, in order; undefined where they only have places. */
  readonly ids: readonly string[] | undefined;
}

/**
 * Returns the row of each image. Rows with ids are found by them: each image has exactly one. Ids of images that only have
 * places are whole numbers, from 0 or from 1. Rows without ids are in the order of the images.
 *
 * @throws DatasetError ERR_ANSWERS_ROW for a doubled or unknown id; ERR_ANSWERS_MATCH if images have no row, or if there are more
 *   rows than images
 */
export function rowsOfImages(answers: Answers, wanted: Wanted): Uint32Array {
  const { path, rows, ids, placeOf } = answers;
  const { total } = wanted;
  if (rows !== total && (ids === undefined || rows > total))
    throw unmatched(answers, wanted, `${grouped(rows)}`);
  if (ids === undefined) return Uint32Array.from({ length: total }, (_, image) => image);
  const imageOf = wanted.ids === undefined ? byPlace(answers, total) : byId(wanted.ids, wanted.path);
  const order = new Uint32Array(total).fill(ABSENT);
  for (const [row, id] of ids.entries()) {
    const image = imageOf(id);
    const place = placeOf(row);
    if (image === undefined) {
      const expected = wanted.ids === undefined ? placesText(answers, total) : `an id of ${wanted.path}`;
      throw new DatasetError("ERR_ANSWERS_ROW", { path, place, expected, found: `"${id}"` });
    }
    if (order[image] !== ABSENT) {
      const expected = `each id once ("${id}" is on ${placeOf(order[image] ?? 0)})`;
      throw new DatasetError("ERR_ANSWERS_ROW", { path, place, expected, found: "it again" });
    }
    order[image] = row;
  }
  const missing = order.indexOf(ABSENT);
  if (missing < 0) return order;
  const id = wanted.ids?.[missing] ?? String(missing + firstPlace(answers));
  const found = `${grouped(rows)}, and none for id "${id}"`;
  throw unmatched(answers, wanted, found);
}

/** Marks an image without a row. */
const ABSENT = 2 ** 32 - 1;

function unmatched({ path }: Answers, { path: labelsPath, total }: Wanted, found: string): DatasetError {
  return new DatasetError("ERR_ANSWERS_MATCH", { path, labelsPath, total, found });
}

function byId(ids: readonly string[], path: string): (id: string) => number | undefined {
  const images = new Map<string, number>();
  for (const [image, id] of ids.entries()) {
    if (images.has(id)) {
      const facts = { path, place: `row ${image}`, expected: "each id once", found: `"${id}" again` };
      throw new DatasetError("ERR_ANSWERS_ROW", facts);
    }
    images.set(id, image);
  }
  return (id) => images.get(id);
}

/** Kaggle's ids begin with 1, those of pandas and of Batchwise with 0. An id 0 shows which. */
function firstPlace({ ids = [] }: Answers): number {
  return ids.some((id) => WHOLE.test(id) && Number(id) === 0) ? 0 : 1;
}

const WHOLE = /^\d+(?:\.0+)?$/;

function byPlace(answers: Answers, total: number): (id: string) => number | undefined {
  const first = firstPlace(answers);
  return (id) => {
    const image = WHOLE.test(id) ? Number(id) - first : -1;
    return image >= 0 && image < total ? image : undefined;
  };
}

function placesText(answers: Answers, total: number): string {
  const first = firstPlace(answers);
  return `an id from ${first} to ${total - 1 + first}`;
}

/** Difference of a row's sum from 1 that float32 explains. */
const ROUNDING = 1e-4;
/** Difference of a row's sum from 1 that few decimals explain. */
const FEW_DECIMALS = 1e-2;

export interface Decided {
  readonly kind: ScoreValues;
  readonly assumptions: readonly Assumption[];
}

/**
 * Decides what the numbers are. The names of the columns state it, or `given`. Otherwise values that cannot be probabilities
 * are treated as logits, which is an assumption.
 *
 * @throws DatasetError ERR_ANSWERS_ROW for a row that is no distribution, or a value that is no number
 */
export function kindOfValues(
  { path, placeOf }: Answers,
  { kind, classes, values }: ClassValues,
  given: ScoreValues | undefined,
  source: string,
): Decided {
  const rows = values.length / classes;
  let farthest = 0;
  let outside: number | undefined;
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let n = row * classes; n < (row + 1) * classes; n++) {
      const value = values[n] ?? Number.NaN;
      if (!Number.isFinite(value)) {
        const facts = { path, place: placeOf(row), expected: "numbers", found: String(value) };
        throw new DatasetError("ERR_ANSWERS_ROW", facts);
      }
      if (value < 0 || value > 1) outside ??= row;
      sum += value;
    }
    const distance = Math.abs(sum - 1);
    if (distance > farthest) farthest = distance;
  }
  const stated = given ?? kind;
  if (stated === "logits" || (stated === undefined && outside !== undefined)) {
    const what = "logits, which become probabilities by softmax";
    const assumed: Assumption = { subject: "outputs", what, source, option: "--values" };
    return { kind: "logits", assumptions: stated === undefined ? [assumed] : [] };
  }
  assertDistributions({ path, placeOf }, { classes, values }, stated === undefined);
  const what = `probabilities whose sums differ from 1 by up to ${pythonFloat(Number(farthest.toPrecision(2)))}`;
  const rounded: Assumption = { subject: "outputs", what, source, option: null };
  return { kind: "probabilities", assumptions: farthest > ROUNDING ? [rounded] : [] };
}

function assertDistributions(
  { path, placeOf }: Pick<Answers, "path" | "placeOf">,
  { classes, values }: Pick<ClassValues, "classes" | "values">,
  mayBeLogits: boolean,
): void {
  const next = mayBeLogits ? " (logits: --values logits)" : "";
  for (let row = 0; row < values.length / classes; row++) {
    const numbers = values.subarray(row * classes, (row + 1) * classes);
    const wrong = numbers.find((value) => value < 0 || value > 1);
    const sum = numbers.reduce((a, b) => a + b, 0);
    if (wrong === undefined && Math.abs(sum - 1) <= FEW_DECIMALS) continue;
    throw new DatasetError("ERR_ANSWERS_ROW", {
      path,
      place: placeOf(row),
      expected: `probabilities from 0 to 1 whose sum is 1${next}`,
      found: wrong === undefined ? `the sum ${pythonFloat(Number(sum.toPrecision(6)))}` : pythonFloat(wrong),
    });
  }
}

/** Answers, and the row of each image. */
export interface AlignedAnswers {
  readonly answers: Answers;
  /** (images) row of each image. */
  readonly order: Uint32Array;
  readonly classes: number;
  /** What the numbers of the classes are; undefined where the file has classes alone. */
  readonly kind: ScoreValues | undefined;
}

/**
 * Returns a function that writes the answers into a slab, and returns the sums over its probabilities, if there are some.
 *
 * @throws DatasetError ERR_ANSWERS_ROW for a class beyond the last, a prediction that is not the most probable class, or a label
 *   that is not the image's
 */
export function createAnswerer(aligned: AlignedAnswers): (slab: Slab) => ScoreSums | null {
  const { answers, order, classes, kind } = aligned;
  const { path, placeOf, predictions: stated, labels: known, values: all } = answers;
  const rank = classRanker(classes);
  const refuse = (row: number, expected: string, found: number): never => {
    throw new DatasetError("ERR_ANSWERS_ROW", { path, place: placeOf(row), expected, found: String(found) });
  };
  return ({ firstImage, count, labels, predictions, probabilities, ranking }) => {
    const hits = new Uint8Array(count);
    for (let image = 0; image < count; image++) {
      const row = order[firstImage + image] ?? 0;
      const label = labels[image] ?? 0;
      const first = row * classes;
      const numbers = all?.values.subarray(first, first + classes);
      const prediction = stated?.[row] ?? argmax(numbers ?? []);
      if (prediction >= classes) refuse(row, `a class from 0 to ${classes - 1}`, prediction);
      if (known !== undefined && known[row] !== label)
        refuse(row, `the label ${label}, as in the labels`, known[row] ?? 0);
      if (numbers !== undefined) {
        const largest = argmax(numbers);
        // Of equal numbers, tools choose differently.
        if (numbers[prediction] !== numbers[largest])
          refuse(row, `the most probable class ${largest}`, prediction);
        probabilities?.set(numbers, image * classes);
      }
      predictions[image] = prediction;
      hits[image] = Number(prediction === label);
    }
    if (probabilities === undefined || ranking === undefined) return null;
    const { places } = placeLabels(probabilities, labels, count, classes);
    for (let image = 0; image < count; image++) {
      const start = image * classes;
      rank(probabilities, ranking, start);
      bringForward(ranking.subarray(start, start + classes), predictions[image] ?? 0);
      if (kind === "logits") softmaxInPlace(probabilities, start, classes);
    }
    return sumScores(probabilities, labels, count, classes, { places, hits });
  };
}

/** Puts the predicted class before those of equal numbers. */
function bringForward(ranking: Uint16Array, prediction: number): void {
  const place = ranking.indexOf(prediction);
  ranking.copyWithin(1, 0, place);
  ranking[0] = prediction;
}
