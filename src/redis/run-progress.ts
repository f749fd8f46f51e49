/** Progress of a run over Redis: which ranges are in the queue, done or failed, and the sums of the answers. */
import type { ImageRange } from "#src/base/contracts/dataset.js";
import type { PartialCounts, RunIdentity } from "#src/base/contracts/journal.js";
import { RunError } from "#src/base/errors.js";
import { addPartials, contradictionOf, emptyPartial } from "#src/metrics/score-sums.js";
import type { HostPresence, RangeAnswer, RunSpec } from "./messages.js";
import { NonsenseError } from "./seal.js";
import {
  ATTEMPTS,
  allocateImages,
  jobIdOf,
  type PackedAnswers,
  packedBytes,
  sha256Of,
  unpack,
} from "./spec.js";

/** Work that a host did in a run. */
export interface HostShare {
  readonly host: string;
  readonly images: number;
  readonly jobs: number;
  readonly batchesByThread: readonly number[];
}

export interface RangeFailure {
  readonly range: ImageRange;
  readonly reason: string;
}

export interface Piece {
  readonly range: ImageRange;
  readonly host: string;
  /** Time at which the answer was taken, and how long the host needed. */
  readonly takenAtMs: number;
  readonly elapsedMs: number;
}

/** The part of a run's spec that its progress needs. */
export interface ProgressSpec extends Pick<RunSpec, "range" | "classes" | "packed"> {
  readonly identity: Pick<RunIdentity, "probabilities">;
}

export class RunProgress {
  readonly #range: ImageRange;
  readonly #classes: number;
  /** Classes with a probability in `images`. */
  readonly #packedClasses: number;
  /** Answers of each image of the run; empty where only counts are wanted. */
  readonly images: PackedAnswers;
  readonly #out = new Map<string, { readonly range: ImageRange; addedAtMs: number }>();
  readonly #done = new Map<string, Piece>();
  readonly #failed = new Map<string, RangeFailure>();
  /** Answers that were nonsense, by job. */
  readonly #rejected = new Map<string, number>();
  readonly #hosts = new Map<string, HostShare>();
  readonly latenciesMs: number[] = [];
  retries = 0;
  fallback: string | undefined;
  sum: PartialCounts;

