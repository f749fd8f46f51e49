/** What the schemas of our JSON files are made of. */
import * as z from "zod";

export const count = z.int().nonnegative();
/** From 0 to 1. */
export const share = z.number().min(0).max(1);
export const milliseconds = z.number().nonnegative();
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

type Limits = readonly [low: number, high: number];

/** A whole number that an option may be: `LIMITS` of src/evaluate/options.ts. */
export function within([low, high]: Limits) {
  return z.int().min(low).max(high);
}

export function decimalWithin([low, high]: Limits) {
  return z.number().min(low).max(high);
}
