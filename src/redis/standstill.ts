/** Notices a run that makes no progress although hosts serve it, because another client changes its keys. Renews its queue. */
import type { ImageRange } from "#src/base/contracts/dataset.js";
import { RunError } from "#src/base/errors.js";
import type { Link } from "./link.js";
import { LOCK_MS, type RangeQueue } from "./range-queue.js";
import type { HostWatch } from "./run-progress.js";

/** Time without an answer after which the locks are read. */
const IDLE_MS = 1000;
/** Time between two reads of the locks. A lock that is in both was renewed by a host that computes. */
const HELD_MS = LOCK_MS + 500;
/** A run ends with an error after its jobs were lost this many times without an answer in between. */
const MOST_LOSSES = 4;
/** Shortest time without an answer before that error. `--patience` may be longer. */
const LEAST_DISTURBED_MS = 20_000;

export class Standstill {
  readonly #link: Link;
  readonly #queue: RangeQueue;
  readonly #hosts: HostWatch;
  #movedAtMs: number;
  /** Start of the current wait for an answer. */
  #sinceMs: number;
  /** Number of times that jobs were lost since the last answer. */
  #losses = 0;
  /** Locks at the first read; undefined while the run makes progress. */
  #before: { readonly locks: ReadonlySet<string>; readonly atMs: number } | undefined;

  constructor(link: Link, queue: RangeQueue, hosts: HostWatch, beganAtMs: number) {
    this.#link = link;
    this.#queue = queue;
    this.#hosts = hosts;
    this.#movedAtMs = beganAtMs;
    this.#sinceMs = beganAtMs;
  }

  /** Records an answer, or a range that was given up. */
  noteMove(nowMs: number): void {
    this.#movedAtMs = nowMs;
    this.#sinceMs = nowMs;
    this.#losses = 0;
  }

  /** Records that jobs were no longer in Redis. */
  noteLoss(): void {
    this.#losses++;
  }

  /** Adds the jobs again if hosts serve the run and none of them holds a job. */
  async mend(ranges: readonly ImageRange[], nowMs: number): Promise<void> {
    if (ranges.length === 0 || !this.#hosts.areServing || nowMs - this.#sinceMs < IDLE_MS) {
      this.#before = undefined;
      return;
    }
    const before = this.#before;
    if (before !== undefined && nowMs - before.atMs < HELD_MS) return;
    const locks = await this.#queue.locks(ranges);
    this.#before = { locks, atMs: nowMs };
    // Jobs that no host can begin are locked again with new locks.
    if (before === undefined || [...locks].some((lock) => before.locks.has(lock))) return;
    this.#sinceMs = nowMs;
    this.noteLoss();
    this.#link.report("queue", "expected jobs that hosts can take, found none; they are added again");
    await this.#queue.renew(ranges);
  }

  /** @throws RunError ERR_RUN_DISTURBED if jobs are lost repeatedly, and no answer has come for `patienceMs` */
  assertMoving(runId: string, nowMs: number, patienceMs: number): void {
    const limitMs = Math.max(patienceMs, LEAST_DISTURBED_MS);
    if (this.#losses < MOST_LOSSES || nowMs - this.#movedAtMs <= limitMs) return;
    const facts = { address: this.#link.address, runId, seconds: Math.round(limitMs / 1000) };
    throw new RunError("ERR_RUN_DISTURBED", facts);
  }
}
