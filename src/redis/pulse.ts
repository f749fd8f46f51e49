/** Watches whether Redis answers: a frozen server and a network that swallows packets keep their connections. */
import { setTimeout as sleep } from "node:timers/promises";
import { RunError } from "#src/base/errors.js";
import { isError } from "#src/base/realm.js";
import type { RedisClient } from "./peers.js";

const TICK_MS = 250;
/** Silence that counts as absence. */
const SILENT_MS = 2000;
/** Connections are made again after each such time without an answer: bytes that got lost never come. */
const RENEW_MS = 5000;

/** Error of an answer that belongs to another command: bytes were lost or added on the way. */
export class OutOfStepError extends Error {}

/** Asks one connection four times a second for an answer that only this question has, and makes it again where none comes. */
export class Pulse {
  readonly #client: RedisClient;
  #timer: NodeJS.Timeout | undefined;
  #tickedAtMs = performance.now();
  #silentMs = 0;
  #renewedAtMs = 0;
  #isAsking = false;
  #isLost = false;
  #asked = 0;
  #step: Promise<void> | undefined;

  constructor(client: RedisClient) {
    this.#client = client;
    client.on("close", () => {
      this.#isLost = true;
    });
    this.start();
  }

  /** Time since Redis answered last, in ms; 0 while it answers. */
  get awayMs(): number {
    return this.#isLost || this.#silentMs >= SILENT_MS ? Math.max(1, this.#silentMs) : 0;
  }

  start(): void {
    if (this.#timer !== undefined) return;
    this.#answered();
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Resolves when an answer has come that belongs to its question. @throws OutOfStepError */
  inStep(): Promise<void> {
    // One question serves all callers of a turn.
    this.#step ??= new Promise((resolve) => setImmediate(resolve)).then(() => {
      this.#step = undefined;
      return this.#question();
    });
    return this.#step;
  }

  async #question(): Promise<void> {
    const sent = `step ${++this.#asked}`;
    if ((await this.#client.ping(sent)) === sent) return;
    this.#renew();
    throw new OutOfStepError("expected the answer to a command, found that to another");
  }

  /** Commands without an answer are sent again over the next connection. */
  #renew(): void {
    this.#client.stream?.destroy();
  }

  #tick(): void {
    const now = performance.now();
    // A process that was stopped has not listened meanwhile.
    if (this.#isAsking) this.#silentMs += Math.min(now - this.#tickedAtMs, 2 * TICK_MS);
    this.#tickedAtMs = now;
    if (this.#silentMs - this.#renewedAtMs >= RENEW_MS) {
      this.#renewedAtMs = this.#silentMs;
      this.#renew();
    }
    if (!this.#isAsking) this.#ask();
  }

  #ask(): void {
    this.#isAsking = true;
    this.#question().then(
      () => this.#answered(),
      (error: unknown) => {
        // An answer that refuses the command is an answer. After any other error the next tick asks again.
        if (isError(error) && error.name === "ReplyError") this.#answered();
        else this.#isLost = true;
        this.#isAsking = this.#isLost;
        if (this.#isLost && this.#timer !== undefined) setTimeout(() => this.#ask(), TICK_MS).unref();
      },
    );
  }

  #answered(): void {
    this.#isAsking = false;
    this.#isLost = false;
    this.#silentMs = 0;
    this.#renewedAtMs = 0;
    this.#tickedAtMs = performance.now();
  }
}

/** A connection, and how long it has been without an answer. */
interface Answering {
  readonly address: string;
  readonly awayMs: number;
}

/** How long a caller waits for Redis, and when it stops. */
export interface Waiting {
  /** Longest silence of Redis, in ms. */
  readonly awayMs: number;
  readonly signal: AbortSignal;
  /** Time for work under way to end after the signal, in ms, while Redis answers. */
  readonly graceMs: number;
}

/**
 * Resolves as `work` does. Commands wait for a lost or silent Redis; the caller does not. Undefined where the signal was
 * aborted and the work did not end in time.
 *
 * @throws RunError ERR_REDIS_LOST when Redis has been away for `awayMs`
 */
export async function whileAnswering<T>(
  link: Answering,
  work: Promise<T>,
  { awayMs, signal, graceMs }: Waiting,
): Promise<T | undefined> {
  const done = new AbortController();
  const watch = async (): Promise<undefined> => {
    let leftMs = graceMs;
    while (!done.signal.aborted) {
      if (signal.aborted && (leftMs <= 0 || link.awayMs > 0)) return undefined;
      if (link.awayMs > awayMs) {
        throw new RunError("ERR_REDIS_LOST", { address: link.address, seconds: Math.round(awayMs / 1000) });
      }
      await sleep(TICK_MS, undefined, { signal: done.signal }).catch(() => {});
      if (signal.aborted) leftMs -= TICK_MS;
    }
    return undefined;
  };
  try {
    return await Promise.race([work, watch()]);
  } finally {
    done.abort();
    // What is left of the work ends with the link.
    work.catch(() => {});
  }
}

/** Result of the work; undefined where it takes longer. */
export async function atMost<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  const timer = new AbortController();
  const late = sleep(ms, undefined, { signal: timer.signal }).catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
}

/** Commands wait for a Redis that is away; a host that is told to stop does not wait for them. */
export async function untilAborted(signal: AbortSignal, work: Promise<void>): Promise<void> {
  let stop = () => {};
  const aborted = new Promise<void>((resolve) => {
    stop = resolve;
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
  });
  await Promise.race([work, aborted]);
  signal.removeEventListener("abort", stop);
}
