/** The record of a run as its coordinator opens and closes it. */
import { type BatchwiseError, RunError } from "#src/base/errors.js";
import { firstDifference } from "#src/evaluate/run-identity.js";
import type { RunSpec } from "./messages.js";
import { probeImagesFor } from "./range-queue.js";
import { KEEP_ENDED_SECONDS, type Records, type RunRecord } from "./records.js";

/**
 * Writes the record of a run, or continues a run of the same ID and identity.
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
    // Answers that are there already were signed for the nonce of the record.
    spec: found === undefined ? spec : { ...spec, nonce: found.spec.nonce },
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
  { spec }: RunRecord,
  { doneImages, isWhole, isInterrupted, failure }: RunEnd,
): Promise<void> {
  const { runId } = spec;
  await records.attend(spec, doneImages);
  await records.leave(runId);
  if (isWhole) {
    await records.setState(spec, "done");
    await records.expireRun(runId, KEEP_ENDED_SECONDS);
  } else if (failure?.code !== "ERR_RUN_CANCELLED") {
    await records.setState(spec, isInterrupted ? "stopped" : "failed");
  }
}
