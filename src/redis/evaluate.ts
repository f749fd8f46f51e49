/** `evaluate` over Redis: this process loads and coordinates, hosts compute. */
import { availableParallelism } from "node:os";
import { IncompleteError, interruption } from "#src/base/abort.js";
import type { AnyEvaluation } from "#src/base/contracts/result.js";
import { type Log, SILENT } from "#src/base/contracts/run.js";
import { asError, NetworkError, RunError, reasonOf } from "#src/base/errors.js";
import { inTurn, withAnswerBuffers } from "#src/base/slab.js";
import type { Evaluated } from "#src/evaluate/evaluate.js";
import { closeListeners, type Listener } from "#src/evaluate/listeners.js";
import { type AnyPair, loadModelPair, loadPair } from "#src/evaluate/open-inputs.js";
import { type EvaluateInput, type EvaluateOptions, resolveOptions } from "#src/evaluate/options.js";
import type { PrepareHooks } from "#src/evaluate/prepare.js";
import { Coordinator } from "./coordinator.js";
import { evaluationOf } from "./evaluation.js";
import type { Link } from "./link.js";
import { closeRecord, openRecord, Records } from "./records.js";
import type { RunProgress } from "./run-progress.js";
import { learnInput, type PackedAnswers, specOf } from "./spec.js";

export interface QueueOptions {
  /** Of letters, digits, `-` and `_`; a new one where none is given. */
  readonly runId?: string | undefined;
  /** Images a job; by time where nothing is given. */
  readonly jobImages?: number | undefined;
  /** How long no host may be at work. */
  readonly patienceMs: number;
}

/** What the caller of a run over Redis may end, and observe while data are loaded. */
export type QueueHooks = Pick<PrepareHooks, "signal" | "log" | "onDownload">;

/**
 * @throws as `evaluate`; the failure of a partial evaluation can also be ERR_RANGE_FAILED, ERR_RUN_CANCELLED,
 *   ERR_REDIS_LOST, ERR_REDIS_REFUSED, ERR_HOSTS_ABSENT and ERR_HOSTS_REFUSED
 * @throws RunError ERR_RUN_MISMATCH where the run id is another run's; ERR_RUN_CANCELLED where it was cancelled
 */
export async function evaluateOverRedis(
  link: Link,
  input: EvaluateInput,
  queueOptions: QueueOptions,
  listeners: readonly Listener[],
  hooks: QueueHooks,
): Promise<Evaluated> {
  let result: Parameters<typeof closeListeners>[1];
  try {
    result = { evaluation: await runOverRedis(link, input, queueOptions, listeners, hooks) };
  } catch (error) {
    result = { failure: asError(error) };
  }
  const { evaluation, failure, ...closed } = await closeListeners(listeners, result);
  if (evaluation !== undefined && (failure === undefined || failure instanceof IncompleteError)) {
    return { ...closed, evaluation, failure };
  }
  throw failure;
}

async function runOverRedis(
  link: Link,
  input: EvaluateInput,
  queueOptions: QueueOptions,
  listeners: readonly Listener[],
  hooks: QueueHooks,
): Promise<AnyEvaluation> {
  const beganAt = performance.now();
  const { signal = new AbortController().signal, log = SILENT } = hooks;
  const { local, urls, files } = await learnInput(input, signal);
  const options = resolveOptions(local, availableParallelism());
  const pair = await load(options, hooks, signal, log);
  const loadMs = performance.now() - beganAt;
  const slabListeners = listeners.filter(({ slab }) => slab !== undefined);
  const isPacked = options.probabilities || options.labels === false || slabListeners.length > 0;
  const records = new Records(link.redis);
  const spec = await specOf(pair, options, { runId: queueOptions.runId, isPacked, urls, files });
  const { range } = pair;
  const plan = {
    dataset: pair.dataset,
    network: pair.network,
    assumptions: pair.assumptions,
    options,
    totalImages: range.limit,
    doneImages: 0,
    batches: Math.ceil(range.limit / options.batchSize),
    queue: { address: link.address, runId: spec.runId },
  };
  for (const listener of listeners) await listener.begin?.(plan);
  const run = await openRecord(records, spec, queueOptions.jobImages);
  const coordinator = new Coordinator({
    link,
    records,
    run,
    networkName: pair.network.name,
    patienceMs: queueOptions.patienceMs,
    onProgress(progress) {
      for (const listener of listeners) listener.progress?.(progress);
    },
    signal,
    log,
  });
  const { progress: books, evaluateMs, failure } = await coordinator.run();
  const { images } = books;
  const doneImages = books.sum.total;
  const isWhole = doneImages === range.limit;
  if (slabListeners.length > 0) await handOver(pair, options, books, images, slabListeners);
  if (link.awaySinceMs === undefined) {
    const end = { doneImages, isWhole, isInterrupted: signal.aborted, failure };
    // The answer is there, whatever becomes of its record.
    await closeRecord(records, run.spec.runId, end).catch((error: unknown) => {
      log.warn({ reason: reasonOf(error) }, "the run's record could not be closed");
    });
  }
  const evaluation = await evaluationOf({ options, pair, books, images, evaluateMs, loadMs, beganAt });
  if (isWhole) return evaluation;
  const stopped = signal.aborted ? interruption(signal, doneImages, range.limit) : failure;
  // Without an image done there is no partial result of a network that gives NaN.
  if (stopped instanceof NetworkError && doneImages === 0) throw stopped;
  throw new IncompleteError(
    stopped ?? new RunError("ERR_INTERNAL", { problem: "ranges are missing" }),
    evaluation,
  );
}

function load(options: EvaluateOptions, hooks: QueueHooks, signal: AbortSignal, log: Log): Promise<AnyPair> {
  const loadAny = options.engine === "onnx" ? loadModelPair : loadPair;
  return loadAny(options, { signal, log, onDownload: (notice) => hooks.onDownload?.(notice) });
}

/** The images of what was answered, with their answers, in their order. */
async function handOver(
  { range: whole, classes, ...pair }: AnyPair,
  { batchSize, probabilities }: EvaluateOptions,
  { pieces }: RunProgress,
  images: PackedAnswers,
  listeners: readonly Listener[],
): Promise<void> {
  for (const { range } of pieces) {
    const slabs = withAnswerBuffers(pair.slabs({ multiple: batchSize, lanes: 1 }, range), [
      { source: 0, classes: probabilities ? classes : 0 },
    ]);
    for await (const slab of inTurn(slabs)) {
      const first = slab.firstImage - whole.offset;
      const end = first + slab.count;
      slab.predictions.set(images.predictions.subarray(first, end));
      slab.probabilities?.set(images.probabilities.subarray(first * classes, end * classes));
      slab.ranking?.set(images.ranking.subarray(first * classes, end * classes));
      for (const listener of listeners) await listener.slab?.(slab);
    }
  }
}
