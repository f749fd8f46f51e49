import type { ImageRange } from "#src/base/contracts/dataset.js";
import type { Log } from "#src/base/contracts/run.js";
import { type BatchwiseError, NetworkError, RunError } from "#src/base/errors.js";
import type { Progress } from "#src/evaluate/listeners.js";
import { measuredJobImages, openAnswer } from "./answers.js";
import type { Link } from "./link.js";
import { whileAnswering } from "./pulse.js";
import { probeOf, type QueuedJob, RangeQueue, rangesOf } from "./range-queue.js";
import { KEEP_OPEN_SECONDS, type Records, type RunRecord } from "./records.js";
import { HostWatch, RunProgress } from "./run-progress.js";
import { NonsenseError } from "./seal.js";
import { jobIdOf, rangeOfJob } from "./spec.js";
import { Standstill } from "./standstill.js";

/** Ranges in the queue at once: enough for many hosts, and independent of the set's size. */
const LOOK_AHEAD = 128;
const TICK_MS = 250;
const RECONCILE_MS = 1000;
/** A lost Redis is waited for at most this long, or as long as the patience, whichever is shorter. */
export const MOST_AWAY_MS = 60_000;
/** Time for the work under way to end after a signal, and for the queue to close. */
const GRACE_MS = 2000;
/** A run whose first answers all fail is given up after this many. */
const HOPELESS_FAILURES = 3;
/** Answers of one range that may be nonsense. */
const MOST_REJECTED = 20;

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
  readonly #standstill: Standstill;
  readonly #runId: string;
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
    this.#runId = spec.runId;
    this.#jobImages = jobImages;
    this.#progress = new RunProgress(spec);
    this.#hosts = new HostWatch(spec.runId, this.#beganAtMs);
    const onEnded = (jobId: string) => {
      this.#announced.add(jobId);
      this.#wake();
    };
    this.#queue = new RangeQueue(link, spec, onEnded, log);
    this.#standstill = new Standstill(link, this.#queue, this.#hosts, this.#beganAtMs);
  }

  /** Runs until every range has an answer, the signal is aborted, or nothing more can come. Called once. */
  async run(): Promise<Coordinated> {
    const { link, patienceMs, signal } = this.#options;
    const awayMs = Math.min(MOST_AWAY_MS, patienceMs);
    let failure: BatchwiseError | undefined;
    try {
      await whileAnswering(link, this.#work(), { awayMs, signal, graceMs: GRACE_MS });
    } catch (error) {
      if (!(error instanceof RunError || error instanceof NetworkError)) throw error;
      failure = error;
    } finally {
      this.#state = "ended";
      // Another coordinator of this run adds the jobs again.
      await this.#queue.close(link.awayMs === 0 ? GRACE_MS : 0, signal.aborted);
    }
    const [progress, evaluateMs] = [this.#progress, this.#mergedAtMs - this.#beganAtMs];
    return { progress, evaluateMs, failure: failure ?? progress.rangeFailure };
  }

  /** Work goes on for a moment when Redis is lost: this is asked after each wait. */
  #isEnded(): boolean {
    return this.#state === "ended";
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
      if (this.#progress.sum.total === 0 && this.#progress.failures.length >= HOPELESS_FAILURES) return;
      this.#hosts.assertAtWork(now, this.#options.patienceMs);
      this.#standstill.assertMoving(this.#runId, now, this.#options.patienceMs);
      await this.#nextTick();
    }
  }

  /** Takes answers that an earlier coordinator of this run left. What failed then is tried again. */
  async #takeEarlier(): Promise<void> {
    await this.#queue.removeFailed();
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

  /** Takes what a finished job says. A range whose answer is nonsense, or whose images are missing in Redis, runs again. */
  async #settle(job: QueuedJob, range: ImageRange): Promise<void> {
    if (this.#isEnded() || job.finishedOn === undefined || this.#progress.isSettled(range)) return;
    try {
      await this.#take(job, range);
    } catch (error) {
      if (!(error instanceof NonsenseError)) throw error;
      await this.#reject(range, error.message);
    }
  }

  async #take(job: QueuedJob, range: ImageRange): Promise<void> {
    const progress = this.#progress;
    const { link, records, run } = this.#options;
    const { spec } = run;
    const said = openAnswer(link.seals, spec, job, range);
    if (said.failure !== undefined) return this.#fail(range, said.failure);
    const { answer } = said;
    if (answer.nanImage !== undefined) {
      this.#nanImage = Math.min(this.#nanImage, answer.nanImage);
      return;
    }
    const bytes = spec.packed
      ? await records.readPacked(spec.runId, range.offset, progress.packedBytes(range))
      : undefined;
    if (this.#isEnded() || progress.isSettled(range)) return;
    this.#mergedAtMs = performance.now();
    this.#standstill.noteMove(this.#mergedAtMs);
    if (bytes === undefined) progress.take(range, answer, this.#mergedAtMs);
    else progress.takePacked(range, answer, bytes, this.#mergedAtMs);
  }

  /** Runs a range again whose answer is nonsense; gives it up after MOST_REJECTED of them. */
  async #reject(range: ImageRange, problem: string): Promise<void> {
    this.#options.link.report(`answer ${jobIdOf(range)}`, problem);
    if (this.#progress.noteRejected(range) > MOST_REJECTED) this.#fail(range, `no valid answer: ${problem}`);
    else await this.#queue.again(range);
  }

  #fail(range: ImageRange, reason: string): void {
    this.#progress.fail(range, reason);
    this.#standstill.noteMove(performance.now());
  }

  /** Every host computes the same NaN for this image: another attempt is of no use. */
  #assertNoNan(): void {
    if (this.#nanImage === Number.POSITIVE_INFINITY) return;
    throw new NetworkError("ERR_LOGITS_NAN", { path: this.#options.networkName, image: this.#nanImage });
  }

  /** Adds the first range, and sizes the other jobs by its time. */
  async #measure(now: number): Promise<void> {
    const { records, run, log } = this.#options;
    const probe = probeOf(run.spec.range, run.probeImages);
    if (!this.#progress.isSettled(probe)) {
      if (!this.#progress.isOut(jobIdOf(probe))) await this.#add([probe], now);
      return;
    }
    this.#jobImages = await records.agreeOnJobImages(
      run.spec,
      measuredJobImages(run, this.#progress.pieces[0], this.#hosts.hosts.length),
    );
    log.info({ run: this.#runId, jobImages: this.#jobImages }, "jobs are sized");
    this.#state = "running";
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
    const ranges = this.#progress.outSince(now - RECONCILE_MS);
    // All at once: one after the other they would take longer than the hosts wait for a sign of their coordinator.
    const isLost = await Promise.all(ranges.map((range) => this.#look(range)));
    const lost = ranges.filter((_, n) => isLost[n]);
    if (lost.length > 0) {
      this.#options.log.info({ run: this.#runId, jobs: lost.length }, "jobs were lost, and are added again");
      this.#standstill.noteLoss();
      await this.#queue.add(lost);
    }
    await this.#standstill.mend(this.#progress.outSince(now), now);
    await this.#attend(now);
  }

  /** Takes the answer of a range, if it is there. Returns whether the range's job is lost. */
  async #look(range: ImageRange): Promise<boolean> {
    const job = await this.#queue.find(range);
    if (job !== undefined) await this.#settle(job, range);
    return job === undefined;
  }

  /** Tells the hosts that the run is coordinated. */
  async #attend(now: number): Promise<void> {
    const { records, run } = this.#options;
    const doneImages = this.#progress.sum.total;
    const record = await records.run(this.#runId);
    if (record?.state === "cancelled") {
      const facts = { runId: this.#runId, doneImages, totalImages: run.spec.range.limit };
      throw new RunError("ERR_RUN_CANCELLED", facts);
    }
    const isOurs = record?.state === "open" && record.spec.nonce === run.spec.nonce;
    if (!isOurs) await records.writeRun({ ...run, jobImages: this.#jobImages });
    const hosts = await records.hosts();
    await records.attend(run.spec, doneImages, hosts);
    this.#hosts.note(hosts, now);
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
