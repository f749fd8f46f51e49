/** The coordinator of a run over Redis: adds ranges, takes answers, and stops when nothing more can come. */
import type { ImageRange } from "#src/base/contracts/dataset.js";
import type { Log } from "#src/base/contracts/run.js";
import { type BatchwiseError, NetworkError, RunError, reasonOf } from "#src/base/errors.js";
import type { Progress } from "#src/evaluate/listeners.js";
import { type Link, redisFault, untilLost } from "./link.js";
import type { JobRecord } from "./peers.js";
import { jobImagesFor, probeOf, RangeQueue, rangesOf } from "./range-queue.js";
import { KEEP_OPEN_SECONDS, type Records, type RunRecord } from "./records.js";
import { HostWatch, RunProgress } from "./run-progress.js";
import { jobIdOf, type RangeAnswer, type RangeJob, rangeOfJob } from "./spec.js";

/** Ranges in the queue at once: enough for many hosts, and independent of the set's size. */
const LOOK_AHEAD = 128;
const TICK_MS = 250;
const RECONCILE_MS = 1000;
/** A lost Redis is waited for at most this long, or as long as the patience, whichever is shorter. */
const MOST_AWAY_MS = 60_000;
/** A run whose first answers all fail is given up after this many. */
const HOPELESS_FAILURES = 3;

/**
 * `opening`: answers of an earlier coordinator are taken. `measuring`: the first range is out; its time gives the size of
 * the other jobs. `running`: ranges are added and answers taken. `ended`: nothing is added or taken any more.
 */
type CoordinatorState = "opening" | "measuring" | "running" | "ended";

export interface CoordinatorOptions {
  readonly link: Link;
  readonly records: Records;
  readonly run: RunRecord;
  /** Name of the network, for messages. */
  readonly networkName: string;
  onProgress(progress: Progress): void;
  /** Time limit without any host at work, and without a connection to Redis. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  readonly log: Log;
}

export interface Coordinated {
  readonly progress: RunProgress;
  /** From the beginning to the last answer taken. */
  readonly evaluateMs: number;
  /** Why not all ranges have an answer; undefined also where the signal was aborted. */
  readonly failure: BatchwiseError | undefined;
}

export class Coordinator {
  readonly #options: CoordinatorOptions;
  readonly #queue: RangeQueue;
  readonly #progress: RunProgress;
  readonly #hosts: HostWatch;
  readonly #beganAtMs = performance.now();
  /** Jobs whose end was announced and whose answer is not taken yet. */
  readonly #announced = new Set<string>();
  #state: CoordinatorState = "opening";
  #mergedAtMs = this.#beganAtMs;
  #reconciledAtMs = Number.NEGATIVE_INFINITY;
  #jobImages: number | undefined;
  #ranges: Iterator<ImageRange> | undefined;
  /** Smallest index reported of an image with a logit that is NaN. */
  #nanImage = Number.POSITIVE_INFINITY;
  #wake = () => {};

  constructor(options: CoordinatorOptions) {
    const { link, run, log } = options;
    const { spec, jobImages } = run;
    this.#options = options;
    this.#jobImages = jobImages;
    this.#progress = new RunProgress(spec);
    this.#hosts = new HostWatch(spec.runId, this.#beganAtMs);
    const onEnded = (jobId: string) => {
      this.#announced.add(jobId);
      this.#wake();
    };
    this.#queue = new RangeQueue(link, spec, onEnded, log);
  }

