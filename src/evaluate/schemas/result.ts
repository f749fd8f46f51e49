/** The JSON of an evaluation: what `--format json` writes, and `--baseline`, `report` and `compare` read. */

import * as z from "zod";
import { ASSUMPTION_SUBJECTS } from "#src/base/assumptions.js";
import { AS_STORED, SPLITS } from "#src/base/contracts/dataset.js";
import { PREDICTIONS_FORMATS } from "#src/base/contracts/journal.js";
import { ACTIVATIONS, ENGINES, NORMALIZATIONS } from "#src/base/contracts/network.js";
import { FileError } from "#src/base/errors.js";
import { checkDocument, count, milliseconds, readJson, sha256, share } from "#src/files/read-document.js";
import { datasetView, preprocessing, shardPart } from "./part.js";

// The part of a result that says how right the predictions were, beyond the accuracy; see src/base/contracts/metrics.ts.

const classMetrics = z.object({
  label: count,
  support: count.describe("Images with this label."),
  predicted: count.describe("Images predicted as this class."),
  precision: share.nullable().describe("Null where nothing was predicted as this class."),
  recall: share.nullable().describe("Null where no image has this label."),
  f1: share.nullable().describe("Null where both are so."),
});

const classAverages = z.object({ precision: share, recall: share, f1: share });

export const confusionMetrics = z.object({
  perClass: z.array(classMetrics),
  averages: z.object({ macro: classAverages, micro: classAverages, weighted: classAverages }),
  balancedAccuracy: share.nullable().describe("Null where nothing was evaluated."),
  cohensKappa: z
    .number()
    .min(-1)
    .max(1)
    .nullable()
    .describe("Null where chance would agree on every image, or none was evaluated."),
  matthewsCorrelation: z.number().min(-1).max(1),
});

const reliabilityBin = z.object({
  from: share,
  to: share,
  total: count,
  accuracy: share.nullable(),
  meanConfidence: share.nullable(),
});

export const scoreMetrics = z.object({
  logLoss: z.number().nonnegative(),
  brierScore: z.number().min(0).max(2),
  expectedCalibrationError: share,
  reliability: z.array(reliabilityBin).describe("By the predicted class's probability."),
  topK: z.object({ k: z.int().positive(), correct: count, accuracy: share }),
});

// Reads the JSON of an evaluation that `--output result.json` has written.

/**
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_JSON_SYNTAX; ERR_RESULT_VERSION where a later Batchwise wrote it;
 *   ERR_JSON_SHAPE where it is no result
 */
export async function readResult(path: string): Promise<ResultFile> {
  const document = await readJson(path);
  const found = versionOf(document);
  if (found !== undefined && found > SCHEMA_VERSION) {
    throw new FileError("ERR_RESULT_VERSION", { path, expected: SCHEMA_VERSION, found });
  }
  return checkDocument(resultSchema, document, { path, what: "a result that --output RESULT.json wrote" });
}

function versionOf(document: unknown): number | undefined {
  if (typeof document !== "object" || document === null || !("schemaVersion" in document)) return undefined;
  return typeof document.schemaVersion === "number" ? document.schemaVersion : undefined;
}

export const SCHEMA_VERSION = 1;

const dataset = z.object({
  name: z.string(),
  split: z.enum(SPLITS),
  sha256: sha256.describe(
    "Of the image file's bytes followed by the label file's, as they stand on disk; of large files, pieces stand in for all.",
  ),
  total: count.describe("Images in the whole set; result.total counts those evaluated."),
  offset: count.describe("The first image evaluated."),
  classNames: z.array(z.string()).nullable(),
  view: datasetView.default(AS_STORED).describe("How stored pictures and labels were changed."),
  location: z
    .object({ dataset: z.string(), labels: z.string().nullable(), classes: z.string().nullable() })
    .nullable()
    .describe("Where it came from: names as given, paths absolute. Null where a program passed an open one."),
});

const network = z.object({
  name: z.string(),
  sha256,
  layers: z.array(z.int().positive()).describe("Inputs, hidden units, outputs."),
  activations: z
    .array(z.enum(ACTIVATIONS))
    .nullable()
    .default(null)
    .describe("Of each layer; null for an ONNX model that is run whole."),
  preprocessing: preprocessing
    .nullable()
    .default(null)
    .describe("What pixels go through before the first layer."),
  location: z
    .object({
      weights: z.string(),
      activation: z.string().nullable(),
      normalize: z.enum(NORMALIZATIONS).nullable(),
      mean: z.number().nullable().default(null),
      std: z.number().nullable().default(null),
    })
    .nullable()
    .describe("As of the data set; null in it where nothing was given."),
});

