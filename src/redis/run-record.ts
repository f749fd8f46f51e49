/** A run's record in Redis when its coordinator comes, and when it goes. */
import { type BatchwiseError, RunError } from "#src/base/errors.js";
import { firstDifference } from "#src/evaluate/run-identity.js";
import { probeImagesFor } from "./ranges.js";
import { KEEP_ENDED_SECONDS, type Records, type RunRecord } from "./records.js";
import type { RunSpec } from "./spec.js";

/**
 * A run of this id that is there already goes on, if it is this one.
 *
 * @throws RunError ERR_RUN_MISMATCH, ERR_RUN_CANCELLED
 */
export async function openRecord(
  records: Records,
  spec: RunSpec,
  jobImages: number | undefined,
): Promise<RunRecord> {
  const { runId } = spec;
  const found = await records.run(runId);
  if (found !== undefined) {
    const difference = firstDifference(found.spec.identity, spec.identity);
    if (difference !== undefined) throw new RunError("ERR_RUN_MISMATCH", { runId, ...difference });
    if (found.state === "cancelled") {
      const totalImages = spec.range.limit;
      throw new RunError("ERR_RUN_CANCELLED", { runId, doneImages: found.doneImages, totalImages });
    }
  }
  const run: RunRecord = {
    spec,
    state: "open",
    createdAt: found?.createdAt ?? new Date().toISOString(),
    probeImages: found?.probeImages ?? (jobImages === undefined ? probeImagesFor(spec.batchSize) : 0),
    jobImages: found === undefined ? jobImages : found.jobImages,
    doneImages: found?.doneImages ?? 0,
  };
  await records.writeRun(run);
  return run;
}

export interface RunEnd {
  readonly doneImages: number;
  readonly isWhole: boolean;
  readonly isInterrupted: boolean;
  readonly failure: BatchwiseError | undefined;
}

export async function closeRecord(
  records: Records,
  runId: string,
  { doneImages, isWhole, isInterrupted, failure }: RunEnd,
): Promise<void> {
  await records.attend(runId, doneImages);
  await records.leave(runId);
  if (isWhole) {
    await records.setState(runId, "done");
    await records.expireRun(runId, KEEP_ENDED_SECONDS);
  } else if (failure?.code !== "ERR_RUN_CANCELLED") {
    await records.setState(runId, isInterrupted ? "stopped" : "failed");
  }
}
