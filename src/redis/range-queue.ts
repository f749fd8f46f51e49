/** The jobs of a run in Redis, and the size of a job. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ImageRange } from "#src/base/contracts/dataset.js";
import type { Log } from "#src/base/contracts/run.js";
import { reasonOf } from "#src/base/errors.js";
import { isError, isErrorNamed } from "#src/base/realm.js";
import type { Link } from "./link.js";
import type { RunSpec } from "./messages.js";
import type { JobRecord, Queue, QueueEvents, RedisClient } from "./peers.js";
import { ATTEMPTS, aboutJob, jobIdOf, QUEUE_PREFIX } from "./spec.js";

const ATTEMPT_DELAY_MS = 100;
/** Events kept in Redis. Answers are also read from the jobs, so that few suffice. */
const EVENTS_KEPT = 1000;
const PAGE = 500;
/** A job whose host is silent for this long goes to another host. */
export const LOCK_MS = 3000;
/** Keys of a queue that say which jobs are open, and that can keep hosts from taking them. */
const OPEN_PARTS = [
  ...["meta", "id", "events", "wait", "paused", "active", "prioritized", "delayed", "stalled", "marker"],
  ...["limiter", "stalled-check", "pc", "waiting-children", "repeat"],
];
/** Keys of a job, by what follows its ID. */
const JOB_PARTS = ["", ":lock", ":dependencies", ":processed", ":failed", ":unsuccessful", ":logs"];
/** Longest wait for an event in one command. */
const EVENTS_BLOCK_MS = 2000;

/** A job's data and answer are sealed texts. What another client wrote there can be anything. */
export type QueuedJob = JobRecord<string, unknown>;

/** The jobs of one run. A job that is in the queue already is not added twice. */
export class RangeQueue {
  readonly #link: Link;
  readonly #spec: RunSpec;
  readonly #log: Log;
  readonly #queue: Queue<string, unknown>;
  readonly #events: QueueEvents;

