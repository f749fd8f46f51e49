/** A host: takes part in the oldest open run that it does not refuse, until it is told to stop. */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { pid } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { ImageRange } from "#src/base/contracts/dataset.js";
import { atLeast, BatchwiseError, type ErrorCode, reasonOf } from "#src/base/errors.js";
import type { OpenExecutor } from "#src/evaluate/evaluate.js";
import { type HostHooks, type HostOptions, type HostRun, openRun, runRange } from "./host-run.js";
import type { Link } from "./link.js";
import { parsed, type RangeAnswer, type RangeJob, type RunSpec, rangeJob } from "./messages.js";
import type { QueueWorker } from "./peers.js";
import { atMost, untilAborted } from "./pulse.js";
import { LOCK_MS, type QueuedJob } from "./range-queue.js";
import { Records, type RunRecord } from "./records.js";
import { NonsenseError } from "./seal.js";
import { aboutJob, QUEUE_PREFIX, rangeOfJob } from "./spec.js";

const STALLED_INTERVAL_MS = 2000;
/** How often a range may be lost with its host. A loss says nothing against the range; a failed attempt does. */
const MOST_LOST = 100;
const LOOK_INTERVAL_MS = 100;
/** Refused runs that are remembered. */
const MOST_REFUSED = 1000;
const PRESENCE_INTERVAL_MS = 1000;
/** A coordinator that has seen none of this many latest messages of the host is gone: its sign was written again. */
const MOST_BEATS_AGO = 5;
/** Redis may come back empty; the coordinator then writes the run down again within this time. */
const UNATTENDED_MS = 5000;
/** Time for the job under way to end when the host leaves a run, while Redis answers. */
const CLOSE_MS = 7000;
/** Longest wait after an error of the queue, and in a queue with a limit: another client has set it. */
const RETRY_MS = 1000;
/** Time for the last word to Redis. */
const FAREWELL_MS = 1000;
/** Longest wait for a job in one command, in seconds. */
const DRAIN_SECONDS = 2;

/**
 * `looking`: for a run to serve. `preparing`: data and network of a run are loaded. `serving`: jobs of a run are computed.
 * `stopped`: the signal was aborted.
 */
type HostState =
  | { readonly name: "looking" }
  | { readonly name: "preparing"; readonly spec: RunSpec }
  | { readonly name: "serving"; readonly spec: RunSpec; readonly worker: QueueWorker; attendedAtMs: number }
  | { readonly name: "stopped" };

/** Data, network and pool of a run. The next run may be over the same. */
interface Loaded {
  /** What must be equal for another run to use it. */
  readonly key: string;
  readonly run: HostRun;
}

export interface ServeHooks extends HostHooks {
  note(text: string): void;
}

/**
 * Serves runs until the signal is aborted. The job under way then ends first, if it does so within CLOSE_MS.
 *
 * @throws RunError ERR_REDIS_REFUSED
 */
export function serve(
  link: Link,
  open: OpenExecutor,
  options: HostOptions,
  hooks: ServeHooks,
): Promise<void> {
  return new Host(link, open, options, hooks).serve();
}

class Host {
  readonly #link: Link;
  readonly #open: OpenExecutor;
  readonly #options: HostOptions;
  readonly #hooks: ServeHooks;
  readonly #records: Records;
  readonly #name = `${hostname()}-${pid}-${randomBytes(2).toString("hex")}`;
  /** Reasons, by run. */
  readonly #refused = new Map<string, string>();
  #state: HostState = { name: "looking" };
  #loaded: Loaded | undefined;
  #threads = 0;
  #beat = 0;

  constructor(link: Link, open: OpenExecutor, options: HostOptions, hooks: ServeHooks) {
    this.#link = link;
    this.#open = open;
    this.#options = options;
    this.#hooks = hooks;
    this.#records = new Records(link);
  }

