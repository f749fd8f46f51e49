/** What a finished job says, and what the first answer says about the size of the others. */
import type { ImageRange } from "#src/base/contracts/dataset.js";
import { parsed, type RangeAnswer, rangeAnswer, rangeFailure } from "./messages.js";
import { jobImagesFor, type QueuedJob } from "./range-queue.js";
import type { RunRecord } from "./records.js";
import type { Piece } from "./run-progress.js";
import { NonsenseError, type Seals } from "./seal.js";
import { aboutJob, type RunIds } from "./spec.js";

type Said =
  | { readonly failure: string; readonly answer?: undefined }
  | { readonly failure?: undefined; readonly answer: RangeAnswer };

/** Opens the answer of a job, or the reason of its failure. @throws NonsenseError where it is neither */
export function openAnswer(
  seals: Seals,
  run: RunIds,
  { returnvalue, failedReason }: Pick<QueuedJob, "returnvalue" | "failedReason">,
  range: ImageRange,
): Said {
  const text = seals.open("answer", aboutJob(run, range), returnvalue ?? failedReason);
  if (returnvalue === null) {
    const { host, code } = parsed(rangeFailure, text);
    if (code !== "ERR_RANGE_JOB") return { failure: `${host}: ${code}` };
    throw new NonsenseError(`${host}: expected the job that was added, found another`);
  }
  const answer = parsed(rangeAnswer, text);
  const { nanImage = range.offset } = answer;
  if (nanImage < range.offset || nanImage >= range.offset + range.limit) {
    throw new NonsenseError("expected an image of the range, found another");
  }
  return { answer };
}

/** Images per job by the time of the first range. */
export function measuredJobImages(
  { spec, probeImages }: RunRecord,
  first: Piece | undefined,
  hosts: number,
): number {
  if (first === undefined) return probeImages;
  const { range, elapsedMs } = first;
  const measured = {
    imagesPerSecond: range.limit / Math.max(0.001, elapsedMs / 1000),
    hosts,
    leftImages: spec.range.limit - range.limit,
  };
  const imageBytes = spec.packed ? 2 + (spec.identity.probabilities ? 10 * spec.classes : 0) : 0;
  return jobImagesFor(measured, spec.batchSize, imageBytes);
}
