/** The part of a result that says how right the predictions were, beyond the accuracy; see src/base/contracts/metrics.ts. */
import * as z from "zod";
import { count, share } from "#src/files/schemas/primitives.js";

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
