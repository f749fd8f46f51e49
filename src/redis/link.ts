/** A connection to Redis that survives its restarts, and knows how long Redis has been away. */
import { env } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "#src/base/contracts/run.js";
import { RunError, reasonOf, UsageError } from "#src/base/errors.js";
import { isError } from "#src/base/realm.js";
import { printable } from "#src/base/text.js";
import {
  loadPeers,
  type Peers,
  REDIS_VARIABLE,
  type RedisAddress,
  type RedisClient,
  type RedisOptions,
  readRedisUrl,
} from "./peers.js";
import { OutOfStepError, Pulse } from "./pulse.js";
import { NonsenseError, readSecret, SECRET_VARIABLE, type Seals, sealsOf } from "./seal.js";
import { assertPermitted, readInfo } from "./server.js";

/** Time limit for the first answer of Redis. */
const CONNECT_TIMEOUT_MS = 5000;
const GRACE_MS = 500;
const LONGEST_RETRY_DELAY_MS = 500;
/** Time for an ended connection to be closed by the other side. */
const DISCONNECT_MS = 200;
const RESEND_DELAY_MS = 100;
const MOST_REPORTED = 1000;

/** Answers of Redis to a wrong or missing password. */
const REFUSED_PASSWORD = /WRONGPASS|NOAUTH|invalid password|without any password configured/;

/** Warning of coordinator and hosts. */
export const UNSIGNED = `${SECRET_VARIABLE} is not set: every client of this Redis can change the result`;

export interface Link {
  readonly peers: Peers;
  readonly redis: RedisClient;
  /** Host and port, without credentials. */
  readonly address: string;
  /** Time since Redis answered last, in ms; 0 while it answers. */
  readonly awayMs: number;
  /**
   * Runs a command. One whose connection breaks, or whose answer is garbled, is run again: each is written so that a
   * second time changes nothing.
   *
   * @throws RunError ERR_REDIS_REFUSED where Redis answers with an error
   */
  ask<T>(command: () => Promise<T>): Promise<T>;
  /** Signs and checks messages. */
  readonly seals: Seals;
  /** Reads a message; undefined where it is nonsense, which is reported. */
  skipNonsense<T>(what: string, read: () => T): T | undefined;
  /** Reports, once, what was found wrong with a key. */
  report(what: string, problem: string): void;
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
  const seals = sealsOf(await readSecret());
  const peers = await loadPeers();
  const info = await probe(peers, address);
  const pulses = new Map<RedisClient, Pulse>();
  let isClosed = false;

  /**
   * Keeps track of a client and of its duplicates: a duplicate that is not closed would reconnect for ever. BullMQ waits for
   * the end of a client that it disconnects, and connects one that has ended again.
   */
  function keep(client: RedisClient): RedisClient {
    const pulse = new Pulse(client);
    pulses.set(client, pulse);
    client.on("error", (error) => log.debug({ address: address.shown, reason: reasonOf(error) }, "Redis"));
    guardParser(client);
    const readyCheck = client.info.bind(client);
    client.info = async (...listeners) => (listeners.length > 0 ? readyCheck(...listeners) : info);
    client.on("end", () => {
      pulses.delete(client);
      pulse.stop();
    });
    const duplicate = client.duplicate.bind(client);
    const connect = client.connect.bind(client);
    const disconnect = client.disconnect.bind(client);
    client.duplicate = (options) => keep(duplicate(options));
    client.connect = () => {
      if (isClosed) return Promise.reject(new Error("Connection is closed."));
      pulses.set(client, pulse);
      pulse.start();
      return connect();
    };
    client.disconnect = (reconnects) => {
      // ioredis ends a client that connects, and none that waits to connect again.
      if (!reconnects && client.status === "reconnecting") connect().catch(() => {});
      disconnect(reconnects);
    };
    if (isClosed) end(client);
    return client;
  }

  function end(client: RedisClient): void {
    client.disconnect();
    // A frozen Redis never answers the end of the connection.
    client.stream?.destroy();
  }

