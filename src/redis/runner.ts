/** The runner over Redis: this process opens data and network and coordinates; hosts compute. */
import { interruption } from "#src/base/abort.js";
import type { PartialCounts } from "#src/base/contracts/journal.js";
import type { TimelineEntry } from "#src/base/contracts/run-facts.js";
import { type BatchwiseError, RunError, reasonOf, UsageError } from "#src/base/errors.js";
import { EXECUTOR_OPTIONS } from "#src/base/options/redis.js";
import { checkedValue } from "#src/base/options/values.js";
import { inTurn } from "#src/base/slab.js";
import { rounded } from "#src/base/text.js";
import { createTimeline } from "#src/evaluate/collect-scores.js";
import type { Listener } from "#src/evaluate/listeners.js";
import type { EvaluateInput, ExecutorInput } from "#src/evaluate/options.js";
import { firstDifference } from "#src/evaluate/run-identity.js";
import type { OpenedRunner, Outcome, Runner, RunnerHooks, Work } from "#src/evaluate/runner.js";
import { type Coordinated, Coordinator, MOST_AWAY_MS } from "./coordinator.js";
import { type Link, openLink, UNSIGNED } from "./link.js";
import { RUN_ID, type RunSpec } from "./messages.js";
import { whileAnswering } from "./pulse.js";
import { probeImagesFor } from "./range-queue.js";
import { KEEP_ENDED_SECONDS, Records, type RunRecord } from "./records.js";
import type { RunProgress } from "./run-progress.js";
import { type FetchedInput, fetchInput, newRunId, specOf } from "./spec.js";

export interface QueueOptions {
  /** Letters, digits, `-` and `_`. Default: a new one. */
  readonly runId?: string | undefined;
  /** Images per job. Default: by the time that the first job took. */
  readonly jobImages?: number | undefined;
  /** Time limit without any host at work. */
  readonly patienceMs: number;
}

/**
 * Files behind URLs are downloaded first, since this process opens them too. The runner closes the link.
 *
 * @throws TransferError; UsageError ERR_USAGE for a URL that hosts may not be told
 */
export async function openRedisRunner(
  link: Link,
  input: EvaluateInput,
  options: QueueOptions,
  signal: AbortSignal,
): Promise<OpenedRunner> {
  try {
    const fetched = await fetchInput(input, signal);
    return { runner: new RedisRunner(link, options, fetched), input: fetched.local };
  } catch (error) {
    link.close();
    throw error;
  }
}

/** Longest silence of Redis while the record of a run is closed, in ms. */
const CLOSE_MS = 3000;

/**
 * Opens the runner that the options ask for.
 *
 * @throws UsageError ERR_OPTION_VALUE; all that `openLink` and `openRedisRunner` throw
 */
export async function openHosts(
  input: EvaluateInput & ExecutorInput,
  { signal, log }: RunnerHooks,
): Promise<OpenedRunner> {
  const { runId, redis, jobImages } = input;
  if (runId !== undefined && !RUN_ID.test(runId)) {
    const expected = "up to 64 letters, digits, - and _";
    throw new UsageError("ERR_OPTION_VALUE", { option: "--run-id", expected, found: runId });
  }
  const { jobImages: images, patience } = EXECUTOR_OPTIONS;
  const options = {
    runId,
    jobImages: jobImages === undefined ? undefined : checkedValue(images, jobImages),
    patienceMs: 1000 * checkedValue(patience, input.patience ?? patience.default),
  };
  return openRedisRunner(await openLink(redis, log), input, options, signal);
}

class RedisRunner implements Runner {
  readonly queue: { readonly address: string; readonly runId: string };
  readonly #link: Link;
  readonly #options: QueueOptions;
  readonly #fetched: FetchedInput;

  constructor(link: Link, options: QueueOptions, fetched: FetchedInput) {
    this.#link = link;
    this.#options = options;
    this.#fetched = fetched;
    this.queue = { address: link.address, runId: options.runId ?? newRunId() };
  }

  /** Hosts open data and network themselves, once the run is written down. */
  async open(): Promise<void> {}

  /** Hosts start their workers before their first job. */
  async warm(): Promise<void> {}

