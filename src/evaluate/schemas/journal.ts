/** The lines of a journal; see src/base/contracts/journal.ts. */
import * as z from "zod";
import { PREDICTIONS_FORMATS } from "#src/base/contracts/predictions.js";
import { count, sha256 } from "#src/files/schemas/primitives.js";
import { partialCounts, runIdentity } from "./part.js";

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
