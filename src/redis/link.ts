/** A connection to Redis that survives its restarts, and knows how long Redis has been away. */
import { env } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "#src/base/contracts/run.js";
import { RunError, reasonOf, UsageError } from "#src/base/errors.js";
import { isError, isErrorNamed } from "#src/base/realm.js";
import { loadPeers, type Peers, type RedisClient, type RedisOptions } from "./peers.js";

/** Time limit for the first answer of Redis. */
const CONNECT_TIMEOUT_MS = 5000;
const GRACE_MS = 500;
const LONGEST_RETRY_DELAY_MS = 500;
const LOOK_INTERVAL_MS = 250;

/** Answers of Redis to a wrong or missing password. */
const REFUSED_PASSWORD = /WRONGPASS|NOAUTH|invalid password|without any password configured/;

export interface Link {
  readonly peers: Peers;
  readonly redis: RedisClient;
  /** Host and port, without credentials. */
  readonly address: string;
  /** Time at which the connection was lost; undefined while there is one. */
  readonly awaySinceMs: number | undefined;
  /** Ends all connections at once, those that BullMQ made of it included. Commands under way are rejected. */
  close(): void;
}

/**
 * Connects to Redis at the given address, or at that of BATCHWISE_REDIS.
 *
 * @throws UsageError ERR_USAGE if there is no address
 * @throws RunError ERR_QUEUE_PEER, ERR_REDIS_URL; ERR_REDIS_CONNECT and ERR_REDIS_AUTH within five seconds
 */
export async function openLink(given: string | undefined, log: Log): Promise<Link> {
  const url = given ?? env[REDIS_VARIABLE];
  if (!url) {
    const problem = `expected --redis redis://host:port or ${REDIS_VARIABLE}, found neither`;
    throw new UsageError("ERR_USAGE", { problem });
  }
  const address = readRedisUrl(url);
  const peers = await loadPeers();
  await probe(peers, address);
  const clients: RedisClient[] = [];
  let awaySinceMs: number | undefined;

  /** Keeps track of a client and of its duplicates: a duplicate that is not closed would reconnect for ever. */
  function keep(client: RedisClient): RedisClient {
    client.on("error", (error) => log.debug({ address: address.shown, reason: reasonOf(error) }, "Redis"));
    clients.push(client);
    const duplicate = client.duplicate.bind(client);
    client.duplicate = (options) => keep(duplicate(options));
    return client;
  }

  const redis = keep(new peers.Redis({ ...optionsOf(address), retryStrategy: retryDelayMs }));
  redis.on("close", () => {
    awaySinceMs ??= performance.now();
  });
  redis.on("ready", () => {
    awaySinceMs = undefined;
  });
  return {
    peers,
    redis,
    address: address.shown,
    get awaySinceMs() {
      return awaySinceMs;
    },
    close() {
      for (const client of clients) client.disconnect();
    },
  };
}

/** Connects once, without retries: a fault at the start does not go away. */
async function probe({ Redis }: Peers, address: RedisAddress): Promise<void> {
  const client = new Redis({
    ...optionsOf(address),
    lazyConnect: true,
    connectTimeout: 2 * CONNECT_TIMEOUT_MS,
    retryStrategy: () => null,
  });
  const failures: Error[] = [];
  client.on("error", (error) => failures.push(error));
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    const seconds = CONNECT_TIMEOUT_MS / 1000;
    const late = () => reject(new Error(`no answer within ${seconds} s`));
    // On a busy machine the answer may have arrived and not been read yet.
    timer = setTimeout(() => (timer = setTimeout(late, GRACE_MS)), CONNECT_TIMEOUT_MS - GRACE_MS);
  });
  try {
    await Promise.race([client.connect().then(() => client.ping()), deadline]);
  } catch (error) {
    const causes = [...failures, error];
    const { shown } = address;
    if (causes.some((cause) => isError(cause) && REFUSED_PASSWORD.test(cause.message))) {
      throw new RunError("ERR_REDIS_AUTH", { address: shown });
    }
    throw new RunError(
      "ERR_REDIS_CONNECT",
      { address: shown, reason: reasonOf(causes[0]) },
      { cause: error },
    );
  } finally {
    clearTimeout(timer);
    client.disconnect();
  }
}

function optionsOf({
  host,
  port,
  db,
  username,
  password,
  tls,
}: RedisAddress): Omit<RedisOptions, "retryStrategy"> {
  return {
    host,
    port,
    db,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: {} }),
    maxRetriesPerRequest: null,
  };
}

function retryDelayMs(times: number): number {
  return Math.min(LONGEST_RETRY_DELAY_MS, 25 * 2 ** times);
}

/**
 * Watches the connection until the signal is aborted. Commands wait for a lost Redis; the caller does not.
 *
 * @throws RunError ERR_REDIS_LOST when Redis has been away for `awayMs`
 */
export async function untilLost(link: Link, awayMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(LOOK_INTERVAL_MS, undefined, { signal }).catch(() => {});
    const { address, awaySinceMs } = link;
    if (awaySinceMs !== undefined && performance.now() - awaySinceMs > awayMs) {
      throw new RunError("ERR_REDIS_LOST", { address, seconds: Math.round(awayMs / 1000) });
    }
  }
}

/** Turns an error that Redis answered (out of memory, read-only, not allowed) into a RunError; returns any other error as it is. */
export function redisFault({ address }: Pick<Link, "address">, error: unknown): unknown {
  if (!isErrorNamed("ReplyError", error)) return error;
  return new RunError("ERR_REDIS_REFUSED", { address, reason: reasonOf(error) }, { cause: error });
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
