/** One evaluation of a suite: its data opened, run in the suite's pool, its result judged. */
import { asError } from "#src/base/as-error.js";
import type { CheckOutcome, CheckStatus } from "#src/base/contracts/checks.js";
import type { Dataset } from "#src/base/contracts/dataset.js";
import type { Executor } from "#src/base/contracts/executor.js";
import type { Log } from "#src/base/contracts/log.js";
import type { AnyEvaluation } from "#src/base/contracts/result.js";
import { IncompleteError } from "#src/base/incomplete.js";
import { withRooms } from "#src/base/rooms.js";
import { readDataset } from "#src/data/registry.js";
import { assertComparable, type Demands, judge, subjectOf } from "#src/evaluate/gates.js";
import { pairOf } from "#src/evaluate/load-pair.js";
import type { EvaluateOptions } from "#src/evaluate/options.js";
import { runPrepared } from "#src/evaluate/run-prepared.js";
import type { DownloadOptions } from "#src/files/download/catalog-entry.js";
import type { LoadedEntry } from "./load.js";

export type OpenDataset = (options: EvaluateOptions) => Promise<Dataset>;

/** Keeps the data opened last: evaluations beside each other may share them, and memory holds one set. */
export function datasetsInTurn(download: DownloadOptions): OpenDataset {
  let last: { readonly key: string; readonly dataset: Dataset } | undefined;
  return async (options) => {
    const { dataset: named, labels, classes, split, invert, transpose, labelOffset } = options;
    if (typeof named !== "string") return named;
    const key = JSON.stringify([named, labels, classes, split, invert, transpose, labelOffset]);
    if (last?.key !== key) {
      last = undefined;
      last = { key, dataset: await readDataset({ ...options, ...download, dataset: named }) };
    }
    return last.dataset;
  };
}

/** Whatever goes wrong is in the outcome. */
export async function checkEntry(
  { name, options, demands, network, source }: LoadedEntry,
  executor: Executor,
  open: OpenDataset,
  { signal, log }: { readonly signal: AbortSignal; readonly log?: Log },
): Promise<CheckOutcome> {
  const beganAt = performance.now();
  try {
    const pair = pairOf(await open(options), network, options);
    const { baseline } = demands;
    if (baseline !== undefined) assertComparable(baseline, subjectOf(pair));
    const loadMs = performance.now() - beganAt;
    const slabs = withRooms(pair.slabs(options.batchSize), [{ source, classes: 0 }]);
    const hooks = { signal, ...(log && { log }) };
    const { evaluation } = await runPrepared(
      { options, pair, executor },
      { slabs, source, beganAt, loadMs },
      hooks,
    );
    return judged(name, evaluation, demands);
  } catch (error) {
    const evaluation = error instanceof IncompleteError ? error.partial : undefined;
    return { ...broken(name, asError(error)), evaluation };
  }
}

/** Of an evaluation that gave no result. */
export function broken(name: string, fault: Error): CheckOutcome {
  return { name, status: "error", evaluation: undefined, gates: [], fault };
}

function judged(name: string, evaluation: AnyEvaluation, demands: Demands): CheckOutcome {
  const { dataset, network, result } = evaluation;
  try {
    const gates = result.labelled ? judge(demands, { dataset, network, result }) : [];
    const status: CheckStatus = gates.every(({ passed }) => passed) ? "passed" : "failed";
    return { name, status, evaluation, gates, fault: undefined };
  } catch (error) {
    // The baseline is of other images.
    return { ...broken(name, asError(error)), evaluation };
  }
}
