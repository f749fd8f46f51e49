/** Records in Redis beside the jobs: runs, hosts, answers of each image. All of them expire. */

import { type BatchwiseError, RunError } from "#src/base/errors.js";
import { firstDifference } from "#src/evaluate/run-identity.js";
import type { RedisClient } from "./peers.js";
import { probeImagesFor } from "./range-queue.js";
import { QUEUE_PREFIX, type RunSpec } from "./spec.js";

/** Beginning of every key. */
const PREFIX = "batchwise";
/** A host or coordinator that is silent for this long counts as gone. */
const PRESENCE_MS = 5000;
const DAY_SECONDS = 86_400;
/** Lifetime of a run that has not ended, from the last sign of its coordinator. */
export const KEEP_OPEN_SECONDS = 7 * DAY_SECONDS;
export const KEEP_ENDED_SECONDS = DAY_SECONDS;

const RUN_STATES = ["open", "stopped", "done", "failed", "cancelled"] as const;
export type RunState = (typeof RUN_STATES)[number];

export interface RunRecord {
  readonly spec: RunSpec;
  readonly state: RunState;
  readonly createdAt: string;
  readonly probeImages: number;
  /** Images per job; undefined until the first range was timed. */
  readonly jobImages: number | undefined;
  readonly doneImages: number;
}

export interface HostPresence {
  readonly host: string;
  readonly threads: number;
  /** Run that the host serves; null for none. */
  readonly runId: string | null;
  /** Reasons of the runs that it refuses, by run. */
  readonly refused: Readonly<Record<string, string>>;
}