  const redis = keep(new peers.Redis({ ...optionsOf(address), retryStrategy: retryDelayMs }));
  const pulse = pulses.get(redis) ?? new Pulse(redis);
  const reported = new Set<string>();
  const report = (what: string, problem: string) => {
    if (reported.has(what) || reported.size >= MOST_REPORTED) return;
    reported.add(what);
    log.warn({ address: address.shown, key: printable(what) }, `skipped: ${printable(problem)}`);
  };
  return {
    peers,
    redis,
    seals,
    report,
    skipNonsense: (what, read) => {
      try {
        return read();
      } catch (error) {
        if (!(error instanceof NonsenseError)) throw error;
        report(what, error.message);
        return undefined;
      }
    },
    address: address.shown,
    get awayMs() {
      return pulse.awayMs;
    },
    async ask(command) {
      for (;;) {
        try {
          const [answer] = await Promise.all([command(), pulse.inStep()]);
          return answer;
        } catch (error) {
          if (isClosed || !(isTransportFault(error) || (await isOutOfStep(pulse)))) {
            throw redisFault(address.shown, error);
          }
          log.debug({ address: address.shown, reason: reasonOf(error) }, "a command is sent again");
          await sleep(RESEND_DELAY_MS);
        }
      }
    },
    close() {
      isClosed = true;
      for (const each of pulses.values()) each.stop();
      for (const client of pulses.keys()) end(client);
    },
  };
}

/** Ends a connection whose bytes the parser cannot take, such as arrays nested deeper than the stack. */
function guardParser(client: RedisClient): void {
  client.on("connect", () => {
    const { stream } = client;
    if (stream === undefined || stream === null) return;
    const emit: (event: string | symbol, ...given: unknown[]) => boolean = stream.emit.bind(stream);
    const guarded = (event: string | symbol, ...given: unknown[]): boolean => {
      try {
        return emit(event, ...given);
      } catch (error) {
        stream.destroy(new Error(`expected answers of Redis, found other bytes: ${reasonOf(error)}`));
        return true;
      }
    };
    Object.defineProperty(stream, "emit", { value: guarded });
  });
}

/** Whether an answer can be that to another command. */
function isOutOfStep(pulse: Pulse): Promise<boolean> {
  return pulse.inStep().then(
    () => false,
    () => true,
  );
}

/** Errors of ioredis and its parser where the connection broke, or what came was not Redis' protocol. */
function isTransportFault(error: unknown): boolean {
  if (!isError(error)) return false;
  return (
    error instanceof OutOfStepError ||
    /^(ParserError|AbortError|ConnectionClosedError)$/.test(error.name) ||
    /^Connection is closed/.test(error.message)
  );
}

/** Connects once, without retries: a fault at the start does not go away. */
async function probe({ Redis }: Peers, address: RedisAddress): Promise<string> {
  const client = new Redis({
    ...optionsOf(address),
    lazyConnect: true,
    connectTimeout: 2 * CONNECT_TIMEOUT_MS,
    retryStrategy: () => null,
  });
  const failures: Error[] = [];
  client.on("error", (error) => failures.push(error));
  guardParser(client);
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    const seconds = CONNECT_TIMEOUT_MS / 1000;
    const late = () => reject(new Error(`no answer within ${seconds} s`));
    // On a busy machine the answer may have arrived and not been read yet.
    timer = setTimeout(() => (timer = setTimeout(late, GRACE_MS)), CONNECT_TIMEOUT_MS - GRACE_MS);
  });
  try {
    const check = async () => {
      await client.connect();
      await assertPermitted(client, address.shown);
      return readInfo(client, address.shown);
    };
    return await Promise.race([check(), deadline]);
  } catch (error) {
    if (error instanceof RunError) throw error;
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
    client.stream?.destroy();
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
    disconnectTimeout: DISCONNECT_MS,
    maxRetriesPerRequest: null,
  };
}

function retryDelayMs(times: number): number {
  return Math.min(LONGEST_RETRY_DELAY_MS, 25 * 2 ** times);
}

/** Turns an error that Redis answered (out of memory, read-only, not allowed) into a RunError; returns any other error as it is. */
export function redisFault(address: string, error: unknown): unknown {
  if (!isError(error) || !isReply(error)) return error;
  const { command } = error as { command?: { name?: unknown } };
  const name =
    typeof command?.name === "string" && !error.message.includes("command") ? `${command.name}: ` : "";
  return new RunError(
    "ERR_REDIS_REFUSED",
    { address, reason: `${name}${reasonOf(error)}` },
    { cause: error },
  );
}

/** Errors that Redis answers begin with a word in capitals: OOM, NOPERM, READONLY (redis.io/docs, "RESP protocol"). */
function isReply({ name, message }: Error): boolean {
  return (
    name === "ReplyError" ||
    /^(NOPERM|NOAUTH|OOM|READONLY|MISCONF|LOADING|WRONGTYPE|BUSY|NOSCRIPT|ERR) /.test(message)
  );
}