  /** Runs until every range has an answer, the signal is aborted, or nothing more can come. Called once. */
  async run(): Promise<Coordinated> {
    const { link, patienceMs, signal } = this.#options;
    const watch = new AbortController();
    let failure: BatchwiseError | undefined;
    try {
      const lost = AbortSignal.any([signal, watch.signal]);
      await Promise.race([this.#work(), untilLost(link, Math.min(MOST_AWAY_MS, patienceMs), lost)]);
    } catch (error) {
      const fault = redisFault(link, error);
      if (!(fault instanceof RunError || fault instanceof NetworkError)) throw error;
      failure = fault;
    } finally {
      this.#state = "ended";
      watch.abort();
      const isConnected = link.awaySinceMs === undefined;
      // Another coordinator of this run adds the jobs again.
      const closing = this.#queue.close(signal.aborted && isConnected);
      if (isConnected) await closing;
      else closing.catch(() => {});
    }
    const [progress, evaluateMs] = [this.#progress, this.#mergedAtMs - this.#beganAtMs];
    return { progress, evaluateMs, failure: failure ?? progress.rangeFailure };
  }

  /** Work goes on for a moment when Redis is lost: this is asked after each wait. */
  #isEnded(): boolean {
    return this.#state === "ended";
  }

  get #runId(): string {
    return this.#options.run.spec.runId;
  }

  async #work(): Promise<void> {
    await this.#takeEarlier();
    await this.#attend(performance.now());
    this.#state = this.#jobImages === undefined ? "measuring" : "running";
    while (!this.#options.signal.aborted) {
      const now = performance.now();
      await this.#takeAnnounced();
      this.#assertNoNan();
      if (this.#state === "measuring") await this.#measure(now);
      if (this.#state === "running") await this.#refill(now);
      this.#reportProgress();
      if (this.#state === "running" && this.#progress.outstanding === 0) return;
      if (now - this.#reconciledAtMs >= RECONCILE_MS) await this.#reconcile(now);
      if (this.#isHopeless()) return;
      this.#hosts.assertAtWork(now, this.#options.patienceMs);
      await this.#nextTick();
    }
  }

  /** Takes answers that an earlier coordinator of this run left. What failed then is tried again. */
  async #takeEarlier(): Promise<void> {
    // The list of failed jobs changes while they are removed: all of it is read first.
    const failed: JobRecord<RangeJob, RangeAnswer>[] = [];
    for await (const job of this.#queue.ended("failed")) failed.push(job);
    for (const job of failed) await job.remove();
    for await (const job of this.#queue.ended("completed")) {
      const range = rangeOfJob(job.id ?? "");
      if (range !== undefined) await this.#settle(job, range);
    }
  }

  async #takeAnnounced(): Promise<void> {
    const jobIds = [...this.#announced];
    this.#announced.clear();
    const ranges = jobIds.filter((id) => this.#progress.isOut(id)).flatMap((id) => rangeOfJob(id) ?? []);
    await Promise.all(
      ranges.map(async (range) => {
        const job = await this.#queue.find(range);
        if (job !== undefined) await this.#settle(job, range);
      }),
    );
    await this.#options.records.expireJobs(this.#runId, ranges.map(jobIdOf), KEEP_OPEN_SECONDS);
  }

  /** Takes what a finished job says. A job whose images are missing in Redis is run again. */
  async #settle(job: JobRecord<RangeJob, RangeAnswer>, range: ImageRange): Promise<void> {
    const progress = this.#progress;
    if (this.#isEnded() || job.finishedOn === undefined || progress.isSettled(range)) return;
    const answer = job.returnvalue;
    if (answer === null) {
      progress.fail(range, job.failedReason ?? "it gave no reason");
      return;
    }
    if (answer.nanImage !== undefined) {
      if (isWithin(answer.nanImage, range)) this.#nanImage = Math.min(this.#nanImage, answer.nanImage);
      else progress.fail(range, "the answer is nonsense: an image of another range");
      return;
    }
    if (this.#options.run.spec.packed) {
      const bytes = await this.#options.records.readPacked(this.#runId, range.offset);
      if (this.#isEnded()) return;
      if (bytes === null || !progress.takeImages(range, bytes)) {
        await job.remove();
        await this.#queue.add([range]);
        return;
      }
    }
    try {
      progress.take(range, answer, performance.now());
      this.#mergedAtMs = performance.now();
    } catch (error) {
      progress.fail(range, `the answer is nonsense: ${reasonOf(error)}`);
    }
  }

  /** Every host computes the same NaN for this image: another attempt is of no use. */
  #assertNoNan(): void {
    const image = this.#nanImage;
    if (image === Number.POSITIVE_INFINITY) return;
    throw new NetworkError("ERR_LOGITS_NAN", { path: this.#options.networkName, image });
  }

  /** Adds the first range, and sizes the other jobs by its time. */
  async #measure(now: number): Promise<void> {
    const { records, run, log } = this.#options;
    const probe = probeOf(run.spec.range, run.probeImages);
    if (!this.#progress.isSettled(probe)) {
      if (!this.#progress.isOut(jobIdOf(probe))) await this.#add([probe], now);
      return;
    }
    this.#jobImages = await records.agreeOnJobImages(this.#runId, this.#measuredJobImages());
    log.info({ run: this.#runId, jobImages: this.#jobImages }, "jobs are sized");
    this.#state = "running";
  }

  #measuredJobImages(): number {
    const { spec, probeImages } = this.#options.run;
    const [probe] = this.#progress.pieces;
    if (probe === undefined) return probeImages;
    const { range, elapsedMs } = probe;
    const measured = {
      imagesPerSecond: range.limit / Math.max(0.001, elapsedMs / 1000),
      hosts: this.#hosts.hosts.length,
      leftImages: spec.range.limit - range.limit,
    };
    const imageBytes = spec.packed ? 2 + (spec.identity.probabilities ? 10 * spec.classes : 0) : 0;
    return jobImagesFor(measured, spec.batchSize, imageBytes);
  }

  async #refill(now: number): Promise<void> {
    const { spec, probeImages } = this.#options.run;
    this.#ranges ??= rangesOf({ whole: spec.range, probeImages, jobImages: this.#jobImages ?? probeImages });
    const next: ImageRange[] = [];
    while (this.#progress.outstanding + next.length < LOOK_AHEAD) {
      const { value, done } = this.#ranges.next();
      if (done) break;
      if (!this.#progress.isSettled(value) && !this.#progress.isOut(jobIdOf(value))) next.push(value);
    }
    await this.#add(next, now);
  }

  async #add(ranges: readonly ImageRange[], now: number): Promise<void> {
    if (ranges.length === 0) return;
    for (const range of ranges) this.#progress.noteAdded(range, now);
    await this.#queue.add(ranges);
    await this.#options.records.expireJobs(this.#runId, ranges.map(jobIdOf), KEEP_OPEN_SECONDS);
  }

  #reportProgress(): void {
    const { sum, hosts } = this.#progress;
    this.#options.onProgress({
      doneImages: sum.total,
      totalImages: this.#options.run.spec.range.limit,
      hosts: { present: this.#hosts.hosts.length, shares: hosts },
    });
  }

  /** Looks at every job that is out: a connection loses events, and a Redis that comes back empty has lost its jobs. */
  async #reconcile(now: number): Promise<void> {
    this.#reconciledAtMs = now;
    const lost: ImageRange[] = [];
    for (const range of this.#progress.outSince(now - RECONCILE_MS)) {
      const job = await this.#queue.find(range);
      if (job === undefined) lost.push(range);
      else await this.#settle(job, range);
    }
    if (lost.length > 0) {
      this.#options.log.info({ run: this.#runId, jobs: lost.length }, "jobs were lost, and are added again");
      await this.#queue.add(lost);
    }
    await this.#attend(now);
  }

  /** Tells the hosts that the run is coordinated. */
  async #attend(now: number): Promise<void> {
    const { records, run } = this.#options;
    const doneImages = this.#progress.sum.total;
    const record = await records.run(this.#runId);
    if (record?.state === "cancelled") {
      const totalImages = run.spec.range.limit;
      throw new RunError("ERR_RUN_CANCELLED", { runId: this.#runId, doneImages, totalImages });
    }
    if (record === undefined) await records.writeRun({ ...run, jobImages: this.#jobImages });
    await records.attend(this.#runId, doneImages);
    this.#hosts.note(await records.hosts(), now);
  }

  #isHopeless(): boolean {
    return this.#progress.sum.total === 0 && this.#progress.failures.length >= HOPELESS_FAILURES;
  }

  /** Resolves when a job's end is announced, and after TICK_MS at the latest. */
  #nextTick(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, TICK_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#announced.size > 0) this.#wake();
    });
  }
}

function isWithin(image: unknown, { offset, limit }: ImageRange): boolean {
  return Number.isInteger(image) && Number(image) >= offset && Number(image) < offset + limit;
}
