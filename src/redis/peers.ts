/** bullmq and ioredis: optional peers, loaded only for runs over Redis. These types are the part that we use. */
import type { Socket } from "node:net";
import { RunError, reasonOf } from "#src/base/errors.js";
import { codeOf } from "#src/base/realm.js";

/** Variables, so that TypeScript does not ask for the packages at build time. */
const BULLMQ: string = "bullmq";
const IOREDIS: string = "ioredis";

export interface RedisClient {
  readonly status: string;
  /** Socket of the connection; absent before the first. */
  readonly stream?: Socket | null;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "ready" | "close" | "connect", listener: () => void): unknown;
  connect(): Promise<void>;
  disconnect(): void;
  duplicate(options?: object): RedisClient;
  ping(): Promise<string>;
  /** A command by its name. */
  call(name: string, ...given: readonly string[]): Promise<unknown>;
  del(...keys: string[]): Promise<number>;
  exists(key: string): Promise<number>;
  expire(key: string, seconds: number): Promise<number>;
  get(key: string): Promise<string | null>;
  getBuffer(key: string): Promise<Buffer | null>;
  hgetall(key: string): Promise<Record<string, string>>;
  hset(key: string, fields: Readonly<Record<string, string>>): Promise<number>;
  hsetnx(key: string, field: string, value: string): Promise<number>;
  hdel(key: string, ...fields: string[]): Promise<number>;
  hget(key: string, field: string): Promise<string | null>;
  mget(...keys: string[]): Promise<(string | null)[]>;
  sadd(key: string, member: string): Promise<number>;
  scan(
    cursor: string,
    match: "MATCH",
    pattern: string,
    count: "COUNT",
    keys: number,
  ): Promise<[string, string[]]>;
  set(key: string, value: string | Buffer, unit: "EX" | "PX", time: number): Promise<unknown>;
  smembers(key: string): Promise<string[]>;
  srem(key: string, member: string): Promise<number>;
  type(key: string): Promise<string>;
}

export interface RedisOptions {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: Readonly<Record<string, never>>;
  readonly lazyConnect?: boolean;
  readonly connectTimeout?: number;
  readonly maxRetriesPerRequest: null;
  /** How long to wait before connecting again; null gives up. */
  readonly retryStrategy: (times: number) => number | null;
}

export interface JobRecord<Data, Answer> {
  readonly id?: string | undefined;
  readonly data: Data;
  readonly returnvalue: Answer | null;
  readonly failedReason?: string | undefined;
  readonly finishedOn?: number | undefined;
  remove(): Promise<void>;
  /** The list that the job is in; `unknown` where it is in none. */
  getState(): Promise<string>;
}

export interface JobOptions {
  readonly jobId: string;
  readonly attempts: number;
  readonly backoff: { readonly type: "fixed"; readonly delay: number };
  readonly keepLogs: number;
  readonly stackTraceLimit: number;
}

interface ConnectionOptions {
  readonly connection: RedisClient;
  readonly prefix: string;
}

interface Closable {
  on(event: "error", listener: (error: Error) => void): unknown;
  close(force?: boolean): Promise<void>;
}

export interface Queue<Data, Answer> extends Closable {
  addBulk(
    jobs: readonly { readonly name: string; readonly data: Data; readonly opts: JobOptions }[],
  ): Promise<unknown>;
  getJob(id: string): Promise<JobRecord<Data, Answer> | undefined>;
  getJobs(
    states: readonly string[],
    first: number,
    last: number,
    ascending: boolean,
  ): Promise<(JobRecord<Data, Answer> | undefined)[]>;
  getJobCounts(...states: string[]): Promise<Readonly<Record<string, number>>>;
  drain(): Promise<void>;
  obliterate(options: { readonly force: boolean }): Promise<void>;
}

export interface QueueEvents extends Closable {
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "completed" | "failed", listener: (event: { readonly jobId: string }) => void): unknown;
}

export interface QueueWorker extends Closable {
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "stalled", listener: (jobId: string) => void): unknown;
}

export interface WorkerOptions extends ConnectionOptions {
  readonly concurrency: number;
  readonly lockDuration: number;
  /** Longest wait for a job in one command, in seconds. */
  readonly drainDelay: number;
  readonly stalledInterval: number;
  readonly maxStalledCount: number;
}

export interface Peers {
  readonly Redis: new (options: RedisOptions) => RedisClient;
  readonly Queue: new <Data, Answer>(
    name: string,
    options: ConnectionOptions & { readonly streams: { readonly events: { readonly maxLen: number } } },
  ) => Queue<Data, Answer>;
  readonly QueueEvents: new (
    name: string,
    options: ConnectionOptions & { readonly blockingTimeout: number },
  ) => QueueEvents;
  readonly Worker: new <Data, Answer>(
    name: string,
    process: (job: JobRecord<Data, Answer>) => Promise<Answer>,
    options: WorkerOptions,
  ) => QueueWorker;
}

/** Loads both. @throws RunError ERR_QUEUE_PEER where one of them is missing or cannot be loaded */
export async function loadPeers(): Promise<Peers> {
  const [{ Queue, QueueEvents, Worker }, { Redis }] = [await load(BULLMQ), await load(IOREDIS)];
  return { Redis, Queue, QueueEvents, Worker };
}

async function load(peer: string): Promise<Peers> {
  try {
    return await import(peer);
  } catch (cause) {
    const absent = codeOf(cause) === "ERR_MODULE_NOT_FOUND";
    const found = absent ? "none" : `one that cannot be loaded (${reasonOf(cause)})`;
    throw new RunError("ERR_QUEUE_PEER", { peer, found }, { cause });
  }
}
