/** Makes a host ready for a run: loads its data and network from where the host sees them, and refuses what is not the run's. */
import { availableParallelism } from "node:os";
import type { ImageRange } from "#src/base/contracts/dataset.js";
import type { ScoreSums } from "#src/base/contracts/metrics.js";
import type { Log } from "#src/base/contracts/run.js";
import { BatchwiseError, type NetworkError, RunError } from "#src/base/errors.js";
import { packageVersion } from "#src/base/package.js";
import { rounded } from "#src/base/text.js";
import type { OpenExecutor } from "#src/evaluate/evaluate.js";
import { resolveOptions } from "#src/evaluate/options.js";
import { type Prepared, prepare } from "#src/evaluate/prepare.js";
import type { DownloadNotice } from "#src/files/catalog.js";
import { partialOf } from "#src/metrics/partial-counts.js";
import { addScoreSums, emptyScoreSums } from "#src/metrics/score-sums.js";
import { createTally } from "#src/metrics/tally.js";
import { taskPlanFor } from "#src/pool/plan.js";
import { runBatches } from "#src/pool/run-batches.js";
import { materialise } from "./materialise.js";
import { answerRoom, pack, type RangeAnswer, type RunSpec } from "./spec.js";

/** A path that begins with `from` is looked for below `to`. */
export interface PathMap {
  readonly from: string;
  readonly to: string;
}

export interface HostOptions {
  readonly threads: number | undefined;
  readonly maps: readonly PathMap[];
}

export interface HostHooks {
  readonly signal: AbortSignal;
  readonly log: Log;
  onDownload(notice: DownloadNotice): void;
}

/**
 * Data and network loaded, held against the run's hashes, and all workers ready. The executor is the caller's to close.
 *
 * @throws RunError ERR_HOST_VERSION, ERR_HOST_DATA, ERR_WORKER_LOAD, ERR_ENGINE_PEER; all that loading throws
 */
export async function openRun(
  open: OpenExecutor,
  { identity, dataset, network, range, files, ...spec }: RunSpec,
  { threads, maps }: HostOptions,
  hooks: HostHooks,
): Promise<Prepared> {
  if (identity.batchwise !== packageVersion()) {
    throw new RunError("ERR_HOST_VERSION", { expected: identity.batchwise, found: packageVersion() });
  }
  const seen = (location: string) => materialise(mapped(location, maps), files, hooks.signal);
  const seenOrNone = async (location: string | null) => (location === null ? undefined : seen(location));
  const options = resolveOptions(
    {
      dataset: await seen(dataset.location.dataset),
      labels: identity.labelled ? await seenOrNone(dataset.location.labels) : false,
      split: dataset.split,
      weights: await seen(network.location.weights),
      activation: network.location.activation ?? undefined,
      normalize: network.location.normalize ?? undefined,
      mean: network.location.mean ?? undefined,
      std: network.location.std ?? undefined,
      ...identity.view,
      engine: spec.engine,
      probabilities: identity.probabilities,
      threads,
      batchSize: spec.batchSize,
      offset: range.offset,
      limit: range.limit,
      timeoutSeconds: spec.timeoutSeconds,
      retries: spec.retries,
      warm: true,
    },
    availableParallelism(),
  );
  const prepared = await prepare(open, options, hooks);
  try {
    const { pair } = prepared;
    assertSame("data set", dataset.location.dataset, dataset.sha256, await pair.dataset.sha256());
    assertSame("network", network.location.weights, network.sha256, pair.network.sha256);
    await prepared.executor.warm();
    return prepared;
  } catch (error) {
    await prepared.executor.close();
    throw error;
  }
}

function mapped(location: string, maps: readonly PathMap[]): string {
  const map = maps.find(({ from }) => location === from || location.startsWith(`${from}/`));
  return map === undefined ? location : `${map.to}${location.slice(map.from.length)}`;
}

function assertSame(what: string, path: string, expected: string, found: string): void {
  if (found !== expected) throw new RunError("ERR_HOST_DATA", { what, path, expected, found });
}

/** As many of a range's latencies are told. */
const MOST_LATENCIES = 32;

export interface RangeOutcome {
  readonly answer: Omit<RangeAnswer, "host">;
  /** Each image's answers, where they are wanted. */
  readonly packed: Buffer | undefined;
}

/** @throws RunError where a batch failed after its retries, or the signal was aborted: a range counts whole or not at all. An image with a logit that is NaN is an answer. */
export async function runRange(
  { options, pair, executor }: Omit<Prepared, "loadMs">,
  range: ImageRange,
  isPacked: boolean,
  signal: AbortSignal,
  log: Log,
): Promise<RangeOutcome> {
  const { batchSize, engine, retries } = options;
  const { classes } = pair;
  const tally = createTally(classes);
  const images = isPacked ? answerRoom(range.limit, options.probabilities ? classes : 0) : undefined;
  let scores: ScoreSums | null = options.probabilities ? emptyScoreSums(classes) : null;
  const outcome = await runBatches({
    slabs: pair.slabs({ multiple: batchSize, lanes: executor.capacity }, range),
    executor,
    batchSize,
    totalBatches: Math.ceil(range.limit / batchSize),
    taskPlan: taskPlanFor(engine, executor),
    retries,
    signal,
    log,
    networkOf: () => pair.network.name,
    tallyOf: () => tally,
    onMerged({ slab, batch: { start, count }, answer }) {
      if (scores !== null && answer.scores !== null) scores = addScoreSums(scores, answer.scores);
      if (images === undefined) return;
      const first = slab.firstImage + start - range.offset;
      images.predictions.set(slab.predictions.subarray(start, start + count), first);
      const probabilities = slab.probabilities?.subarray(start * classes, (start + count) * classes);
      if (probabilities !== undefined) images.probabilities.set(probabilities, first * classes);
      const ranking = slab.ranking?.subarray(start * classes, (start + count) * classes);
      if (ranking !== undefined) images.ranking.set(ranking, first * classes);
    },
  });
  if (signal.aborted) {
    throw new RunError("ERR_INTERRUPTED", { doneImages: tally.total, totalImages: range.limit });
  }
  const { failure, batchesByThread, recomputed } = outcome;
  const nanImage = nanImageOf(failure);
  if (failure !== undefined && nanImage === undefined) throw failure;
  return {
    answer: {
      counts: partialOf(tally, range, { scores, recomputed }),
      elapsedMs: rounded(outcome.evaluateMs),
      batchesByThread,
      retries: outcome.retries,
      latenciesMs: sampled(outcome.latenciesMs).map(rounded),
      ...(executor.fallbacks?.[0] !== undefined && { fallback: executor.fallbacks[0] }),
      ...(nanImage !== undefined && { nanImage }),
    },
    packed: nanImage === undefined && images !== undefined ? pack(images) : undefined,
  };
}

/** The network is at fault, whichever host runs it: this is an answer, and the queue is not to try again. */
function nanImageOf(failure: unknown): number | undefined {
  if (!(failure instanceof BatchwiseError) || failure.code !== "ERR_LOGITS_NAN") return undefined;
  const { image } = (failure as NetworkError<"ERR_LOGITS_NAN">).facts;
  return typeof image === "number" ? image : undefined;
}

/** Evenly by rank. */
function sampled(values: Float64Array): number[] {
  const sorted = values.toSorted();
  const count = Math.min(MOST_LATENCIES, sorted.length);
  return Array.from(
    { length: count },
    (_, n) => sorted[Math.floor(((n + 0.5) * sorted.length) / count)] ?? 0,
  );
}
