/** Work of a host in a run: opens data and network where the host finds them, checks them, and evaluates ranges. */
import { availableParallelism } from "node:os";
import type { ImageRange } from "#src/base/contracts/dataset.js";
import type { Log } from "#src/base/contracts/run.js";
import { BatchwiseError, type NetworkError, RunError } from "#src/base/errors.js";
import { packageVersion } from "#src/base/package.js";
import { rounded } from "#src/base/text.js";
import type { Listener } from "#src/evaluate/listeners.js";
import { LocalRunner, type OpenExecutor } from "#src/evaluate/local-runner.js";
import { resolveOptions } from "#src/evaluate/options.js";
import { prepare } from "#src/evaluate/prepare.js";
import type { Work } from "#src/evaluate/runner.js";
import type { DownloadNotice } from "#src/files/catalog.js";
import { Allowed, materialise } from "./materialise.js";
import { MOST_LATENCIES, type RangeAnswer, type RunSpec } from "./messages.js";
import { allocateImages, type PackedAnswers, pack, sha256Of } from "./spec.js";

/** A path below `from` is below `to` on this host. */
export interface PathMap {
  readonly from: string;
  readonly to: string;
}

export interface HostOptions {
  readonly threads: number | undefined;
  readonly maps: readonly PathMap[];
  /** Folders and URLs that the host may read, beside its cache and the `to` of each map. */
  readonly allow: readonly string[];
}

export interface HostHooks {
  readonly signal: AbortSignal;
  readonly log: Log;
  onDownload(notice: DownloadNotice): void;
}

/** Data and network of a run, and a pool that is open for them. */
export interface HostRun {
  readonly work: Work;
  readonly runner: LocalRunner;
}

/**
 * Opens data and network, compares their hashes with the run's, and waits for all workers. The runner is the caller's to
 * close.
 *
 * @throws RunError ERR_HOST_VERSION, ERR_HOST_LOCATION, ERR_HOST_DATA, ERR_WORKER_LOAD, ERR_ENGINE_PEER; all that loading throws
 */
export async function openRun(
  open: OpenExecutor,
  { identity, dataset, network, range, files, ...spec }: RunSpec,
  { threads, maps, allow }: HostOptions,
  hooks: HostHooks,
): Promise<HostRun> {
  if (identity.batchwise !== packageVersion()) {
    throw new RunError("ERR_HOST_VERSION", { expected: identity.batchwise, found: packageVersion() });
  }
  const allowed = new Allowed(
    allow,
    maps.map(({ to }) => to),
  );
  const seen = async (location: string) => {
    const here = mapped(location, maps);
    return materialise(here, files, allowed, hooks.signal);
  };
  const { labels } = dataset.location;
  const { architecture } = network.location;
  const options = resolveOptions(
    {
      dataset: await allowed.dataset(await seen(dataset.location.dataset), identity.labelled),
      labels: identity.labelled
        ? labels === null
          ? undefined
          : await allowed.path(await seen(labels))
        : false,
      split: dataset.split,
      weights: await allowed.network(await seen(network.location.weights)),
      activation: network.location.activation ?? undefined,
      architecture:
        architecture === null || architecture === undefined
          ? undefined
          : await allowed.path(await seen(architecture)),
      normalize: network.location.normalize ?? undefined,
      mean: network.location.mean ?? undefined,
      std: network.location.std ?? undefined,
      ...identity.view,
      ...identity.reading,
      engine: spec.engine,
      probabilities: identity.probabilities,
      threads,
      batchSize: spec.batchSize,
      offset: range.offset,
      limit: range.limit,
      timeoutSeconds: spec.timeoutSeconds,
      retries: spec.retries,
      verify: spec.verify,
      warm: true,
    },
    availableParallelism(),
  );
  const runner = new LocalRunner(open);
  try {
    const { work } = await prepare(runner, options, hooks);
    const { pair } = work;
    assertSame("data set", dataset.location.dataset, dataset.sha256, await pair.dataset.sha256());
    assertSame("network", network.location.weights, network.sha256, pair.network.sha256);
    await runner.warm();
    return { work, runner };
  } catch (error) {
    await runner.close();
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

export interface RangeOutcome {
  readonly answer: Omit<RangeAnswer, "host">;
  /** Answers of each image; undefined where only counts are wanted. */
  readonly packed: Buffer | undefined;
}

/**
 * Evaluates a range whole or not at all. An image with a logit that is NaN is an answer.
 *
 * @throws RunError where a batch failed after its retries, or the signal was aborted
 */
export async function runRange(
  { runner, work }: HostRun,
  range: ImageRange,
  isPacked: boolean,
  signal: AbortSignal,
  log: Log,
): Promise<RangeOutcome> {
  const { options, pair } = work;
  const images = allocateImages(isPacked ? range.limit : 0, options.probabilities ? pair.classes : 0);
  const ofRange: Work["pair"] = { ...pair, range, slabs: (plan, part = range) => pair.slabs(plan, part) };
  const listeners = isPacked ? [copyInto(images, range, pair.classes)] : [];
  const { failure, counts, run, evaluateMs, latenciesMs } = await runner.run(
    { ...work, pair: ofRange, signal, log },
    listeners,
  );
  const nanImage = nanImageOf(failure);
  if (failure !== undefined && nanImage === undefined) throw failure;
  const packed = nanImage === undefined && isPacked ? pack(images) : undefined;
  return {
    answer: {
      counts,
      elapsedMs: rounded(evaluateMs),
      batchesByThread: run.batchesByThread,
      retries: run.retries,
      latenciesMs: sampled(latenciesMs).map(rounded),
      ...(run.fallback !== undefined && { fallback: run.fallback }),
      ...(nanImage !== undefined && { nanImage }),
      ...(packed !== undefined && { packed: sha256Of(packed) }),
    },
    packed,
  };
}

/** Copies each image's answers when its batch is merged. */
function copyInto(
  { predictions, probabilities, ranking }: PackedAnswers,
  range: ImageRange,
  classes: number,
): Listener {
  return {
    merged({ slab, batch: { start, count } }) {
      const first = slab.firstImage + start - range.offset;
      const [from, to] = [start * classes, (start + count) * classes];
      predictions.set(slab.predictions.subarray(start, start + count), first);
      if (slab.probabilities) probabilities.set(slab.probabilities.subarray(from, to), first * classes);
      if (slab.ranking) ranking.set(slab.ranking.subarray(from, to), first * classes);
    },
  };
}

/** Image of an ERR_LOGITS_NAN. Every host would find the same, so that the queue must not try again. */
function nanImageOf(failure: unknown): number | undefined {
  if (!(failure instanceof BatchwiseError) || failure.code !== "ERR_LOGITS_NAN") return undefined;
  const { image } = (failure as NetworkError<"ERR_LOGITS_NAN">).facts;
  return typeof image === "number" ? image : undefined;
}

/** An even sample by rank. */
function sampled(values: Float64Array): number[] {
  const sorted = values.toSorted();
  const count = Math.min(MOST_LATENCIES, sorted.length);
  return Array.from(
    { length: count },
    (_, n) => sorted[Math.floor(((n + 0.5) * sorted.length) / count)] ?? 0,
  );
}
