/** Opens what an evaluation needs, once for all of its runs: data, network, journal, runner. */
import type { DurableOutput } from "#src/base/contracts/journal.js";
import { type Log, SILENT } from "#src/base/contracts/run.js";
import { NetworkError } from "#src/base/errors.js";
import { withAnswerBuffers } from "#src/base/slab.js";
import { preloadEngine } from "#src/engines/registry.js";
import type { Resumption } from "#src/evaluate/journal/resume.js";
import type { DownloadNotice } from "#src/files/catalog.js";
import { batchesIn } from "#src/pool/plan.js";
import type { EvaluationPlan } from "./listeners.js";
import { type AnyPair, loadModelPair, loadPair } from "./open-inputs.js";
import type { EvaluateOptions } from "./options.js";
import type { Runner, Work } from "./runner.js";

/** What a caller can end and watch while data and network are opened. */
export interface PrepareHooks {
  /** Aborting ends a download; the bytes so far are kept. A file on disk is read to its end. */
  readonly signal?: AbortSignal;
  /** Called before a data set or network that was given by name is downloaded. */
  onDownload?(notice: DownloadNotice): void;
  /** Called once data and network are loaded, before the first batch. */
  onStart?(plan: EvaluationPlan): void;
  /** Default silent. */
  readonly log?: Log;
  /** File written beside the journal of a run with `resume`. */
  readonly output?: DurableOutput | undefined;
}

/** Data and network, open, and a runner that is open for them. */
export interface Prepared {
  readonly work: Work;
  readonly loadMs: number;
  readonly plan: EvaluationPlan;
}

/** Opens data, network and the journal, and the runner for them. The caller closes the runner. */
export async function prepare(
  runner: Pick<Runner, "open" | "queue" | "readsAhead">,
  options: EvaluateOptions,
  hooks: PrepareHooks,
): Promise<Prepared> {
  const { signal = new AbortController().signal, log = SILENT } = hooks;
  const beganAt = performance.now();
  preloadEngine(options.engine);
  const load = options.engine === "onnx" ? loadModelPair : loadPair;
  const { batchSize: multiple, threads, resume } = options;
  const readsAhead = runner.readsAhead === true && resume === undefined;
  const pair = await load(options, {
    signal,
    log,
    onDownload: (notice) => hooks.onDownload?.(notice),
    readAhead: readsAhead ? { multiple, lanes: Math.max(1, threads) } : undefined,
  });
  const { dataset, network, assumptions } = pair;
  if (options.probabilities && "layers" in network && network.layers.at(-1)?.ends === "scores") {
    await pair.end();
    throw new NetworkError("ERR_NETWORK_SCORES", { path: network.name, use: "probabilities" });
  }
  const resumption =
    options.resume === undefined
      ? undefined
      : await openResumption(options.resume, pair, options, hooks.output);
  const work = { options, pair: withProbabilities(pair, options), resumption, signal, log };
  try {
    await runner.open(work);
    // The files are hashed while images are evaluated. Whoever awaits the hash is told of a fault.
    dataset.sha256().catch(() => {});
  } catch (error) {
    await resumption?.close();
    await pair.end();
    throw error;
  }
  const totalImages = pair.range.limit;
  const doneImages = resumption?.counted.total ?? 0;
  const batches = batchesIn(resumption?.gaps ?? [pair.range], options.batchSize);
  const loadMs = performance.now() - beganAt;
  const { name } = dataset.facts;
  log.info({ dataset: name, network: network.name, totalImages, doneImages, batches, loadMs }, "loaded");
  const { queue } = runner;
  const plan = { dataset, network, assumptions, options, totalImages, doneImages, batches, queue };
  return { work, loadMs, plan };
}

async function openResumption(
  path: string,
  pair: AnyPair,
  options: EvaluateOptions,
  output: DurableOutput | undefined,
): Promise<Resumption> {
  return (await import("#src/evaluate/journal/resume.js")).resumeRun(path, pair, options, output);
}

/** The slabs have buffers for probabilities where these are requested. */
function withProbabilities(pair: AnyPair, { probabilities }: EvaluateOptions): AnyPair {
  if (!probabilities) return pair;
  const answerers = [{ source: 0, classes: pair.classes }];
  return { ...pair, slabs: (plan, range) => withAnswerBuffers(pair.slabs(plan, range), answerers) };
}
