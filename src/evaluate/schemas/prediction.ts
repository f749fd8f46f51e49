/** A line of a predictions file. */
import * as z from "zod";
import type { Prediction } from "#src/base/contracts/predictions.js";
import { count, share } from "#src/files/schemas/primitives.js";

export const predictionSchema: z.ZodType<Prediction> = z.object({
  index: count,
  label: count.nullable(),
  prediction: count,
  probability: share,
  topK: z.array(z.object({ class: count, probability: share })).min(1),
  correct: z.boolean().nullable(),
});