  /** @param onEnded called when a job has ended; events can get lost with a connection */
  constructor(link: Link, spec: RunSpec, onEnded: (jobId: string) => void, log: Log) {
    const { peers, redis } = link;
    this.#link = link;
    this.#spec = spec;
    this.#log = log;
    const { runId } = spec;
    this.#queue = new peers.Queue<string, unknown>(runId, queueOptions(redis));
    this.#events = new peers.QueueEvents(runId, {
      connection: redis,
      prefix: QUEUE_PREFIX,
      blockingTimeout: EVENTS_BLOCK_MS,
    });
    for (const emitter of [this.#queue, this.#events]) {
      emitter.on("error", (error) => log.debug({ reason: reasonOf(error) }, "the queue"));
    }
    this.#events.on("completed", ({ jobId }) => onEnded(jobId));
    this.#events.on("failed", ({ jobId }) => onEnded(jobId));
  }

  async add(ranges: readonly ImageRange[]): Promise<void> {
    const { dataset, network } = this.#spec;
    const jobs = ranges.map((range) => ({
      name: "range",
      data: this.#link.seals.seal(
        "job",
        aboutJob(this.#spec, range),
        JSON.stringify({ ...range, dataset: dataset.sha256, network: network.sha256 }),
      ),
      opts: {
        jobId: jobIdOf(range),
        attempts: ATTEMPTS,
        backoff: { type: "fixed", delay: ATTEMPT_DELAY_MS } as const,
        keepLogs: 0,
        stackTraceLimit: 1,
      },
    }));
    try {
      await this.#link.ask(() => this.#queue.addBulk(jobs));
    } catch (error) {
      if (!isOfScript(error)) throw error;
      // They count as lost, and are added again.
      this.#link.report("queue", reasonOf(error));
      await this.#clear(ranges);
    }
  }

  /** The job of a range. One that cannot be read is removed, and counts as lost. */
  async find(range: ImageRange): Promise<QueuedJob | undefined> {
    const jobId = jobIdOf(range);
    try {
      return await this.#link.ask(() => this.#queue.getJob(jobId));
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.#link.report(jobId, reasonOf(error));
      await this.#delete(jobId);
      return undefined;
    }
  }

  /** Locks of jobs. A lock that lives longer than a host's is another client's. */
  async locks(ranges: readonly ImageRange[]): Promise<ReadonlySet<string>> {
    const { redis } = this.#link;
    const found = await Promise.all(
      ranges.map(async (range) => {
        const key = this.#key(`${jobIdOf(range)}:lock`);
        const leftMs = await this.#link.ask(() => redis.pttl(key));
        if (leftMs <= 0 || leftMs > LOCK_MS) return [];
        const holder = await this.#link.ask(() => redis.get(key).catch(unreadableAsNull));
        return holder === null ? [] : [`${key} ${holder}`];
      }),
    );
    return new Set(found.flat());
  }

  /** Deletes everything of the queue except ended jobs, and adds the ranges. */
  async renew(ranges: readonly ImageRange[]): Promise<void> {
    await this.#clear(ranges);
    await this.add(ranges);
  }

  async #clear(ranges: readonly ImageRange[]): Promise<void> {
    const jobs = ranges.flatMap((range) => JOB_PARTS.map((part) => `${jobIdOf(range)}${part}`));
    const keys = [...OPEN_PARTS, ...jobs].map((part) => this.#key(part));
    await this.#link.ask(() => this.#link.redis.del(...keys));
  }

  /** Runs a range again: removes its job, whatever became of it. */
  async again(range: ImageRange): Promise<void> {
    const job = await this.find(range);
    if (job !== undefined) await this.remove(job);
    await this.add([range]);
  }

  /** Removes a job from the queue's lists, which can fail, and its keys. */
  async remove(job: QueuedJob): Promise<void> {
    await job.remove().catch(() => {});
    await this.#delete(job.id ?? "");
  }

  async #delete(jobId: string): Promise<void> {
    await this.#link.ask(() =>
      this.#link.redis.del(...JOB_PARTS.map((part) => this.#key(`${jobId}${part}`))),
    );
  }

  #key(part: string): string {
    return `${QUEUE_PREFIX}:${this.#spec.runId}:${part}`;
  }

  /** All jobs that were answered, or that failed. */
  async *ended(state: "completed" | "failed"): AsyncGenerator<QueuedJob> {
    for (let first = 0; ; first += PAGE) {
      const jobs = await this.#page(state, first);
      for (const job of jobs) if (job !== undefined) yield job;
      if (jobs.length < PAGE) return;
    }
  }

  /** Jobs of one page. One that cannot be read hides its page; the look at each range finds the others. */
  async #page(state: "completed" | "failed", first: number): Promise<readonly (QueuedJob | undefined)[]> {
    try {
      return await this.#link.ask(() => this.#queue.getJobs([state], first, first + PAGE - 1, true));
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.#link.report(state, reasonOf(error));
      return [];
    }
  }

  /** Removes all failed jobs. */
  async removeFailed(): Promise<void> {
    // The list changes while they are removed: all of it is read first.
    const failed: QueuedJob[] = [];
    for await (const job of this.ended("failed")) failed.push(job);
    await Promise.all(failed.map((job) => this.remove(job)));
  }

  /** Ends the connection; waits for that for `graceMs`. `drains`: jobs that no host has begun are taken back first. */
  async close(graceMs: number, drains: boolean): Promise<void> {
    const closing = this.#end(drains && graceMs > 0).catch((error: unknown) => {
      this.#log.debug({ reason: reasonOf(error) }, "the queue could not be closed");
    });
    if (graceMs > 0) await Promise.race([closing, sleep(graceMs, undefined, { ref: false })]);
  }

  async #end(drains: boolean): Promise<void> {
    // The queue's events would be waited for without an end, also where the queue cannot be drained.
    const closing = this.#events.close();
    try {
      if (drains) await this.#queue.drain();
    } finally {
      await Promise.all([this.#queue.close(), closing]);
    }
  }
}

