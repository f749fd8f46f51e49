/** Makes a host ready for a run: loads its data and network from where the host sees them, and refuses what is not the run's. */
import { availableParallelism } from "node:os";
import type { Log } from "#src/base/contracts/log.js";
import { RunError } from "#src/base/errors.js";
import { packageVersion } from "#src/base/version.js";
import type { OpenExecutor } from "#src/evaluate/evaluate.js";
import { resolveOptions } from "#src/evaluate/options.js";
import { type Prepared, prepare } from "#src/evaluate/prepare.js";
import type { DownloadNotice } from "#src/files/download/catalog-entry.js";
import { materialise } from "./materialise.js";
import type { RunSpec } from "./spec.js";

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
    assertSame("data set", dataset.location.dataset, dataset.sha256, pair.dataset.sha256);
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
