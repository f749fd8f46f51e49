/** The JSON of a part of a run: in the answer of a shard, and in a journal. See src/base/contracts/partial.ts. */

import * as z from "zod";
import { PREDICTIONS_FORMATS, type Prediction } from "#src/base/contracts/journal.js";
import { ACTIVATIONS, ENGINES } from "#src/base/contracts/network.js";
import { LIMITS } from "#src/evaluate/options.js";
import { count, sha256, share, within } from "#src/files/read-document.js";

/** Of 2^32 images no sum passes 2^70; longer ones would take long to read. */
const digits = z.string().regex(/^\d{1,22}$/);

const scoreSums = z.object({
  logLoss: digits.describe("In units of 2^-32, as all sums here; digits, since they may pass 2^53."),
  brier: digits,
  labelRanks: z
    .array(z.int())
    .describe(
      "The first k add to the images of top-k accuracy; the second can be below 0 where logits are equal.",
    ),
  bins: z.array(z.object({ total: count, correct: count, confidence: digits })),
});

export const partialCounts = z.object({
  offset: count.describe("The first image of the range."),
  limit: count.describe("Images in the range."),
  correct: count,
  total: count.describe("Images counted."),
  confusionMatrix: z.array(z.array(count)),
  scores: scoreSums.nullable().describe("Null where probabilities were not asked for."),
  recomputed: count,
});

export const preprocessing = z.discriminatedUnion("kind", [
  z.object({ kind: z.enum(["none", "scale"]) }),
  z.object({ kind: z.literal("standardize"), mean: z.number(), std: z.number() }),
  z.object({ kind: z.enum(["whiten-zca", "whiten-pca"]), epsilon: z.number(), folded: z.literal(true) }),
]);

export const datasetView = z.object({
  invert: z.boolean().describe("Each pixel p becomes 255 − p."),
  transpose: z.boolean().describe("Rows and columns change places."),
  labelOffset: within(LIMITS.labelOffset).describe("Added to each label."),
});

export const runIdentity = z
  .object({
    batchwise: z.string(),
    dataset: sha256,
    view: datasetView,
    network: sha256,
    arithmetic: z.enum(["float64", ...ENGINES]),
    preprocessing,
    activations: z.array(z.enum(ACTIVATIONS)).nullable(),
    labelled: z.boolean(),
    classes: z.int().positive(),
    offset: within(LIMITS.offset),
    limit: within(LIMITS.limit),
    probabilities: z.boolean(),
    topK: within(LIMITS.topK).nullable(),
    bootstrap: within(LIMITS.bootstrap),
    seed: within(LIMITS.seed),
  })
  .describe("All that the answer of the whole run depends on.");

export const shardPart = z.object({
  index: z.int().positive().describe("From 1."),
  count: z.int().positive(),
  identity: runIdentity,
  key: sha256.describe("Of the identity."),
  counts: partialCounts,
});

// The lines of a journal; see src/base/contracts/journal.ts.

export const journalHeader = z.object({
  journal: z.literal("batchwise"),
  version: z.literal(1),
  identity: runIdentity,
  key: sha256,
  range: z.object({ offset: count, limit: count }),
  predictions: z.object({ file: z.string(), format: z.enum(PREDICTIONS_FORMATS), topK: count }).nullable(),
});

export const journalLine = partialCounts.extend({
  predictions: z.object({ bytes: count, sha256 }).nullable(),
});

// A line of a predictions file.

export const predictionSchema: z.ZodType<Prediction> = z.object({
  index: count,
  label: count.nullable(),
  prediction: count,
  probability: share,
  topK: z.array(z.object({ class: count, probability: share })).min(1),
  correct: z.boolean().nullable(),
});