const assumption = z.object({
  subject: z.enum(ASSUMPTION_SUBJECTS),
  what: z.string().describe("The value that was assumed, in words."),
  source: z.string().describe("Name of the file that does not state it."),
  option: z.string().nullable().describe("The option that states it."),
});

const run = z.object({
  engine: z.enum(ENGINES),
  executor: z.enum(["local", "inline", "bullmq"]),
  hosts: z
    .array(z.object({ host: z.string(), threads: count, jobs: count, images: count }))
    .optional()
    .describe("Who computed, with executor bullmq only."),
  threads: count,
  workersStarted: count,
  batchesByThread: z.array(count).describe("Index 0 is the coordinator's own thread."),
  batchSize: z.int().positive(),
  batches: count,
  retries: count,
  recomputed: count.describe("Images that the engine computed again to be certain."),
  fallback: z
    .string()
    .optional()
    .describe("Only where simd computed every image in float64: why its error bound does not hold."),
  normalize: z.enum(NORMALIZATIONS),
  node: z.string(),
  cpu: z.string(),
});

const complete = z
  .boolean()
  .describe("False where batches failed or the run was interrupted: the counts are of what was done.");

const labelledResult = z.object({
  labelled: z.literal(true),
  accuracy: share.describe("correct ÷ total; 0 where nothing was evaluated."),
  correct: count,
  total: count,
  complete,
  confidenceInterval95: z.tuple([share, share]).describe("Wilson's interval of the accuracy."),
  confusionMatrix: z
    .array(z.array(count))
    // Who reads it makes room for the square of its rows.
    .refine((rows) => rows.every(({ length }) => length === rows.length), "expected as many columns as rows")
    .describe("Rows are labels, columns predictions; square."),
  ...confusionMetrics.shape,
  scores: scoreMetrics.nullable().describe("Null where probabilities were not asked for."),
  macroF1Interval95: z
    .object({ low: share, high: share, resamples: z.int().positive(), seed: count })
    .nullable()
    .describe("A bootstrap's percentile interval; null where none was asked for."),
});

const predictedResult = z.object({
  labelled: z.literal(false),
  total: count,
  complete,
  predictedCounts: z.array(count).describe("How many images were predicted as each class."),
});

const timing = z.object({
  totalMs: milliseconds,
  loadMs: milliseconds,
  startPoolMs: milliseconds.describe("From the pool's creation to its first worker ready."),
  evaluateMs: milliseconds.describe("From the first batch dispatched to the last merged."),
  imagesPerSecond: z.number().nonnegative().describe("Images over evaluateMs, without a journal's."),
  batchLatencyMs: z.object({ p50: milliseconds, p90: milliseconds, p99: milliseconds }),
});

const timelineEntry = z.object({
  batch: count,
  thread: count,
  startMs: milliseconds.describe("From the first batch dispatched."),
  elapsedMs: milliseconds,
});

/**
 * Reading drops what it does not know, so that a later version may add fields under the same `schemaVersion`. The
 * published JSON Schema is stricter: it allows exactly what this version writes.
 */
export const resultSchema = z
  .object({
    schemaVersion: z.literal(SCHEMA_VERSION),
    assumptions: z
      .array(assumption)
      .default([])
      .describe("What the numbers rest on although neither a file nor an option states it."),
    dataset,
    network,
    run,
    result: z.discriminatedUnion("labelled", [labelledResult, predictedResult]),
    shard: shardPart.optional().describe("Only of --shard: what `batchwise merge` adds."),
    timing,
    predictionsFile: z
      .object({ path: z.string(), sha256, format: z.enum(PREDICTIONS_FORMATS) })
      .nullable()
      .describe("The file that --predictions wrote: its absolute path and what it then held."),
    timeline: z
      .array(timelineEntry)
      .optional()
      .describe(
        "Only where probabilities were asked for. Of more than 10,000 batches every second, fourth and so on, so that no more are told.",
      ),
    predictions: z.array(count).optional().describe("Each image's class, in order; only without labels."),
  })
  .meta({ title: "Batchwise: the result of an evaluation" });

/** An evaluation as its JSON file holds it. */
export type ResultFile = z.infer<typeof resultSchema>;
