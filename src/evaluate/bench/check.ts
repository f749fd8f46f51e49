/** No time is taken of a wrong answer: each pass must predict what the reference predicts. */
import type { Configuration } from "#src/base/contracts/bench.js";
import type { EngineName } from "#src/base/contracts/engine.js";
import { RunError } from "#src/base/errors.js";

export interface Expected {
  readonly engine: EngineName;
  readonly predictions: Uint16Array;
  /** Index, within the data set, of the first. */
  readonly firstImage: number;
}

/** Throws RunError ERR_BENCH_MISMATCH, naming the first image that differs and how many do. */
export function assertPredictions(
  { engine, threads, batchSize }: Configuration,
  found: Uint16Array,
  { predictions: expected, firstImage, engine: checkedAgainst }: Expected,
): void {
  const first = expected.findIndex((prediction, image) => found[image] !== prediction);
  if (first === -1) return;
  throw new RunError("ERR_BENCH_MISMATCH", {
    engine,
    threads,
    batchSize,
    checkedAgainst,
    image: firstImage + first,
    expected: expected[first],
    found: found[first],
    differing: expected.reduce((sum, prediction, image) => sum + Number(found[image] !== prediction), 0),
    total: expected.length,
  });
}
