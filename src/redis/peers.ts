/** bullmq and ioredis: optional peers, loaded only for runs over Redis. These types are the part that we use. Addresses of Redis. */
import type { Socket } from "node:net";
import { RunError, reasonOf } from "#src/base/errors.js";
import { codeOf } from "#src/base/realm.js";

/** Variables, so that TypeScript does not ask for the packages at build time. */
const [BULLMQ, IOREDIS]: readonly [string, string] = ["bullmq", "ioredis"];

export interface RedisClient {
  readonly status: string;
  /** Socket of the connection; absent before the first. */
  readonly stream?: Socket | null;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "ready" | "close" | "connect" | "end", listener: () => void): unknown;
  connect(): Promise<void>;
  disconnect(reconnects?: boolean): void;
  duplicate(options?: object): RedisClient;
  ping(message?: string): Promise<string>;
  /** What the server says about itself. ioredis passes a listener, and BullMQ nothing. */
  info(...listeners: unknown[]): Promise<string>;
  /** A command by its name. */
  call(name: string, ...given: readonly string[]): Promise<unknown>;
  del(...keys: string[]): Promise<number>;
  exists(key: string): Promise<number>;
  expire(key: string, seconds: number): Promise<number>;
  /** The same; texts in the answer are bytes. */
  callBuffer(name: string, ...given: readonly string[]): Promise<unknown>;
  get(key: string): Promise<string | null>;
  hset(key: string, fields: Readonly<Record<string, string>>): Promise<number>;
  hsetnx(key: string, field: string, value: string): Promise<number>;
  hdel(key: string, ...fields: string[]): Promise<number>;
  sadd(key: string, ...members: string[]): Promise<number>;
  pttl(key: string): Promise<number>;
  scan(
    cursor: string,
    match: "MATCH",
    pattern: string,
    count: "COUNT",
    keys: number,
  ): Promise<[string, string[]]>;
  set(key: string, value: string | Buffer, unit: "EX" | "PX", time: number): Promise<unknown>;
  smembers(key: string): Promise<string[]>;
  srem(key: string, ...members: string[]): Promise<number>;
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
  readonly disconnectTimeout?: number;
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
  /** Longest sleep of a queue whose rate is limited, in ms. */
  readonly maximumRateLimitDelay: number;
  /** Wait after an error, in ms. */
  readonly runRetryDelay: number;
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

/** Environment variable with the address: a list of processes does not show its password. */
export const REDIS_VARIABLE = "BATCHWISE_REDIS";
const DEFAULT_PORT = 6379;

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: boolean;
  /** `redis://host:port/database`, for messages. */
  readonly shown: string;
}

/** Parses an address. @throws RunError ERR_REDIS_URL, whose message does not repeat the address */
export function readRedisUrl(given: string): RedisAddress {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const database = /^\/?(\d{0,5})$/.exec(url?.pathname ?? "");
  const isRedis = url?.protocol === "redis:" || url?.protocol === "rediss:";
  if (!url || !isRedis || url.hostname === "" || database === null) throw new RunError("ERR_REDIS_URL", {});
  const port = url.port === "" ? DEFAULT_PORT : Number(url.port);
  const db = Number(database[1]);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port,
    db,
    username: decoded(url.username),
    password: decoded(url.password),
    tls: url.protocol === "rediss:",
    shown: `${url.protocol}//${url.hostname}:${port}/${db}`,
  };
}

function decoded(part: string): string | undefined {
  if (part === "") return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Names per command: others can write any number of them. */
const GROUP_NAMES = 1000;

export function* inGroups(names: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < names.length; at += GROUP_NAMES) yield names.slice(at, at + GROUP_NAMES);
}
