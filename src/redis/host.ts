/** A host at work: takes part in the oldest run that is attended and that it does not refuse, until it is told to stop. */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { pid } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { BatchwiseError, RunError, reasonOf } from "#src/base/errors.js";
import type { OpenExecutor } from "#src/evaluate/evaluate.js";
import type { Prepared } from "#src/evaluate/prepare.js";
import { type HostHooks, type HostOptions, openRun, runRange } from "./host-run.js";
import { type Link, redisFault } from "./link.js";
import type { QueueWorker } from "./peers.js";
import { Records, type RunRecord } from "./records.js";
import type { RangeAnswer, RangeJob, RunSpec } from "./spec.js";
import { QUEUE_PREFIX } from "./spec.js";

/** A job whose host says nothing for so long belongs to the next. */
const LOCK_MS = 3000;
const STALLED_INTERVAL_MS = 2000;
/** How often a range may be lost with its host. That says nothing against the range, unlike its attempts. */
const MOST_LOST = 100;
const LOOK_INTERVAL_MS = 100;
const PRESENCE_INTERVAL_MS = 1000;
/** Redis may come back empty; its coordinator then writes the run down again. */
const UNATTENDED_MS = 5000;
/** What is under way is given so long to end. */
const CLOSE_MS = 10_000;

interface ServedRun {
  readonly spec: RunSpec;
  readonly worker: QueueWorker;
  attendedAtMs: number;
}

export interface ServeHooks extends HostHooks {
  note(text: string): void;
}

/**
 * Until the signal is aborted; what is under way then is ended first, unless that takes too long.
 *
 * @throws RunError ERR_REDIS_REFUSED
 */
export async function serve(
  link: Link,
  open: OpenExecutor,
  options: HostOptions,
  hooks: ServeHooks,
): Promise<void> {
  const { signal, log, note } = hooks;
  const records = new Records(link.redis);
  const host = `${hostname()}-${pid}-${randomBytes(2).toString("hex")}`;
  /** Why, by run. */
  const refused = new Map<string, string>();
  let threads = 0;
  let served: ServedRun | undefined;
  /** The pair and the pool of the last run: the next may be over the same. */
  let kept: { readonly work: string; readonly prepared: Prepared } | undefined;

  const showPresence = () =>
    records
      .showPresence({
        host,
        threads,
        runId: served?.spec.runId ?? null,
        refused: Object.fromEntries(refused),
      })
      .catch((error: unknown) => log.debug({ reason: reasonOf(error) }, "presence"));
  const presence = setInterval(showPresence, PRESENCE_INTERVAL_MS);

  async function prepareFor(spec: RunSpec): Promise<Prepared> {
    const work = JSON.stringify({ ...spec, runId: "", packed: false });
    if (kept?.work !== work) {
      await release();
      kept = { work, prepared: await openRun(open, spec, options, hooks) };
    }
    return kept.prepared;
  }

  async function release(): Promise<void> {
    const released = kept;
    kept = undefined;
    await released?.prepared.executor.close();
  }

  async function begin({ spec }: RunRecord): Promise<void> {
    const { runId } = spec;
    try {
      const prepared = await prepareFor(spec);
      // Whoever was told to stop meanwhile has gone on without waiting for this.
      if (signal.aborted) return await release();
      threads = prepared.executor.capacity;
      const work = workOf({ host, spec, prepared, records, hooks });
      served = { spec, worker: listen(link, runId, work, hooks), attendedAtMs: performance.now() };
      note(`takes part in run ${runId}`);
    } catch (error) {
      if (signal.aborted) return;
      const reason = refusalText(error);
      refused.set(runId, reason);
      note(`refuses run ${runId}: ${reason}`);
    }
    await showPresence();
  }

  async function end(): Promise<void> {
    if (served === undefined) return;
    const { spec, worker } = served;
    served = undefined;
    await Promise.race([worker.close(), sleep(CLOSE_MS, undefined, { ref: false })]);
    note(`has left run ${spec.runId}`);
  }

  /** Whether the run that is served is to be left. */
  async function isOver({ spec, attendedAtMs }: ServedRun): Promise<boolean> {
    const run = await records.run(spec.runId);
    // Written down anew it may be another.
    if (run !== undefined && (run.state !== "open" || run.spec.key !== spec.key)) return true;
    return performance.now() - attendedAtMs > UNATTENDED_MS;
  }

  async function look(): Promise<void> {
    if (served !== undefined) {
      if (await records.isAttended(served.spec.runId)) served.attendedAtMs = performance.now();
      if (await isOver(served)) await end();
      return;
    }
    for (const run of await records.runs()) {
      const { runId } = run.spec;
      if (run.state !== "open" || refused.has(runId) || !(await records.isAttended(runId))) continue;
      return begin(run);
    }
  }

  async function lookUntilAborted(): Promise<void> {
    try {
      while (!signal.aborted) {
        await untilAborted(signal, look());
        await sleep(LOOK_INTERVAL_MS, undefined, { signal }).catch(() => {});
      }
    } finally {
      await end();
      await release();
    }
  }

  try {
    await showPresence();
    await lookUntilAborted().catch((error: unknown) => {
      throw redisFault(link, error);
    });
    if (link.awaySinceMs === undefined) await records.endPresence(host);
  } finally {
    clearInterval(presence);
  }
}

interface Work {
  readonly host: string;
  readonly spec: RunSpec;
  readonly prepared: Prepared;
  readonly records: Records;
  readonly hooks: ServeHooks;
}

/** A job's range, evaluated. Each image's answers are there before their counts are, so that who has these finds those. */
function workOf({ host, spec, prepared, records, hooks: { log } }: Work) {
  const running = new AbortController();
  return async ({ data: { offset, limit } }: { readonly data: RangeJob }): Promise<RangeAnswer> => {
    const { answer, packed } = await runRange(prepared, { offset, limit }, spec.packed, running.signal, log);
    if (packed !== undefined) await records.writePacked(spec.runId, offset, packed);
    log.debug({ run: spec.runId, offset, limit, elapsedMs: answer.elapsedMs }, "a range is done");
    return { ...answer, host };
  };
}

function listen(
  { peers, redis }: Link,
  runId: string,
  work: ReturnType<typeof workOf>,
  { log }: ServeHooks,
): QueueWorker {
  const worker = new peers.Worker<RangeJob, RangeAnswer>(runId, work, {
    connection: redis,
    prefix: QUEUE_PREFIX,
    // The pool has the threads; a second job would only wait here where another host could have it.
    concurrency: 1,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_INTERVAL_MS,
    maxStalledCount: MOST_LOST,
  });
  worker.on("error", (error) => log.debug({ reason: reasonOf(error) }, "the queue"));
  worker.on("stalled", (jobId) => log.info({ run: runId, job: jobId }, "a job was lost with its host"));
  return worker;
}

/** A command to a Redis that is away waits for it; who is told to stop does not. */
async function untilAborted(signal: AbortSignal, work: Promise<void>): Promise<void> {
  let stop = () => {};
  const aborted = new Promise<void>((resolve) => {
    stop = resolve;
    signal.addEventListener("abort", stop, { once: true });
  });
  await Promise.race([work, aborted]);
  signal.removeEventListener("abort", stop);
}

function refusalText(error: unknown): string {
  if (error instanceof BatchwiseError) return `${error.code}: ${error.message}`;
  return new RunError("ERR_INTERNAL", { problem: reasonOf(error) }).message;
}
