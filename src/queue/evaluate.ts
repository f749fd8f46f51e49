/** `evaluate` over Redis: this process loads and coordinates, hosts compute. */
import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import type { ImageRange } from "../contracts/dataset.js";
import { type Log, SILENT } from "../contracts/log.js";
import type { AnyEvaluation } from "../contracts/result.js";
import type { RemoteFile } from "../download/catalog-entry.js";
import { RunError, UsageError } from "../errors.js";
import type { EvaluateHooks } from "../evaluate.js";
import { IncompleteError, interruption } from "../incomplete.js";
import { type AnyPair, loadModelPair, loadPair } from "../load-pair.js";
import { datasetLocation, networkLocation } from "../locations.js";
import { type EvaluateInput, type EvaluateOptions, resolveOptions } from "../options.js";
import { firstDifference, identityKey, identityOf } from "../run-identity.js";
import { withRooms } from "../slabs/rooms.js";
import type { Books } from "./books.js";
import { coordinate } from "./coordinate.js";
import { evaluationOf } from "./evaluation.js";
import type { Link } from "./link.js";
import { isUrl, learn, type RemoteFiles } from "./materialise.js";
import { probeImagesFor } from "./ranges.js";
import { type HostPresence, KEEP_ENDED_SECONDS, Records, type RunRecord } from "./records.js";
import type { PackedAnswers, RunSpec } from "./spec.js";

export interface QueueOptions {
  /** Of letters, digits, `-` and `_`; a new one where none is given. */
  readonly runId?: string | undefined;
  /** Images a job; by time where nothing is given. */
  readonly jobImages?: number | undefined;
  /** How long no host may be at work. */
  readonly patienceMs: number;
}

export interface QueueHooks extends Pick<EvaluateHooks, "signal" | "log" | "onDownload" | "onSlab"> {
  /** Once data and network are loaded, and the run is written down. */
  onOpen(run: RunRecord, pair: AnyPair): void;
  onProgress(books: Books, hosts: readonly HostPresence[]): void;
}

/**
 * @throws as `evaluate`; IncompleteError also with ERR_RANGE_FAILED, ERR_RUN_CANCELLED, ERR_REDIS_LOST, ERR_HOSTS_ABSENT
 *   and ERR_HOSTS_REFUSED
 * @throws RunError ERR_RUN_MISMATCH where the run id is another run's
 */
export async function evaluateOverRedis(
  link: Link,
  input: EvaluateInput,
  queueOptions: QueueOptions,
  hooks: QueueHooks,
): Promise<AnyEvaluation> {
  const beganAt = performance.now();
  const { signal = new AbortController().signal, log = SILENT, onSlab } = hooks;
  const { local, urls, files } = await learnInput(input, signal);
  const options = resolveOptions(local, availableParallelism());
  const pair = await load(options, hooks, signal, log);
  const loadMs = performance.now() - beganAt;
  const isPacked = options.probabilities || options.labels === false;
  const records = new Records(link.redis);
  const run = await openRecord(
    records,
    specOf(pair, options, { ...queueOptions, isPacked, urls, files }),
    queueOptions.jobImages,
  );
  hooks.onOpen(run, pair);

  const { range, classes } = pair;
  const images = roomFor(range, isPacked, options.probabilities ? classes : 0);
  const { books, evaluateMs, failure } = await coordinate({
    link,
    records,
    run,
    patienceMs: queueOptions.patienceMs,
    onProgress: hooks.onProgress,
    onPacked({ offset }, { predictions, probabilities }) {
      images.predictions.set(predictions, offset - range.offset);
      if (options.probabilities) {
        images.probabilities.set(probabilities, (offset - range.offset) * classes);
      }
    },
    signal,
    log,
  });
  const isWhole = books.sum.total === range.limit;
  if (onSlab !== undefined) await handOver(pair, options, books, images, onSlab);
  if (link.awaySinceMs === undefined)
    await closeRecord(records, run.spec.runId, books.sum.total, isWhole, failure, signal);
  const evaluation = await evaluationOf({ options, pair, books, images, evaluateMs, loadMs, beganAt });
  if (isWhole) return evaluation;
  const stopped = signal.aborted ? interruption(signal, books.sum.total, range.limit) : failure;
  throw new IncompleteError(
    stopped ?? new RunError("ERR_INTERNAL", { problem: "ranges are missing" }),
    evaluation,
  );
}

function load(options: EvaluateOptions, hooks: QueueHooks, signal: AbortSignal, log: Log): Promise<AnyPair> {
  const loadAny = options.engine === "onnx" ? loadModelPair : loadPair;
  return loadAny(options, { signal, log, onDownload: (notice) => hooks.onDownload?.(notice) });
}

/** What hosts are told where they cannot be told a path. */
interface Urls {
  readonly dataset?: string;
  readonly labels?: string;
  readonly weights?: string;
}

interface LearntInput {
  /** With a path where there was a URL. */
  readonly local: EvaluateInput;
  readonly urls: Urls;
  readonly files: RemoteFiles;
}

async function learnInput(input: EvaluateInput, signal: AbortSignal): Promise<LearntInput> {
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

function specOf(
  pair: AnyPair,
  options: EvaluateOptions,
  {
    runId,
    isPacked,
    urls,
    files,
  }: QueueOptions & Pick<LearntInput, "urls" | "files"> & { readonly isPacked: boolean },
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

/** A run of this id that is there already goes on, if it is this one. */
async function openRecord(
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
    spec,
    state: "open",
    createdAt: found?.createdAt ?? new Date().toISOString(),
    probeImages: found?.probeImages ?? (jobImages === undefined ? probeImagesFor(spec.batchSize) : 0),
    jobImages: found === undefined ? jobImages : found.jobImages,
    doneImages: found?.doneImages ?? 0,
  };
  await records.writeRun(run);
  return run;
}

async function closeRecord(
  records: Records,
  runId: string,
  doneImages: number,
  isWhole: boolean,
  failure: RunError | undefined,
  signal: AbortSignal,
): Promise<void> {
  await records.attend(runId, doneImages);
  await records.leave(runId);
  if (isWhole) {
    await records.setState(runId, "done");
    await records.expireRun(runId, KEEP_ENDED_SECONDS);
  } else if (failure?.code !== "ERR_RUN_CANCELLED") {
    await records.setState(runId, signal.aborted ? "stopped" : "failed");
  }
}

function roomFor({ limit }: ImageRange, isPacked: boolean, classes: number): PackedAnswers {
  // Whether all were evaluated is told by the room's length, also where it holds nothing.
  return {
    predictions: new Uint16Array(limit),
    probabilities: new Float64Array(isPacked ? limit * classes : 0),
  };
}

/** The images of what was answered, with their answers, in their order. */
async function handOver(
  { range: whole, classes, ...pair }: AnyPair,
  { batchSize, probabilities }: EvaluateOptions,
  { pieces }: Books,
  images: PackedAnswers,
  onSlab: NonNullable<EvaluateHooks["onSlab"]>,
): Promise<void> {
  for (const { range } of pieces) {
    const slabs = withRooms(pair.slabs(batchSize, range), [
      { source: 0, classes: probabilities ? classes : 0 },
    ]);
    for await (const slab of slabs) {
      const first = slab.firstImage - whole.offset;
      const end = first + slab.count;
      slab.predictions.set(images.predictions.subarray(first, end));
      slab.probabilities?.set(images.probabilities.subarray(first * classes, end * classes));
      await onSlab(slab);
    }
  }
}