/** Whether what is stored is no job: no JSON, JSON of another kind such as null, or a key of another type. */
function isUnreadable(error: unknown): boolean {
  const isOther = isErrorNamed("SyntaxError", error) || isErrorNamed("TypeError", error);
  return isOther || (isError(error) && /WRONGTYPE/.test(error.message));
}

/** Whether a script of BullMQ met a value that another client wrote. A full Redis, or one that forbids a command, answers otherwise. */
function isOfScript(error: unknown): boolean {
  const cause = isError(error) ? error.cause : undefined;
  if (!isError(cause)) return false;
  return /^(WRONGTYPE|ERR) .*script/.test(cause.message) && !/can't run this command/.test(cause.message);
}

function unreadableAsNull(error: unknown): null {
  if (isUnreadable(error)) return null;
  throw error;
}

function queueOptions(connection: RedisClient) {
  return { connection, prefix: QUEUE_PREFIX, streams: { events: { maxLen: EVENTS_KEPT } } };
}

/** Deletes the jobs of a run that is not coordinated here. */
export async function obliterate({ peers, redis }: Link, runId: string): Promise<void> {
  const queue = new peers.Queue(runId, queueOptions(redis));
  await queue.obliterate({ force: true });
  await queue.close();
}

/** Time of one job: long compared with its way through Redis (milliseconds), short compared with its lock (seconds). */
const AIM_SECONDS = 1;
const LEAST_SECONDS = 0.2;
/** Jobs per host at least, so that all hosts end together. */
const JOBS_A_HOST = 4;
/** Most bytes of one job's answers of each image. */
const PACKED_BYTES = 4 * 2 ** 20;
/** Images of the first job, at least. */
const PROBE_IMAGES = 1000;

/** How a run is cut into ranges. The numbers are in its record, so that every coordinator cuts the same ranges. */
export interface RangePlan {
  readonly whole: ImageRange;
  readonly probeImages: number;
  readonly jobImages: number;
}

export function probeImagesFor(batchSize: number): number {
  return Math.ceil(PROBE_IMAGES / batchSize) * batchSize;
}

export interface Measured {
  readonly imagesPerSecond: number;
  readonly hosts: number;
  readonly leftImages: number;
}

/** Images per job, a multiple of the batch size. `imageBytes` is the size of an image's answers; 0 where only counts are wanted. */
export function jobImagesFor(
  { imagesPerSecond, hosts, leftImages }: Measured,
  batchSize: number,
  imageBytes: number,
): number {
  const fair = leftImages / (Math.max(1, hosts) * JOBS_A_HOST);
  const timed = Math.max(imagesPerSecond * LEAST_SECONDS, Math.min(imagesPerSecond * AIM_SECONDS, fair));
  return wholeBatches(timed, batchSize, imageBytes);
}

export function wholeBatches(images: number, batchSize: number, imageBytes: number): number {
  const most = imageBytes === 0 ? Number.POSITIVE_INFINITY : PACKED_BYTES / imageBytes;
  return Math.max(1, Math.round(Math.min(images, most) / batchSize)) * batchSize;
}

export function probeOf({ offset, limit }: ImageRange, probeImages: number): ImageRange {
  return { offset, limit: Math.min(limit, probeImages) };
}

export function* rangesOf({ whole, probeImages, jobImages }: RangePlan): Generator<ImageRange> {
  const end = whole.offset + whole.limit;
  const probe = probeOf(whole, probeImages);
  if (probe.limit > 0) yield probe;
  for (let offset = probe.offset + probe.limit; offset < end; offset += jobImages) {
    yield { offset, limit: Math.min(jobImages, end - offset) };
  }
}
