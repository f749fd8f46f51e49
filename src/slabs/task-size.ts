/** How many batches one message to a worker carries. */
import type { EngineName } from "../contracts/engine.js";
import type { TaskSize } from "./plan.js";

/** Of what is left, all threads together take this share next: long tasks first, short ones so that they end together. */
const SHARE = 0.6;
/** A task of so many batches of 100 takes the simd engine some 10 ms, of which its dispatch is one hundredth. */
const MOST_BATCHES = 100;

const ONE_BATCH: TaskSize = () => 1;

/** One batch a task, but for simd, whose batches take less time than a message (guided self-scheduling). */
export function taskSizeFor(engine: EngineName, threads: number): TaskSize {
  if (engine !== "simd") return ONE_BATCH;
  return (batchesLeft) =>
    Math.min(MOST_BATCHES, Math.max(1, Math.floor((batchesLeft * SHARE) / Math.max(1, threads))));
}
