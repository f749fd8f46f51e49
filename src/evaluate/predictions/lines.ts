/** Lines of a predictions file. Each number has the fewest digits that read back as the same float64. */
import type { Prediction } from "#src/base/contracts/journal.js";
import type { PredictionsFormat } from "#src/base/contracts/run.js";

export interface LineWriter {
  /** Text before the first line. */
  readonly header: string;
  line(prediction: Prediction): string;
}

/** Makes lines of one format. @param k number of classes in each `topK` */
export function lineWriter(format: PredictionsFormat, k: number): LineWriter {
  switch (format) {
    case "ndjson":
      return { header: "", line: (prediction) => `${JSON.stringify(prediction)}\n` };
    case "csv":
      return { header: `${csvColumns(k).join(",")}\n`, line: csvLine };
    case "kaggle":
      // Digit Recognizer's sample_submission.csv (kaggle.com/c/digit-recognizer/data).
      return { header: "ImageId,Label\n", line: ({ index, prediction }) => `${index + 1},${prediction}\n` };
    case "dvc":
      // `dvc plots show FILE --template confusion -x actual -y predicted`.
      return { header: "actual,predicted\n", line: ({ label, prediction }) => `${label},${prediction}\n` };
  }
}

/** Names of the columns. Cells are numbers and booleans, so none needs quotes and none is a formula. */
export function csvColumns(k: number): string[] {
  const ranks = Array.from({ length: k }, (_, rank) => rank + 1);
  return [
    "index",
    "label",
    "prediction",
    "probability",
    "correct",
    ...ranks.flatMap((rank) => [`top${rank}Class`, `top${rank}Probability`]),
  ];
}

/** Most classes: predictions are u16. */
const MOST_RANKS = 2 ** 16;

/** True for the columns that Batchwise writes. */
export function isCsvHeader(columns: readonly string[]): boolean {
  const ranks = (columns.length - csvColumns(0).length) / 2;
  if (!Number.isInteger(ranks) || ranks < 0 || ranks > MOST_RANKS) return false;
  return csvColumns(ranks).every((name, column) => name === columns[column]);
}

/** Cells that need a label or a probability are empty for an image without one. */
function csvLine({ index, label, prediction, probability, correct, topK }: Prediction): string {
  const tops = topK.map((top) => `,${top.class},${top.probability}`).join("");
  return `${index},${label ?? ""},${prediction},${probability ?? ""},${correct ?? ""}${tops}\n`;
}

const PIECE_CHARACTERS = 2 ** 16;

export interface PredictionsTarget {
  readonly path: string;
  readonly format: PredictionsFormat;
  /** Classes per line, at most the number of classes. */
  readonly topK: number;
  /** Whether images have labels; labels are null otherwise. */
  readonly labelled: boolean;
}

/** Consecutive images with their answers, as a slab holds them. */
export interface PredictedImages {
  readonly firstImage: number;
  readonly count: number;
  readonly labels: Uint8Array;
  readonly predictions: Uint16Array;
  /** (count × classes), row-major; undefined if only classes are known. */
  readonly probabilities: Float64Array | undefined;
  /** (count × classes), row-major: each image's classes, from the largest logit to the smallest. */
  readonly ranking: Uint16Array | undefined;
}

/** The lines of the images, in pieces. The first piece of a file begins with the header. */
export function* pieces(
  { format, topK, labelled }: PredictionsTarget,
  images: PredictedImages,
  isFirst: boolean,
): Generator<string> {
  const classes = (images.probabilities?.length ?? 0) / images.count;
  const k = Math.min(topK, classes);
  const lines = lineWriter(format, k);
  let piece = isFirst ? lines.header : "";
  for (let image = 0; image < images.count; image++) {
    piece += lines.line(predictionOf(images, image, classes, k, labelled));
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = "";
  }
  yield piece;
}

function predictionOf(
  images: PredictedImages,
  image: number,
  classes: number,
  k: number,
  labelled: boolean,
): Prediction {
  const probabilities = images.probabilities?.subarray(image * classes, (image + 1) * classes);
  const ranking = images.ranking?.subarray(image * classes, image * classes + k) ?? [];
  const prediction = images.predictions[image]!;
  const label = labelled ? images.labels[image]! : null;
  return {
    index: images.firstImage + image,
    label,
    prediction,
    probability: probabilities?.[prediction] ?? null,
    topK: Array.from(ranking, (one) => ({ class: one, probability: probabilities?.[one] ?? 0 })),
    correct: label === null ? null : label === prediction,
  };
}

/** Values of the cells by the names of the header, unchecked. A cell that is not a number stays text. */
export function parseCsvCells(cells: readonly string[], header: readonly string[]): unknown {
  const cellOf = new Map(header.map((name, column) => [name, cellValue(cells[column]!)]));
  const topK: unknown[] = [];
  for (let rank = 1; cellOf.has(`top${rank}Class`); rank++) {
    topK.push({ class: cellOf.get(`top${rank}Class`), probability: cellOf.get(`top${rank}Probability`) });
  }
  const [index, label, prediction, probability, correct] = [
    "index",
    "label",
    "prediction",
    "probability",
    "correct",
  ].map((name) => cellOf.get(name));
  return { index, label, prediction, probability, correct, topK };
}

function cellValue(cell: string): number | boolean | string | null {
  if (cell === "") return null;
  if (cell === "true" || cell === "false") return cell === "true";
  return /^[-+.\de]+$/i.test(cell) ? Number(cell) : cell;
}