export class Records {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  async run(runId: string): Promise<RunRecord | undefined> {
    const { spec, state, createdAt, probeImages, jobImages, doneImages } = await this.#redis.hgetall(
      runKey(runId),
    );
    if (spec === undefined || state === undefined) return undefined;
    return {
      spec: JSON.parse(spec),
      state: RUN_STATES.find((known) => known === state) ?? "failed",
      createdAt: createdAt ?? "",
      probeImages: Number(probeImages),
      jobImages: jobImages === undefined ? undefined : Number(jobImages),
      doneImages: Number(doneImages ?? 0),
    };
  }

  /** All runs, oldest first. Removes those that have expired. */
  async runs(): Promise<RunRecord[]> {
    const found: RunRecord[] = [];
    for (const runId of await this.#redis.smembers(RUNS)) {
      const record = await this.run(runId);
      if (record === undefined) await this.#redis.srem(RUNS, runId);
      else found.push(record);
    }
    return found.sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
  }

  async writeRun({ spec, state, createdAt, probeImages, jobImages, doneImages }: RunRecord): Promise<void> {
    const key = runKey(spec.runId);
    await this.#redis.hset(key, {
      spec: JSON.stringify(spec),
      state,
      createdAt,
      probeImages: String(probeImages),
      doneImages: String(doneImages),
      ...(jobImages !== undefined && { jobImages: String(jobImages) }),
    });
    await this.#redis.sadd(RUNS, spec.runId);
    await this.#redis.expire(key, KEEP_OPEN_SECONDS);
  }

  /** Sets the images per job, unless they are set already. Returns what is set. */
  async agreeOnJobImages(runId: string, jobImages: number): Promise<number> {
    await this.#redis.hsetnx(runKey(runId), "jobImages", String(jobImages));
    return Number(await this.#redis.hget(runKey(runId), "jobImages"));
  }

  async setState(runId: string, state: RunState): Promise<void> {
    await this.#redis.hset(runKey(runId), { state });
  }

  /** Declares that the coordinator is there. */
  async attend(runId: string, doneImages: number): Promise<void> {
    await this.#redis.set(attendedKey(runId), "1", "PX", PRESENCE_MS);
    await this.#redis.hset(runKey(runId), { doneImages: String(doneImages) });
    await this.#redis.expire(runKey(runId), KEEP_OPEN_SECONDS);
    for (const part of QUEUE_PARTS) {
      await this.#redis.expire(`${QUEUE_PREFIX}:${runId}:${part}`, KEEP_OPEN_SECONDS);
    }
  }

  async isAttended(runId: string): Promise<boolean> {
    return (await this.#redis.exists(attendedKey(runId))) === 1;
  }

  async leave(runId: string): Promise<void> {
    await this.#redis.del(attendedKey(runId));
  }

  /** Sets the lifetime of jobs and of their answers. */
  async expireJobs(runId: string, jobIds: readonly string[], seconds: number): Promise<void> {
    await Promise.all(jobIds.map((id) => this.#redis.expire(`${QUEUE_PREFIX}:${runId}:${id}`, seconds)));
  }

  /** Sets the lifetime of everything of a run. */
  async expireRun(runId: string, seconds: number): Promise<void> {
    for (const pattern of [`${QUEUE_PREFIX}:${runId}:*`, packedKey(runId, "*")]) {
      for await (const key of this.#keys(pattern)) await this.#redis.expire(key, seconds);
    }
    await this.#redis.expire(runKey(runId), seconds);
  }

  async writePacked(runId: string, offset: number, bytes: Buffer): Promise<void> {
    await this.#redis.set(packedKey(runId, offset), bytes, "EX", KEEP_OPEN_SECONDS);
  }

  readPacked(runId: string, offset: number): Promise<Buffer | null> {
    return this.#redis.getBuffer(packedKey(runId, offset));
  }

  async deletePacked(runId: string): Promise<void> {
    for await (const key of this.#keys(packedKey(runId, "*"))) await this.#redis.del(key);
  }

  async showPresence(presence: HostPresence): Promise<void> {
    await this.#redis.set(hostKey(presence.host), JSON.stringify(presence), "PX", PRESENCE_MS);
    await this.#redis.sadd(HOSTS, presence.host);
  }

  async endPresence(host: string): Promise<void> {
    await this.#redis.del(hostKey(host));
    await this.#redis.srem(HOSTS, host);
  }

  async hosts(): Promise<HostPresence[]> {
    const names = await this.#redis.smembers(HOSTS);
    if (names.length === 0) return [];
    const found = await this.#redis.mget(...names.map(hostKey));
    const present: HostPresence[] = [];
    for (const [n, text] of found.entries()) {
      if (text === null) await this.#redis.srem(HOSTS, names[n]!);
      else present.push(JSON.parse(text));
    }
    return present;
  }

  async *#keys(pattern: string): AsyncGenerator<string> {
    let cursor = "0";
    do {
      const [next, keys] = await this.#redis.scan(cursor, "MATCH", pattern, "COUNT", 1000);
      yield* keys;
      cursor = next;
    } while (cursor !== "0");
  }
}

const RUNS = `${PREFIX}:runs`;
const HOSTS = `${PREFIX}:hosts`;
/** Keys of a queue that are no job's. They exist while jobs are in them. */
const QUEUE_PARTS = ["meta", "id", "events", "wait", "active", "delayed", "completed", "failed", "stalled"];

function runKey(runId: string): string {
  return `${PREFIX}:run:${runId}`;
}

function attendedKey(runId: string): string {
  return `${PREFIX}:attended:${runId}`;
}

function hostKey(host: string): string {
  return `${PREFIX}:host:${host}`;
}

function packedKey(runId: string, offset: number | "*"): string {
  return `${PREFIX}:packed:${runId}:${offset}`;
}

/**
 * Writes the record of a run, or continues a run of the same ID and identity.
 *
 * @throws RunError ERR_RUN_MISMATCH, ERR_RUN_CANCELLED
 */
export async function openRecord(
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

export interface RunEnd {
  readonly doneImages: number;
  readonly isWhole: boolean;
  readonly isInterrupted: boolean;
  readonly failure: BatchwiseError | undefined;
}

export async function closeRecord(
  records: Records,
  runId: string,
  { doneImages, isWhole, isInterrupted, failure }: RunEnd,
): Promise<void> {
  await records.attend(runId, doneImages);
  await records.leave(runId);
  if (isWhole) {
    await records.setState(runId, "done");
    await records.expireRun(runId, KEEP_ENDED_SECONDS);
  } else if (failure?.code !== "ERR_RUN_CANCELLED") {
    await records.setState(runId, isInterrupted ? "stopped" : "failed");
  }
}
