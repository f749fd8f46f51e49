/** What coordinator and hosts tell each other: references to data and network, ranges of images, integers. */

import { randomBytes } from "node:crypto";
import { allocateEntries } from "#src/base/allocate.js";
import type { ImageRange, Split } from "#src/base/contracts/dataset.js";
import type { PartialCounts, RunIdentity } from "#src/base/contracts/journal.js";
import type { EngineName } from "#src/base/contracts/network.js";
import type { DatasetLocation, NetworkLocation } from "#src/base/contracts/result.js";
import { UsageError } from "#src/base/errors.js";
import { datasetLocation, networkLocation } from "#src/evaluate/facts.js";
import type { AnyPair } from "#src/evaluate/open-inputs.js";
import type { EvaluateInput, EvaluateOptions } from "#src/evaluate/options.js";
import { identityKey, identityOf } from "#src/evaluate/run-identity.js";
import type { RemoteFile } from "#src/files/catalog.js";
import { isUrl, learn, type RemoteFiles } from "./materialise.js";

/** First part of BullMQ's keys; the name of a run follows it. */
export const QUEUE_PREFIX = "batchwise:queue";

/** How often a range may fail for what it does itself. */
export const ATTEMPTS = 3;

/** All that a host needs to take part in a run. It goes through JSON as it is. */
export interface RunSpec {
  readonly runId: string;
  /** SHA-256 of the identity. */
  readonly key: string;
  readonly identity: RunIdentity;
  readonly dataset: {
    readonly location: DatasetLocation;
    readonly split: Split;
    readonly sha256: string;
  };
  readonly network: { readonly location: NetworkLocation; readonly sha256: string };
  /** By their URLs: what comes over http, and its hash. */
  readonly files: RemoteFiles;
  readonly range: ImageRange;
  readonly classes: number;
  readonly engine: EngineName;
  readonly batchSize: number;
  readonly timeoutSeconds: number;
  readonly retries: number;
  /** Each image's class and probabilities are wanted, not only their counts. */
  readonly packed: boolean;
}

/** One job: the images of a run's data, by the references that the run's record has. */
export interface RangeJob extends ImageRange {
  readonly dataset: string;
  readonly network: string;
}

export interface RangeAnswer {
  readonly counts: PartialCounts;
  readonly host: string;
  readonly elapsedMs: number;
  /** Index 0 is the host's own thread, which computes nothing. */
  readonly batchesByThread: readonly number[];
  readonly retries: number;
  /** Why `simd` computed all of it by the reference, where it did. */
  readonly fallback?: string | undefined;
  /** Index of the first image found that has a logit which is NaN: the run has no answer, and the counts are empty. */
  readonly nanImage?: number | undefined;
  /** A sample of the forward passes' times. */
  readonly latenciesMs: readonly number[];
}

/** The same for who asks twice: a range that is added again is the same job. BullMQ allows neither colons nor bare digits. */
export function jobIdOf({ offset, limit }: ImageRange): string {
  return `images-${offset}-${limit}`;
}

export function rangeOfJob(jobId: string): ImageRange | undefined {
  const found = /^images-(\d+)-(\d+)$/.exec(jobId);
  return found === null ? undefined : { offset: Number(found[1]), limit: Number(found[2]) };
}

/** Each image's answers: predictions (count) u16, probabilities (count × classes) f64 and ranking u16, row-major. */
export interface PackedAnswers {
  readonly predictions: Uint16Array;
  readonly ranking: Uint16Array;
  readonly probabilities: Float64Array;
}

/** Zeroed. `classes` 0 where there are no probabilities. @throws UsageError ERR_MEMORY */
export function answerRoom(images: number, classes: number): PackedAnswers {
  return {
    predictions: allocateEntries(Uint16Array, images),
    probabilities: allocateEntries(Float64Array, images, classes),
    ranking: allocateEntries(Uint16Array, images, classes),
  };
}

/** In one piece of bytes, as this machine has them: probabilities, which want to lie aligned, then predictions and ranking. */
export function pack({ predictions, probabilities, ranking }: PackedAnswers): Buffer {
  return Buffer.concat([bytesOf(probabilities), bytesOf(predictions), bytesOf(ranking)]);
}

/** Undefined where the bytes are not those of so many images. `classes` 0 where there are no probabilities. */
export function unpack(bytes: Uint8Array, count: number, classes: number): PackedAnswers | undefined {
  const probabilityBytes = count * classes * Float64Array.BYTES_PER_ELEMENT;
  const rankingStart = probabilityBytes + count * Uint16Array.BYTES_PER_ELEMENT;
  if (bytes.length !== rankingStart + count * classes * Uint16Array.BYTES_PER_ELEMENT) return undefined;
  // A copy lies aligned.
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
  readonly runId: string;
  readonly isPacked: boolean;
}

/** @throws UsageError ERR_USAGE where data or network were handed in open */
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
  const networkSeen = { ...locations.network, ...(urls.weights !== undefined && { weights: urls.weights }) };
  const identity = await identityOf(pair, range, options);
  return {
    runId,
    key: identityKey(identity),
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
    packed: isPacked,
  };
}

/** `20260131-0905-1f2e3d4c`, by UTC. */
export function newRunId(): string {
  const [day, time] = new Date().toISOString().replace(/[-:]/g, "").split("T");
  return `${day}-${time?.slice(0, 4)}-${randomBytes(4).toString("hex")}`;
}