  constructor({ range, classes, identity, packed }: ProgressSpec) {
    const { probabilities } = identity;
    this.#range = range;
    this.#classes = classes;
    this.#packedClasses = probabilities ? classes : 0;
    this.images = allocateImages(packed ? range.limit : 0, this.#packedClasses);
    this.sum = emptyPartial(range.offset, classes, probabilities);
  }

  /** Number of ranges in the queue. */
  get outstanding(): number {
    return this.#out.size;
  }

  /** Notes an answer that was nonsense. Returns how many the range has had. */
  noteRejected(range: ImageRange): number {
    const rejected = (this.#rejected.get(jobIdOf(range)) ?? 0) + 1;
    this.#rejected.set(jobIdOf(range), rejected);
    return rejected;
  }

  get hosts(): readonly HostShare[] {
    return [...this.#hosts.values()];
  }

  get failures(): readonly RangeFailure[] {
    return [...this.#failed.values()];
  }

  /** Answered ranges, in the order of their images. */
  get pieces(): readonly Piece[] {
    return [...this.#done.values()].sort((a, b) => a.range.offset - b.range.offset);
  }

  isSettled(range: ImageRange): boolean {
    const id = jobIdOf(range);
    return this.#done.has(id) || this.#failed.has(id);
  }

  isOut(jobId: string): boolean {
    return this.#out.has(jobId);
  }

  /** Ranges that were added before `beforeMs` and have no answer. */
  outSince(beforeMs: number): ImageRange[] {
    return [...this.#out.values()].filter(({ addedAtMs }) => addedAtMs <= beforeMs).map(({ range }) => range);
  }

  noteAdded(range: ImageRange, addedAtMs: number): void {
    this.#out.set(jobIdOf(range), { range, addedAtMs });
  }

  /**
   * Counts a range, once: false where it was counted before.
   *
   * @throws NonsenseError where the counts cannot be those of the range
   */
  take(range: ImageRange, answer: RangeAnswer, takenAtMs: number): boolean {
    const id = jobIdOf(range);
    if (this.#done.has(id)) return false;
    const { counts, host, batchesByThread, elapsedMs } = answer;
    const isOfRange = counts.offset === range.offset && counts.limit === range.limit;
    const problem = isOfRange
      ? (contradictionOf(counts, this.#classes) ?? missingOf(counts))
      : "expected the counts of another range";
    if (problem !== undefined) throw new NonsenseError(problem);
    this.#out.delete(id);
    this.#failed.delete(id);
    this.#done.set(id, { range, host, takenAtMs, elapsedMs });
    this.sum = addPartials(this.sum, counts);
    this.retries += answer.retries;
    this.fallback ??= answer.fallback;
    for (const latencyMs of answer.latenciesMs) this.latenciesMs.push(latencyMs);
    const share = this.#hosts.get(host);
    this.#hosts.set(host, {
      host,
      images: (share?.images ?? 0) + counts.total,
      jobs: (share?.jobs ?? 0) + 1,
      batchesByThread: batchesByThread.map((batches, n) => batches + (share?.batchesByThread[n] ?? 0)),
    });
    return true;
  }

  /** Counts a range with each image's answers. @throws NonsenseError where the bytes are not those of the answer */
  takePacked(range: ImageRange, answer: RangeAnswer, bytes: Uint8Array | null, takenAtMs: number): void {
    const isSame = bytes !== null && sha256Of(bytes) === answer.packed;
    if (!isSame || !this.takeImages(range, bytes)) {
      throw new NonsenseError("expected the answers of each image, found none or others");
    }
    this.take(range, answer, takenAtMs);
  }

  /** Bytes of each image's answers of a range. */
  packedBytes({ limit }: ImageRange): number {
    return packedBytes(limit, this.#packedClasses);
  }

  /** Copies each image's answers of a range; false where the bytes are not those of so many images. */
  takeImages(range: ImageRange, bytes: Uint8Array): boolean {
    const classes = this.#packedClasses;
    const answers = unpack(bytes, range.limit, classes);
    if (answers === undefined) return false;
    const first = range.offset - this.#range.offset;
    this.images.predictions.set(answers.predictions, first);
    this.images.probabilities.set(answers.probabilities, first * classes);
    this.images.ranking.set(answers.ranking, first * classes);
    return true;
  }

  /** Names the first range that failed; undefined where none did. */
  get rangeFailure(): RunError | undefined {
    const [first] = this.failures;
    if (first === undefined) return undefined;
    const { range, reason } = first;
    return new RunError("ERR_RANGE_FAILED", {
      firstImage: range.offset,
      lastImage: range.offset + range.limit - 1,
      attempts: ATTEMPTS,
      failedRanges: this.#failed.size,
      reason,
    });
  }

  fail(range: ImageRange, reason: string): void {
    const id = jobIdOf(range);
    if (this.#done.has(id)) return;
    this.#out.delete(id);
    this.#failed.set(id, { range, reason });
  }
}

/** Hosts answer a range whole or not at all. */
function missingOf({ total, limit }: PartialCounts): string | undefined {
  return total === limit ? undefined : `expected ${limit} images, found ${total}`;
}

/** A run that all hosts refuse is given up after this time: another host may come. */
const REFUSED_MS = 5000;

/** A host whose messages are not new for this long is gone: another client can write its last one again. */
const OLD_MS = 5000;
const MOST_HOSTS = 10_000;

export class HostWatch {
  readonly #runId: string;
  #hosts: readonly HostPresence[] = [];
  readonly #beats = new Map<string, { readonly beat: number; readonly atMs: number }>();
  /** Time at which a host was last seen, and at which not all of them refused. */
  #seenAtMs: number;
  #acceptedAtMs: number;

  constructor(runId: string, beganAtMs: number) {
    this.#runId = runId;
    this.#seenAtMs = beganAtMs;
    this.#acceptedAtMs = beganAtMs;
  }

  /** Hosts present at the last look. */
  get hosts(): readonly HostPresence[] {
    return this.#hosts;
  }

  note(found: readonly HostPresence[], nowMs: number): void {
    const hosts = found.filter((presence) => this.#isNew(presence, nowMs));
    this.#hosts = hosts;
    if (hosts.length > 0) this.#seenAtMs = nowMs;
    const haveAllRefused =
      hosts.length > 0 && hosts.every(({ refused }) => Object.hasOwn(refused, this.#runId));
    if (!haveAllRefused) this.#acceptedAtMs = nowMs;
  }

  /** Whether a host has opened the run, and waits for its jobs or computes one. */
  get areServing(): boolean {
    return this.#hosts.some(({ runId }) => runId === this.#runId);
  }

  #isNew({ host, beat }: HostPresence, nowMs: number): boolean {
    const known = this.#beats.get(host);
    if (known !== undefined && beat <= known.beat) return nowMs - known.atMs <= OLD_MS;
    if (this.#beats.size >= MOST_HOSTS) this.#beats.clear();
    this.#beats.set(host, { beat, atMs: nowMs });
    return true;
  }

  /** Checks that a host can work. @throws RunError ERR_HOSTS_ABSENT after `patienceMs` without a host; ERR_HOSTS_REFUSED where none takes part */
  assertAtWork(nowMs: number, patienceMs: number): void {
    if (nowMs - this.#seenAtMs > patienceMs) {
      throw new RunError("ERR_HOSTS_ABSENT", { seconds: Math.round(patienceMs / 1000) });
    }
    const [first] = this.#hosts;
    if (first === undefined || nowMs - this.#acceptedAtMs < REFUSED_MS) return;
    const reason = `${first.refused[this.#runId] ?? "no reason"} (its log has the details)`;
    throw new RunError("ERR_HOSTS_REFUSED", { host: first.host, reason, hosts: this.#hosts.length });
  }
}