  async serve(): Promise<void> {
    const presence = setInterval(() => this.#showPresence(), PRESENCE_INTERVAL_MS);
    try {
      // A Redis that answers other commands never takes it.
      await untilAborted(this.#hooks.signal, this.#showPresence());
      await this.#lookUntilAborted();
      if (this.#link.awayMs === 0) await atMost(FAREWELL_MS, this.#records.endPresence(this.#name));
    } finally {
      clearInterval(presence);
    }
  }

  async #lookUntilAborted(): Promise<void> {
    const { signal } = this.#hooks;
    try {
      while (!signal.aborted) {
        await untilAborted(signal, this.#look());
        await sleep(LOOK_INTERVAL_MS, undefined, { signal }).catch(() => {});
      }
    } finally {
      await this.#leave();
      this.#state = { name: "stopped" };
      await this.#unload();
    }
  }

  /** Leaves a run that is over, or begins the oldest that is coordinated and not refused. */
  async #look(): Promise<void> {
    const state = this.#state;
    if (state.name === "serving") {
      if (await this.#isAttended(state.spec)) state.attendedAtMs = performance.now();
      if (await this.#isOver(state.spec, state.attendedAtMs)) await this.#leave();
      return;
    }
    for (const run of await this.#records.runs()) {
      const { runId } = run.spec;
      if (run.state !== "open" || this.#refused.has(runId)) continue;
      if (await this.#isAttended(run.spec)) return this.#begin(run);
    }
  }

  /** Whether the coordinator of a run has seen this host a moment ago. */
  async #isAttended(run: RunSpec): Promise<boolean> {
    const beat = (await this.#records.beatsSeen(run))?.get(this.#name);
    return beat !== undefined && this.#beat - beat <= MOST_BEATS_AGO;
  }

  /** Whether the run that is served has ended, was replaced by another of its name, or is not coordinated any more. */
  async #isOver({ runId, key, nonce }: RunSpec, attendedAtMs: number): Promise<boolean> {
    const run = await this.#records.run(runId);
    if (run !== undefined && (run.state !== "open" || run.spec.key !== key || run.spec.nonce !== nonce))
      return true;
    return performance.now() - attendedAtMs > UNATTENDED_MS;
  }

  async #begin({ spec }: RunRecord): Promise<void> {
    const { signal, note } = this.#hooks;
    const { runId } = spec;
    this.#state = { name: "preparing", spec };
    try {
      const run = await this.#load(spec);
      // `serve` has not waited for the loading when it was told to stop.
      if (signal.aborted) return await this.#unload();
      this.#threads = run.runner.capacity;
      const worker = this.#listen(spec, run);
      this.#state = { name: "serving", spec, worker, attendedAtMs: performance.now() };
      note(`takes part in run ${runId}`);
    } catch (error) {
      if (signal.aborted) return;
      this.#state = { name: "looking" };
      // A signal ends all loading before it ends `serve`: the run is not at fault.
      if (INTERRUPTIONS.has(codeOf(error))) return;
      // A message can repeat bytes of a file: it stays on this machine.
      this.#refused.set(runId, codeOf(error));
      if (this.#refused.size > MOST_REFUSED) this.#refused.delete(atLeast([...this.#refused.keys()], 1)[0]);
      note(`refuses run ${runId}: ${codeOf(error)}: ${reasonOf(error)}`);
    }
    await this.#showPresence();
  }

  async #leave(): Promise<void> {
    if (this.#state.name !== "serving") return;
    const { spec, worker } = this.#state;
    this.#state = { name: "looking" };
    const closing = worker.close();
    for (let ms = 0; ms < CLOSE_MS && this.#link.awayMs === 0; ms += LOOK_INTERVAL_MS) {
      if (
        await atMost(
          LOOK_INTERVAL_MS,
          closing.then(() => true),
        )
      )
        break;
    }
    closing.catch(() => {});
    this.#hooks.note(`has left run ${spec.runId}`);
  }

  async #load(spec: RunSpec): Promise<HostRun> {
    const key = JSON.stringify({ ...spec, runId: "", nonce: "", packed: false });
    if (this.#loaded?.key !== key) {
      await this.#unload();
      this.#loaded = { key, run: await openRun(this.#open, spec, this.#options, this.#hooks) };
    }
    return this.#loaded.run;
  }

  async #unload(): Promise<void> {
    const loaded = this.#loaded;
    this.#loaded = undefined;
    await loaded?.run.runner.close();
  }

  /** Takes jobs of the run, one at a time. */
  #listen(spec: RunSpec, run: HostRun): QueueWorker {
    const { peers, redis } = this.#link;
    const { log } = this.#hooks;
    const { runId } = spec;
    const running = new AbortController();
    const compute = async (range: ImageRange): Promise<RangeAnswer> => {
      const { offset, limit } = range;
      const { answer, packed } = await runRange(run, range, spec.packed, running.signal, log);
      // Each image's answers are in Redis before their counts are: who finds the counts finds the answers.
      if (packed !== undefined) await this.#records.writePacked(runId, offset, packed);
      log.debug({ run: runId, offset, limit, elapsedMs: answer.elapsedMs }, "a range is done");
      return { ...answer, host: this.#name };
    };
    const answer = async ({ id = "", data }: QueuedJob): Promise<string> => {
      const named = rangeOfJob(id) ?? NO_RANGE;
      const about = aboutJob(spec, named);
      const sealed = (value: object) => this.#link.seals.seal("answer", about, JSON.stringify(value));
      try {
        const job = parsed(rangeJob, this.#link.seals.open("job", about, data));
        assertOfRun(job, named, spec);
        return sealed(await compute(named));
      } catch (error) {
        if (error instanceof NonsenseError) this.#link.report(`job ${id}`, error.message);
        else log.warn({ run: runId, job: id, reason: reasonOf(error) }, "a range failed");
        throw new Error(sealed({ host: this.#name, code: codeOf(error) }));
      }
    };
    const worker = new peers.Worker<string, string>(runId, answer, {
      connection: redis,
      prefix: QUEUE_PREFIX,
      // The pool has the threads; a second job would only wait here while another host could have it.
      concurrency: 1,
      lockDuration: LOCK_MS,
      drainDelay: DRAIN_SECONDS,
      stalledInterval: STALLED_INTERVAL_MS,
      maxStalledCount: MOST_LOST,
      maximumRateLimitDelay: RETRY_MS,
      runRetryDelay: RETRY_MS,
    });
    worker.on("error", (error) => log.debug({ reason: reasonOf(error) }, "the queue"));
    worker.on("stalled", (jobId) => log.info({ run: runId, job: jobId }, "a job was lost with its host"));
    return worker;
  }

  /** Writes down that the host is there. A Redis that is away is told later. */
  async #showPresence(): Promise<void> {
    const runId = this.#state.name === "serving" ? this.#state.spec.runId : null;
    const refused = Object.fromEntries(this.#refused);
    const presence = { host: this.#name, beat: ++this.#beat, threads: this.#threads, runId, refused };
    await this.#records.showPresence(presence).catch((error: unknown) => {
      this.#hooks.log.debug({ reason: reasonOf(error) }, "presence");
    });
  }
}

function codeOf(error: unknown): ErrorCode {
  if (error instanceof NonsenseError) return "ERR_RANGE_JOB";
  return error instanceof BatchwiseError ? error.code : "ERR_INTERNAL";
}

const INTERRUPTIONS: ReadonlySet<ErrorCode> = new Set(["ERR_INTERRUPTED", "ERR_TERMINATED"]);
const NO_RANGE: ImageRange = { offset: 0, limit: 0 };

/** @throws NonsenseError where the job is not of its range and its run */
function assertOfRun(
  job: RangeJob,
  { offset, limit }: ImageRange,
  { range, dataset, network }: RunSpec,
): void {
  const isOfId = job.offset === offset && job.limit === limit;
  const isWithin = offset >= range.offset && offset + limit <= range.offset + range.limit;
  const isSame = job.dataset === dataset.sha256 && job.network === network.sha256;
  if (!isOfId || !isWithin || !isSame) throw new NonsenseError("expected a range of the run, found another");
}
