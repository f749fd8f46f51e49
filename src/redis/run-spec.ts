/** From a coordinator's own input to what every host is told of a run. */
import { randomBytes } from "node:crypto";
import { UsageError } from "#src/base/errors.js";
import type { AnyPair } from "#src/evaluate/load-pair.js";
import { datasetLocation, networkLocation } from "#src/evaluate/locations.js";
import type { EvaluateInput, EvaluateOptions } from "#src/evaluate/options.js";
import { identityKey, identityOf } from "#src/evaluate/run-identity.js";
import type { RemoteFile } from "#src/files/download/catalog-entry.js";
import { isUrl, learn, type RemoteFiles } from "./materialise.js";
import type { RunSpec } from "./spec.js";

/** What hosts are told where they cannot be told a path. */
interface Urls {
  readonly dataset?: string;
  readonly labels?: string;
  readonly weights?: string;
}

export interface LearntInput {
  /** With a path where there was a URL. */
  readonly local: EvaluateInput;
  readonly urls: Urls;
  readonly files: RemoteFiles;
}

/** Files behind URLs come to this machine first, which has to know them. */
export async function learnInput(input: EvaluateInput, signal: AbortSignal): Promise<LearntInput> {
  const local: Record<string, string> = {};
  const urls: Record<string, string> = {};
  const files: Record<string, RemoteFile> = {};
  for (const name of ["dataset", "labels", "weights"] as const) {
    const location = input[name];
    if (typeof location !== "string" || !isUrl(location)) continue;
    const { path, file } = await learn(location, signal);
    local[name] = path;
    urls[name] = location;
    if (file !== undefined) files[location] = file;
  }
  return { local: { ...input, ...local }, urls, files };
}

export interface SpecOptions extends Pick<LearntInput, "urls" | "files"> {
  /** A new one where none is given. */
  readonly runId?: string | undefined;
  readonly isPacked: boolean;
}

/** @throws UsageError ERR_USAGE where data or network were handed in open */
export function specOf(
  pair: AnyPair,
  options: EvaluateOptions,
  { runId, isPacked, urls, files }: SpecOptions,
): RunSpec {
  const { dataset, network, range, classes } = pair;
  const locations = { dataset: datasetLocation(options), network: networkLocation(options) };
  if (locations.dataset === null || locations.network === null) {
    throw new UsageError("ERR_USAGE", {
      problem: "a run over Redis needs data and network that hosts can open",
    });
  }
  const datasetSeen = {
    ...locations.dataset,
    ...(urls.dataset !== undefined && { dataset: urls.dataset }),
    ...(urls.labels !== undefined && { labels: urls.labels }),
  };
  const networkSeen = { ...locations.network, ...(urls.weights !== undefined && { weights: urls.weights }) };
  const identity = identityOf(pair, range, options);
  return {
    runId: runId ?? newRunId(),
    key: identityKey(identity),
    identity,
    dataset: { location: datasetSeen, split: options.split, sha256: dataset.sha256 },
    network: { location: networkSeen, sha256: network.sha256 },
    files,
    range,
    classes,
    engine: options.engine,
    batchSize: options.batchSize,
    timeoutSeconds: options.timeoutMs / 1000,
    retries: options.retries,
    packed: isPacked,
  };
}

/** `20260131-0905-1f2e3d4c`, by UTC. */
function newRunId(): string {
  const [day, time] = new Date().toISOString().replace(/[-:]/g, "").split("T");
  return `${day}-${time?.slice(0, 4)}-${randomBytes(4).toString("hex")}`;
}
