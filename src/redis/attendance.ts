/** Who is there to work on a run, and for how long there has been nobody. */
import { RunError } from "#src/base/errors.js";
import type { HostPresence } from "./records.js";

/** All hosts that there are have refused for so long: another may still come. */
const REFUSED_MS = 5000;

export class Attendance {
  readonly #runId: string;
  #hosts: readonly HostPresence[] = [];
  /** When any host was seen last, and when there was last none that had refused. */
  #seenAtMs: number;
  #acceptedAtMs: number;

  constructor(runId: string, beganAtMs: number) {
    this.#runId = runId;
    this.#seenAtMs = beganAtMs;
    this.#acceptedAtMs = beganAtMs;
  }

  /** Those that were there at the last look. */
  get hosts(): readonly HostPresence[] {
    return this.#hosts;
  }

  note(hosts: readonly HostPresence[], nowMs: number): void {
    this.#hosts = hosts;
    if (hosts.length > 0) this.#seenAtMs = nowMs;
    const haveAllRefused =
      hosts.length > 0 && hosts.every(({ refused }) => Object.hasOwn(refused, this.#runId));
    if (!haveAllRefused) this.#acceptedAtMs = nowMs;
  }

  /** @throws RunError ERR_HOSTS_ABSENT after `patienceMs` without a host; ERR_HOSTS_REFUSED where none takes part */
  assertAtWork(nowMs: number, patienceMs: number): void {
    if (nowMs - this.#seenAtMs > patienceMs) {
      throw new RunError("ERR_HOSTS_ABSENT", { seconds: Math.round(patienceMs / 1000) });
    }
    const [first] = this.#hosts;
    if (first === undefined || nowMs - this.#acceptedAtMs < REFUSED_MS) return;
    const reason = first.refused[this.#runId] ?? "";
    throw new RunError("ERR_HOSTS_REFUSED", { host: first.host, reason, hosts: this.#hosts.length });
  }
}
