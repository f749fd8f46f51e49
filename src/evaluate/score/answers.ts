/** Answers to images as a file of any tool has them: predicted classes, numbers of each class, or labels. */

import { DatasetError } from "#src/base/errors.js";
import type { CLASS_VALUES } from "#src/base/options/run.js";
import type { Purpose } from "./columns.js";

/** Most classes: the confusion matrix has the square of this many counts. */
export const MOST_CLASSES = 1024;
/** Most numbers of a file: a gigabyte as float64. */
export const MOST_VALUES = 2 ** 27;

/** What the numbers of each class are. */
export type ScoreValues = (typeof CLASS_VALUES)[number];

/** One number per class for each row. */
export interface ClassValues {
  /** What the names of the columns state; undefined where the file has no names. */
  readonly kind: ScoreValues | undefined;
  readonly classes: number;
  /** (rows × classes) f64, row-major. */
  readonly values: Float64Array;
}

/** Answers in the order of the file. */
export interface Answers {
  readonly path: string;
  /** SHA-256 of the file's bytes, in hex. */
  readonly sha256: string;
  readonly rows: number;
  /** Name of each row's image, as the file has it; undefined where the rows have none. */
  readonly ids: readonly string[] | undefined;
  readonly predictions: Uint16Array | undefined;
  readonly labels: Uint16Array | undefined;
  readonly values: ClassValues | undefined;
  /** Where a row is, for messages: `line 12`. */
  readonly placeOf: (row: number) => string;
}

/** What a reader of one form finds. */
export type ReadRows = Omit<Answers, "path" | "sha256">;

/** How a file is read. */
export interface ReadOptions {
  readonly purpose: Purpose;
  readonly classNames: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a class is, for messages. */
export const CLASS = `a class from 0 to ${MOST_CLASSES - 1}`;

export function isClass(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < MOST_CLASSES;
}

/** @throws DatasetError ERR_ANSWERS_ROW */
export function rowFault(path: string, place: string, expected: string, found: string): never {
  throw new DatasetError("ERR_ANSWERS_ROW", { path, place, expected, found });
}
