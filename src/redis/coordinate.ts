/** The coordinator of a run over Redis: adds ranges, takes answers, and ends when all have one, or when it is of no more use. */
import type { ImageRange } from "#src/base/contracts/dataset.js";
import type { Log } from "#src/base/contracts/run.js";
import { type BatchwiseError, NetworkError, RunError, reasonOf } from "#src/base/errors.js";
import { type Link, redisFault, untilLost } from "./link.js";
import type { JobRecord } from "./peers.js";
import { ATTEMPTS, jobImagesFor, openRangeQueue, probeOf, type RangeQueue, rangesOf } from "./range-queue.js";
import { type HostPresence, KEEP_OPEN_SECONDS, type Records, type RunRecord } from "./records.js";
import { HostWatch, RunProgress } from "./run-progress.js";
import { jobIdOf, type PackedAnswers, type RangeAnswer, type RangeJob, rangeOfJob, unpack } from "./spec.js";

/** Ranges that wait or are under way: enough for any hosts, and few enough that nothing grows with the set. */
const LOOK_AHEAD = 128;
const TICK_MS = 250;
const RECONCILE_MS = 1000;
/** Redis is waited for so long, where patience does not end before. */
const MOST_AWAY_MS = 60_000;
/** Where nothing has gone right by then, the rest would only take its time to fail too. */
const HOPELESS_FAILURES = 3;

export interface CoordinateRequest {
  readonly link: Link;
  readonly records: Records;
  readonly run: RunRecord;
  /** For messages. */
  readonly networkName: string;
  /** Answers of each image, where they are wanted, by the range's first image. */
  onPacked(range: ImageRange, answers: PackedAnswers): void;
  onProgress(books: RunProgress, hosts: readonly HostPresence[]): void;
  /** How long no host may be at work, or no Redis. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  readonly log: Log;
}

export interface Coordinated {
  readonly books: RunProgress;
  readonly evaluateMs: number;
  /** Why not all ranges have an answer; undefined too where the signal says it. */
  readonly failure: BatchwiseError | undefined;
}