  /**
   * @throws RunError ERR_RUN_MISMATCH where another run has the run ID; ERR_RUN_CANCELLED where the run was cancelled
   * @throws UsageError ERR_USAGE where hosts cannot open data or network
   */
  async run(work: Work, listeners: readonly Listener[]): Promise<Outcome> {
    const { options, pair, signal, log } = work;
    const slabListeners = listeners.filter(({ slab }) => slab !== undefined);
    const isPacked = options.probabilities || options.labels === false || slabListeners.length > 0;
    if (!this.#link.seals.areSigned) log.warn({ address: this.#link.address }, UNSIGNED);
    const records = new Records(this.#link);
    const spec = await specOf(pair, options, { runId: this.queue.runId, isPacked, ...this.#fetched });
    const { patienceMs } = this.#options;
    const run = await whileAnswering(this.#link, openRecord(records, spec, this.#options.jobImages), {
      awayMs: Math.min(MOST_AWAY_MS, patienceMs),
      signal,
      graceMs: 0,
    });
    if (run === undefined) throw interruption(signal, 0, pair.range.limit);
    const coordinator = new Coordinator({
      link: this.#link,
      records,
      run,
      networkName: pair.network.name,
      patienceMs,
      onProgress(progress) {
        for (const listener of listeners) listener.progress?.(progress);
      },
      signal,
      log,
    });
    const beganAtMs = performance.now();
    const coordinated = await coordinator.run();
    const { progress, failure } = coordinated;
    if (slabListeners.length > 0) await handOver(work, progress, slabListeners);
    if (this.#link.awayMs === 0) {
      const doneImages = progress.sum.total;
      const isWhole = doneImages === pair.range.limit;
      const closing = closeRecord(records, run, {
        doneImages,
        isWhole,
        isInterrupted: signal.aborted,
        failure,
      });
      // The answer stands, also where its record cannot be closed.
      const { signal: never } = new AbortController();
      await whileAnswering(this.#link, closing, { awayMs: CLOSE_MS, signal: never, graceMs: 0 }).catch(
        (error: unknown) => log.warn({ reason: reasonOf(error) }, "the run's record could not be closed"),
      );
    }
    return outcomeOf(work, coordinated, beganAtMs);
  }

  async close(): Promise<void> {
    this.#link.close();
  }
}

/** The images that were answered, with their answers, in order. */
async function handOver(
  { pair: { range: whole, classes, slabs }, options }: Work,
  { pieces, images }: RunProgress,
  listeners: readonly Listener[],
): Promise<void> {
  for (const { range } of pieces) {
    for await (const slab of inTurn(slabs({ multiple: options.batchSize, lanes: 1 }, range))) {
      const first = slab.firstImage - whole.offset;
      const end = first + slab.count;
      slab.predictions.set(images.predictions.subarray(first, end));
      slab.probabilities?.set(images.probabilities.subarray(first * classes, end * classes));
      slab.ranking?.set(images.ranking.subarray(first * classes, end * classes));
      for (const listener of listeners) await listener.slab?.(slab);
    }
  }
}

function outcomeOf({ options, pair, signal }: Work, coordinated: Coordinated, beganAtMs: number): Outcome {
  const { progress, evaluateMs, failure } = coordinated;
  const { sum, images, hosts, retries, fallback, latenciesMs } = progress;
  const { range } = pair;
  // The first of a host's threads is its main thread, which computes nothing.
  const threads = hosts.flatMap(({ batchesByThread }) => batchesByThread.slice(1));
  const isWhole = sum.total === range.limit;
  const missing = new RunError("ERR_INTERNAL", { problem: "ranges are missing" });
  const stopped = signal.aborted ? interruption(signal, sum.total, range.limit) : (failure ?? missing);
  const counts: PartialCounts = { ...sum, ...range };
  return {
    counts,
    predictions: images.predictions,
    probabilities: options.probabilities ? images.probabilities : null,
    timeline: options.probabilities ? timelineOf(progress, beganAtMs) : [],
    run: {
      executor: "bullmq",
      threads: threads.length,
      workersStarted: threads.length,
      batchesByThread: [0, ...threads],
      batches: threads.reduce((a, b) => a + b, 0),
      retries,
      ...(fallback !== undefined && { fallback }),
      hosts: hosts.map(({ host, images: answered, jobs, batchesByThread }) => ({
        host,
        images: answered,
        jobs,
        threads: batchesByThread.length - 1,
      })),
    },
    evaluatedImages: sum.total,
    evaluateMs,
    startPoolMs: 0,
    latenciesMs: Float64Array.from(latenciesMs),
    roundTripsMs: new Float64Array(0),
    failure: isWhole ? undefined : stopped,
  };
}

/** Each range is one entry, and each host one thread. */
function timelineOf({ hosts, pieces }: RunProgress, beganAtMs: number): readonly TimelineEntry[] {
  const names = hosts.map(({ host }) => host);
  const timeline = createTimeline();
  for (const [batch, { host, takenAtMs, elapsedMs }] of pieces.entries()) {
    const startMs = rounded(Math.max(0, takenAtMs - elapsedMs - beganAtMs));
    timeline.add({ batch, thread: names.indexOf(host) + 1, startMs, elapsedMs });
  }
  return timeline.entries;
}

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
  await records.attend(spec, doneImages, []);
  await records.leave(runId);
  if (isWhole) {
    await records.setState(spec, "done");
    await records.expireRun(runId, KEEP_ENDED_SECONDS);
  } else if (failure?.code !== "ERR_RUN_CANCELLED") {
    await records.setState(spec, isInterrupted ? "stopped" : "failed");
  }
}
