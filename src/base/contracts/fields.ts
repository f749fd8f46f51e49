/** Fields that the schemas of our documents share. Loads zod: a start imports only types from the files with schemas. */
import * as z from "zod";
import { ASSUMPTION_SUBJECTS, type Assumption } from "#src/base/assumptions.js";
import { CLASS_ORDERS, type DatasetReading, type DatasetView, FITS, PIXEL_MAXIMA } from "./dataset.js";
import type { Preprocessing } from "./network.js";
import { LIMITS } from "./run.js";

/** A document as everyone but its maker sees it: nothing in it can be assigned. */
export type DeepReadonly<T> = T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> } : T;

export const count = z.int().nonnegative();
/** A share, 0 to 1. */
export const share = z.number().min(0).max(1);
/** A correlation or a difference of shares, −1 to 1. */
export const signedShare = z.number().min(-1).max(1);
export const milliseconds = z.number().nonnegative();
/** SHA-256, 64 hexadecimal digits. */
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** Fields of `DatasetHash`. */
export const datasetHash = {
  /**
   * SHA-256, hex, of the image file's bytes followed by the label file's, as stored on disk. Null if only samples of the files
   * were hashed, and in a partial result whose files changed during the run.
   */
  sha256: sha256.nullable(),
  /**
   * SHA-256, hex, of samples of the files, as `Dataset.sha256` describes; absent if every byte was hashed. `--verify` hashes
   * every byte.
   */
  "sampled-sha256": sha256.optional(),
};
/** (rows × columns) counts, row by row. */
export const countMatrix = z.array(z.array(count));
/** A 95 % confidence interval of a share: [low, high]. */
export const shareInterval = z.tuple([share, share]);

type Limits = readonly [low: number, high: number];

/** An integer within the limits, both included. */
export function within([low, high]: Limits) {
  return z.int().min(low).max(high);
}

// The contracts of data sets and networks are loaded at every start, so they do not load zod.
// Each schema below is declared with the type of its contract.

export const assumption: z.ZodType<Assumption> = z.object({
  subject: z.enum(ASSUMPTION_SUBJECTS),
  what: z.string(),
  source: z.string(),
  option: z.string().nullable(),
});

export const datasetView: z.ZodType<DatasetView> = z.object({
  invert: z.boolean(),
  transpose: z.boolean(),
  grayscale: z.boolean().default(false),
  labelOffset: within(LIMITS.labelOffset),
});

export const datasetReading: z.ZodType<DatasetReading> = z.object({
  labelColumn: z.string().optional(),
  imageShape: z.string().optional(),
  pixelMax: z.enum(PIXEL_MAXIMA).optional(),
  fit: z.enum(FITS).optional(),
  classOrder: z.enum(CLASS_ORDERS).optional(),
  groupColumn: z.string().optional(),
});

/** One number for all channels, or one for each. */
export const perChannel = z.union([z.number(), z.array(z.number()).min(1)]);

export const preprocessing: z.ZodType<Preprocessing> = z.discriminatedUnion("kind", [
  z.object({ kind: z.enum(["none", "scale"]) }),
  z.object({ kind: z.literal("standardize"), mean: perChannel, std: perChannel }),
  z.object({ kind: z.enum(["whiten-zca", "whiten-pca"]), epsilon: z.number(), folded: z.literal(true) }),
]);