export async function coordinate(request: CoordinateRequest): Promise<Coordinated> {
  const { link, records, signal, log } = request;
  const { spec, probeImages } = request.run;
  const { runId, range: whole, classes } = spec;
  const books = new RunProgress(whole, classes, spec.identity.probabilities);
  const beganAt = performance.now();
  let mergedAt = beganAt;
  let { jobImages } = request.run;
  const attendance = new HostWatch(runId, beganAt);
  let reconciledAt = Number.NEGATIVE_INFINITY;
  let ranges: Iterator<ImageRange> | undefined;
  /** The first image, of those that hosts have told of, with a logit that is NaN. */
  let nanImage = Number.POSITIVE_INFINITY;
  const ended = new Set<string>();
  let wake = () => {};

  const queue = openRangeQueue(
    link,
    spec,
    (jobId) => {
      ended.add(jobId);
      wake();
    },
    log,
  );

  /** What a job says, once it has ended. One whose images are not there is run again. */
  async function settle(job: JobRecord<RangeJob, RangeAnswer>, range: ImageRange): Promise<void> {
    if (job.finishedOn === undefined || books.isSettled(range)) return;
    if (job.returnvalue === null) {
      books.fail(range, job.failedReason ?? "it gave no reason");
      return;
    }
    const { nanImage: found } = job.returnvalue;
    if (found !== undefined) {
      if (isWithin(found, range)) nanImage = Math.min(nanImage, found);
      else books.fail(range, "the answer is nonsense: an image of another range");
      return;
    }
    if (spec.packed) {
      const bytes = await records.readPacked(runId, range.offset);
      const answers = bytes && unpack(bytes, range.limit, spec.identity.probabilities ? classes : 0);
      if (!answers) {
        await job.remove();
        await queue.add([range]);
        return;
      }
      request.onPacked(range, answers);
    }
    try {
      books.take(range, job.returnvalue, performance.now());
      mergedAt = performance.now();
    } catch (error) {
      books.fail(range, `the answer is nonsense: ${reasonOf(error)}`);
    }
  }

  async function settleEnded(): Promise<void> {
    const jobIds = [...ended];
    ended.clear();
    const known = jobIds.filter((id) => books.isOut(id)).flatMap((id) => rangeOfJob(id) ?? []);
    await Promise.all(
      known.map(async (range) => {
        const job = await queue.find(range);
        if (job !== undefined) await settle(job, range);
      }),
    );
    await records.expireJobs(runId, known.map(jobIdOf), KEEP_OPEN_SECONDS);
  }

  /** Answers of an earlier coordinator of this run. What failed is tried again. */
  async function takeEarlier(): Promise<void> {
    for (const job of await all(queue.ended("failed"))) await job.remove();
    for await (const job of queue.ended("completed")) {
      const range = rangeOfJob(job.id ?? "");
      if (range !== undefined) await settle(job, range);
    }
  }

  /** Events get lost with a connection, jobs with a Redis that comes back empty. */
  async function reconcile(now: number): Promise<void> {
    reconciledAt = now;
    const lost: ImageRange[] = [];
    for (const range of books.outSince(now - RECONCILE_MS)) {
      const job = await queue.find(range);
      if (job === undefined) lost.push(range);
      else await settle(job, range);
    }
    if (lost.length > 0) {
      log.info({ run: runId, jobs: lost.length }, "jobs were lost, and are added again");
      await queue.add(lost);
    }
    await attend(now);
  }

  async function attend(now: number): Promise<void> {
    const record = await records.run(runId);
    if (record === undefined) await records.writeRun({ ...request.run, jobImages });
    else if (record.state === "cancelled") throw new RunError("ERR_RUN_CANCELLED", { runId, ...doneOf() });
    await records.attend(runId, books.sum.total);
    attendance.note(await records.hosts(), now);
  }

  function doneOf() {
    return { doneImages: books.sum.total, totalImages: whole.limit };
  }

  async function refill(now: number): Promise<void> {
    if (jobImages === undefined) {
      const probe = probeOf(whole, probeImages);
      if (!books.isSettled(probe)) {
        if (!books.isOut(jobIdOf(probe))) await addAll([probe], now);
        return;
      }
      jobImages = await records.agreeOnJobImages(runId, measuredJobImages());
      log.info({ run: runId, jobImages }, "jobs are sized");
    }
    ranges ??= rangesOf({ whole, probeImages, jobImages });
    const next: ImageRange[] = [];
    while (books.outstanding + next.length < LOOK_AHEAD) {
      const { value, done } = ranges.next();
      if (done) break;
      if (!books.isSettled(value) && !books.isOut(jobIdOf(value))) next.push(value);
    }
    await addAll(next, now);
  }

  /** By what the first range took. */
  function measuredJobImages(): number {
    const [probe] = books.pieces;
    if (probe === undefined) return probeImages;
    const { range, elapsedMs } = probe;
    const measured = {
      imagesPerSecond: range.limit / Math.max(0.001, elapsedMs / 1000),
      hosts: attendance.hosts.length,
      leftImages: whole.limit - range.limit,
    };
    const imageBytes = spec.packed ? 2 + (spec.identity.probabilities ? 10 * classes : 0) : 0;
    return jobImagesFor(measured, spec.batchSize, imageBytes);
  }

  /** The network gives the same for this image on every host: no other attempt is of use. */
  function assertNoNan(): void {
    if (nanImage === Number.POSITIVE_INFINITY) return;
    throw new NetworkError("ERR_LOGITS_NAN", { path: request.networkName, image: nanImage });
  }

  async function addAll(next: readonly ImageRange[], now: number): Promise<void> {
    if (next.length === 0) return;
    for (const range of next) books.noteAdded(range, now);
    await queue.add(next);
    await records.expireJobs(runId, next.map(jobIdOf), KEEP_OPEN_SECONDS);
  }

  async function work(): Promise<void> {
    await takeEarlier();
    await attend(performance.now());
    while (!signal.aborted) {
      const now = performance.now();
      await settleEnded();
      assertNoNan();
      await refill(now);
      request.onProgress(books, attendance.hosts);
      if (books.outstanding === 0 && jobImages !== undefined) return;
      if (now - reconciledAt >= RECONCILE_MS) await reconcile(now);
      if (books.sum.total === 0 && books.failures.length >= HOPELESS_FAILURES) return;
      attendance.assertAtWork(now, request.patienceMs);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, TICK_MS);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
        if (ended.size > 0) wake();
      });
    }
  }

  let failure: BatchwiseError | undefined;
  const watch = new AbortController();
  try {
    await Promise.race([
      work(),
      untilLost(link, Math.min(MOST_AWAY_MS, request.patienceMs), AbortSignal.any([signal, watch.signal])),
    ]);
  } catch (error) {
    const told = redisFault(link, error);
    if (!(told instanceof RunError || told instanceof NetworkError)) throw error;
    failure = told;
  } finally {
    watch.abort();
    const closing = closeRun(queue, signal.aborted && link.awaySinceMs === undefined);
    if (link.awaySinceMs === undefined) await closing;
    else closing.catch(() => {});
  }
  return { books, evaluateMs: mergedAt - beganAt, failure: failure ?? rangeFailure(books) };
}

async function closeRun(queue: RangeQueue, isInterrupted: boolean): Promise<void> {
  // Who goes on adds them again.
  if (isInterrupted) await queue.drain();
  await queue.close();
}

function isWithin(image: unknown, { offset, limit }: ImageRange): image is number {
  return Number.isInteger(image) && Number(image) >= offset && Number(image) < offset + limit;
}

function rangeFailure({ failures }: RunProgress): RunError | undefined {
  const [first] = failures;
  if (first === undefined) return undefined;
  const { range, reason } = first;
  return new RunError("ERR_RANGE_FAILED", {
    firstImage: range.offset,
    lastImage: range.offset + range.limit - 1,
    attempts: ATTEMPTS,
    failedRanges: failures.length,
    reason,
  });
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
