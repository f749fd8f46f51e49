/** One connection to a Redis that outlives its restarts, and says for how long it has been away. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "#src/base/contracts/run.js";
import { RunError, reasonOf } from "#src/base/errors.js";
import { loadPeers, type Peers, type RedisClient, type RedisOptions } from "./peers.js";

/** A Redis that does not answer is told after so long. */
const CONNECT_TIMEOUT_MS = 5000;
const GRACE_MS = 500;
const LONGEST_RETRY_DELAY_MS = 500;
const LOOK_INTERVAL_MS = 250;

/** What Redis answers where the password is wrong, or is missing. */
const REFUSED_PASSWORD = /WRONGPASS|NOAUTH|invalid password|without any password configured/;

export interface Link {
  readonly peers: Peers;
  readonly redis: RedisClient;
  /** Without credentials. */
  readonly address: string;
  /** Since when there is no connection; undefined while there is one. */
  readonly awaySinceMs: number | undefined;
  /** All connections, also those that BullMQ made of it, at once: what is under way on them is refused. */
  close(): void;
}

/**
 * @throws RunError ERR_QUEUE_PEER, ERR_REDIS_URL; ERR_REDIS_CONNECT and ERR_REDIS_AUTH within five seconds
 */
export async function openLink(url: string, log: Log): Promise<Link> {
  const address = readRedisUrl(url);
  const peers = await loadPeers();
  await probe(peers, address);
  const clients: RedisClient[] = [];
  let awaySinceMs: number | undefined;

  /** One that is away would otherwise be asked for without end, by whoever duplicated it. */
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

/** Connects once: what is wrong from the start will not mend itself. */
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
    // On a busy machine the answer may be there, and only not be read yet.
    timer = setTimeout(() => (timer = setTimeout(late, GRACE_MS)), CONNECT_TIMEOUT_MS - GRACE_MS);
  });
  try {
    await Promise.race([client.connect().then(() => client.ping()), deadline]);
  } catch (error) {
    const causes = [...failures, error];
    const { shown } = address;
    if (causes.some((cause) => cause instanceof Error && REFUSED_PASSWORD.test(cause.message))) {
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
 * Ends when the signal is aborted. Commands wait for a Redis that is away, whoever gives them does not.
 *
 * @throws RunError ERR_REDIS_LOST when it has been away for `awayMs`
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

/** What Redis itself answered (out of memory, read-only, not allowed) as an error of ours; any other error as it is. */
export function redisFault({ address }: Pick<Link, "address">, error: unknown): unknown {
  if (!(error instanceof Error && error.name === "ReplyError")) return error;
  return new RunError("ERR_REDIS_REFUSED", { address, reason: reasonOf(error) }, { cause: error });
}

/** Where the address may stand, so that no list of processes shows its password. */
export const REDIS_VARIABLE = "BATCHWISE_REDIS";
const DEFAULT_PORT = 6379;

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: boolean;
  /** `redis://host:port/database`: what messages may say. */
  readonly shown: string;
}

/** @throws RunError ERR_REDIS_URL, which does not repeat what was given. */
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
