/** What an evaluation makes ready once, for one run or many: data, network, workers. */
import type { Executor } from "#src/base/contracts/executor.js";
import type { DurableOutput } from "#src/base/contracts/journal.js";
import type { EngineSource } from "#src/base/contracts/network.js";
import { type Log, SILENT } from "#src/base/contracts/run.js";
import { withAnswerBuffers } from "#src/base/slab.js";
import { preloadEngine } from "#src/engines/registry.js";
import type { Resumption } from "#src/evaluate/journal/resume.js";
import type { DownloadNotice } from "#src/files/catalog.js";
import { engineSource } from "#src/networks/fold.js";
import { batchesIn } from "#src/pool/plan.js";
import type { Workload } from "#src/pool/registry.js";
import type { EvaluationPlan } from "./listeners.js";
import { type AnyPair, loadModelPair, loadPair } from "./open-inputs.js";
import type { EvaluateOptions } from "./options.js";

/** What a caller may hear of, and end, while data and network are made ready. */
export interface PrepareHooks {
  /** Aborting ends a download, which keeps what has come; what is read from disk is read to its end. */
  readonly signal?: AbortSignal;
  /** Called before a data set or network that was given by name is downloaded. */
  onDownload?(notice: DownloadNotice): void;
  /** Called once data and network are loaded, before the first batch. */
  onStart?(plan: EvaluationPlan): void;
  /** Default silent. */
  readonly log?: Log;
  /** Of a run with `resume`: what is written beside the journal. */
  readonly output?: DurableOutput | undefined;
}

export type OpenExecutor = (
  options: EvaluateOptions,
  source: EngineSource,
  work: Workload,
) => Promise<Executor>;

/** What a run needs; the executor is the holder's to close. */
export interface Prepared {
  readonly options: EvaluateOptions;
  readonly pair: AnyPair;
  readonly executor: Executor;
  readonly loadMs: number;
  readonly resumption?: Resumption | undefined;
  readonly plan: EvaluationPlan;
}

export async function prepare(
  open: OpenExecutor,
  options: EvaluateOptions,
  hooks: PrepareHooks,
): Promise<Prepared> {
  const { signal = new AbortController().signal, log = SILENT } = hooks;
  const beganAt = performance.now();
  preloadEngine(options.engine);
  const openResumption = async (path: string, resumed: AnyPair): Promise<Resumption> =>
    (await import("#src/evaluate/journal/resume.js")).resumeRun(path, resumed, options, hooks.output);
  const load = options.engine === "onnx" ? loadModelPair : loadPair;
  const pair = await load(options, {
    signal,
    log,
    onDownload: (notice) => hooks.onDownload?.(notice),
  });
  const { dataset, network } = pair;
  const resumption = options.resume === undefined ? undefined : await openResumption(options.resume, pair);
  const totalImages = pair.range.limit;
  const doneImages = resumption?.counted.total ?? 0;
  const batches = batchesIn(resumption?.gaps ?? [pair.range], options.batchSize);
  const work = { images: totalImages - doneImages, tasks: batches };
  const opened = batches === 0 ? idleExecutor() : open(options, engineSource(network), work);
  const executor = await opened.catch(async (error: unknown) => {
    await resumption?.close();
    throw error;
  });
  // Workers start while the files are hashed. A fault of theirs is thrown by the first task.
  executor.warm().catch(() => {});
  try {
    await dataset.sha256();
  } catch (error) {
    await resumption?.close();
    await executor.close();
    throw error;
  }
  const loadMs = performance.now() - beganAt;
  const { name } = dataset.facts;
  log.info({ dataset: name, network: network.name, totalImages, doneImages, batches, loadMs }, "loaded");
  const { assumptions } = pair;
  const plan = { dataset, network, assumptions, options, totalImages, doneImages, batches };
  return { options, pair: withProbabilities(pair, options), executor, loadMs, resumption, plan };
}

/** For a run of which nothing is left to do. */
async function idleExecutor(): Promise<Executor> {
  return (await import("#src/pool/inline.js")).createInlineExecutor(async () => [], []);
}

/** The slabs have buffers for probabilities where these are requested. */
function withProbabilities(pair: AnyPair, { probabilities }: EvaluateOptions): AnyPair {
  if (!probabilities) return pair;
  const answerers = [{ source: 0, classes: pair.classes }];
  return { ...pair, slabs: (plan, range) => withAnswerBuffers(pair.slabs(plan, range), answerers) };
}
