/** Messages between coordinator and hosts: references to data and network, ranges of images, integers. */
import { createHash, randomBytes } from "node:crypto";
import type { ImageRange } from "#src/base/contracts/dataset.js";
import { UsageError } from "#src/base/errors.js";
import { allocateEntries } from "#src/base/slab.js";
import type { AnyPair } from "#src/evaluate/open-inputs.js";
import type { EvaluateInput, EvaluateOptions } from "#src/evaluate/options.js";
import { identityKey, identityOf } from "#src/evaluate/run-identity.js";
import { datasetLocation, networkLocation } from "#src/evaluate/summarize.js";
import type { RemoteFile } from "#src/files/catalog.js";
import { fetchFile, isUrl, type RemoteFiles } from "./materialise.js";
import type { RunSpec } from "./messages.js";
import type { About } from "./seal.js";

/** First part of BullMQ's keys. The run ID follows. */
export const QUEUE_PREFIX = "batchwise:queue";

export const RUNS = "batchwise:runs";
export const HOSTS = "batchwise:hosts";

/** Keys of a queue that are no job's, with their types. They exist while jobs are in them. */
export const QUEUE_PARTS: ReadonlyMap<string, string> = new Map([
  ["meta", "hash"],
  ["id", "string"],
  ["events", "stream"],
  ["wait", "list"],
  ["paused", "list"],
  ["active", "list"],
  ["prioritized", "zset"],
  ["delayed", "zset"],
  ["completed", "zset"],
  ["failed", "zset"],
  ["stalled", "set"],
  ["marker", "zset"],
]);

export function runKey(runId: string): string {
  return `batchwise:run:${runId}`;
}

export function attendedKey(runId: string): string {
  return `batchwise:attended:${runId}`;
}

export function hostKey(host: string): string {
  return `batchwise:host:${host}`;
}

export function packedKey(runId: string, offset: number | "*"): string {
  return `batchwise:packed:${runId}:${offset}`;
}

/** Attempts per range. A loss of the host does not count. */
export const ATTEMPTS = 3;

/** ID of the job of a range. Equal ranges are one job. BullMQ allows neither colons nor bare digits. */
export function jobIdOf({ offset, limit }: ImageRange): string {
  return `images-${offset}-${limit}`;
}

export function rangeOfJob(jobId: string): ImageRange | undefined {
  const found = /^images-(\d+)-(\d+)$/.exec(jobId);
  return found === null ? undefined : { offset: Number(found[1]), limit: Number(found[2]) };
}

/** What the signature of a job and of its answer covers beside their text. */
export function aboutJob({ runId, key, nonce }: RunIds, range: ImageRange): About {
  return [runId, jobIdOf(range), range.offset, range.limit, key, nonce];
}

/** Name, identity hash and nonce of a run. */
export type RunIds = Pick<RunSpec, "runId" | "key" | "nonce">;

/** Each image's answers: predictions (count) u16, probabilities (count × classes) f64 and ranking u16, row-major. */
export interface PackedAnswers {
  readonly predictions: Uint16Array;
  readonly ranking: Uint16Array;
  readonly probabilities: Float64Array;
}

/** Memory for the answers of images, zeroed. `classes` is 0 where there are no probabilities. @throws UsageError ERR_MEMORY */
export function allocateImages(images: number, classes: number): PackedAnswers {
  return {
    predictions: allocateEntries(Uint16Array, images),
    probabilities: allocateEntries(Float64Array, images, classes),
    ranking: allocateEntries(Uint16Array, images, classes),
  };
}

/** Answers as bytes, in the byte order of this machine: probabilities first, which need alignment, then predictions and ranking. */
export function pack({ predictions, probabilities, ranking }: PackedAnswers): Buffer {
  return Buffer.concat([bytesOf(probabilities), bytesOf(predictions), bytesOf(ranking)]);
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Bytes that `pack` writes. `classes` is 0 where there are no probabilities. */
export function packedBytes(count: number, classes: number): number {
  return (
    count *
    (Uint16Array.BYTES_PER_ELEMENT +
      classes * (Float64Array.BYTES_PER_ELEMENT + Uint16Array.BYTES_PER_ELEMENT))
  );
}

/** Reads what `pack` wrote; undefined where the length does not fit. `classes` is 0 where there are no probabilities. */
export function unpack(bytes: Uint8Array, count: number, classes: number): PackedAnswers | undefined {
  const probabilityBytes = count * classes * Float64Array.BYTES_PER_ELEMENT;
  const rankingStart = probabilityBytes + count * Uint16Array.BYTES_PER_ELEMENT;
  if (bytes.length !== rankingStart + count * classes * Uint16Array.BYTES_PER_ELEMENT) return undefined;
  // A copy is aligned.
  const { buffer } = Uint8Array.from(bytes);
  return {
    probabilities: new Float64Array(buffer, 0, count * classes),
    predictions: new Uint16Array(buffer, probabilityBytes, count),
    ranking: new Uint16Array(buffer, rankingStart, count * classes),
  };
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint16Array | Float64Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** URLs that hosts get instead of paths. */
interface Urls {
  readonly dataset?: string;
  readonly labels?: string;
  readonly weights?: string;
  readonly architecture?: string;
}

export interface FetchedInput {
  /** The input with a path in place of each URL. */
  readonly local: EvaluateInput;
  readonly urls: Urls;
  readonly files: RemoteFiles;
}

/** Downloads the files behind URLs: the coordinator opens them too. */
export async function fetchInput(input: EvaluateInput, signal: AbortSignal): Promise<FetchedInput> {
  const local: Record<string, string> = {};
  const urls: Record<string, string> = {};
  const files: Record<string, RemoteFile> = {};
  for (const name of ["dataset", "labels", "weights", "architecture"] as const) {
    const location = input[name];
    if (typeof location !== "string" || !isUrl(location)) continue;
    const { path, file } = await fetchFile(location, signal);
    local[name] = path;
    urls[name] = location;
    if (file !== undefined) files[location] = file;
  }
  return { local: { ...input, ...local }, urls, files };
}

export interface SpecOptions extends Pick<FetchedInput, "urls" | "files"> {
  readonly runId: string;
  readonly isPacked: boolean;
}

/** The spec of a run. @throws UsageError ERR_USAGE where data or network were passed as open objects */
export async function specOf(
  pair: AnyPair,
  options: EvaluateOptions,
  { runId, isPacked, urls, files }: SpecOptions,
): Promise<RunSpec> {
  const { network, range, classes } = pair;
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
  const networkSeen = {
    ...locations.network,
    ...(urls.weights !== undefined && { weights: urls.weights }),
    ...(urls.architecture !== undefined && { architecture: urls.architecture }),
  };
  const identity = await identityOf(pair, range, options);
  return {
    runId,
    key: identityKey(identity),
    nonce: randomBytes(16).toString("hex"),
    identity,
    dataset: { location: datasetSeen, split: options.split, sha256: identity.dataset },
    network: { location: networkSeen, sha256: network.sha256 },
    files,
    range,
    classes,
    engine: options.engine,
    batchSize: options.batchSize,
    timeoutSeconds: options.timeoutMs / 1000,
    retries: options.retries,
    verify: options.verify,
    packed: isPacked,
  };
}

/** A new run ID such as `20260131-0905-1f2e3d4c`, in UTC. */
export function newRunId(): string {
  const [day, time] = new Date().toISOString().replace(/[-:]/g, "").split("T");
  return `${day}-${time?.slice(0, 4)}-${randomBytes(4).toString("hex")}`;
}
