/** Watches whether Redis answers: a frozen server and a network that swallows packets keep their connections. */
import { isError } from "#src/base/realm.js";
import type { RedisClient } from "./peers.js";

const TICK_MS = 250;
/** Silence that counts as absence. */
const SILENT_MS = 2000;
/** Connections are made again after each such time without an answer: bytes that got lost never come. */
const RENEW_MS = 5000;

export class Pulse {
  readonly #redis: RedisClient;
  readonly #renew: () => void;
  readonly #timer: NodeJS.Timeout;
  #tickedAtMs = performance.now();
  #silentMs = 0;
  #renewedAtMs = 0;
  #isAsking = false;
  #isLost = false;

  /** @param renew called when Redis has been silent for RENEW_MS, and again after each further RENEW_MS */
  constructor(redis: RedisClient, renew: () => void) {
    this.#redis = redis;
    this.#renew = renew;
    redis.on("close", () => {
      this.#isLost = true;
    });
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
  }

  /** Time since Redis answered last, in ms; 0 while it answers. */
  get awayMs(): number {
    return this.#isLost || this.#silentMs >= SILENT_MS ? Math.max(1, this.#silentMs) : 0;
  }

  stop(): void {
    clearInterval(this.#timer);
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
    this.#redis.ping().then(
      () => this.#answered(),
      (error: unknown) => {
        // An answer that refuses the command is an answer. After any other error the next tick asks again.
        if (isError(error) && error.name === "ReplyError") this.#answered();
        else this.#isLost = true;
        this.#isAsking = this.#isLost;
        if (this.#isLost) setTimeout(() => this.#ask(), TICK_MS).unref();
      },
    );
  }

  #answered(): void {
    this.#isAsking = false;
    this.#isLost = false;
    this.#silentMs = 0;
    this.#renewedAtMs = 0;
  }
}
