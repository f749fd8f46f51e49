/** The contract of runners: what they evaluate, where the batches are computed, and the outcome. */
import type { PartialCounts } from "#src/base/contracts/journal.js";
import type { Log } from "#src/base/contracts/run.js";
import type { RunFacts, TimelineEntry } from "#src/base/contracts/run-facts.js";
import type { SlabStream } from "#src/base/slab.js";
import type { Resumption } from "#src/evaluate/journal/resume.js";
import type { DownloadNotice } from "#src/files/catalog.js";
import type { TaskSize } from "#src/pool/plan.js";
import type { EvaluationPlan, Listener } from "./listeners.js";
import type { AnyPair } from "./open-inputs.js";
import type { EvaluateInput, EvaluateOptions } from "./options.js";

/** What a runner evaluates: images of an open data set by a loaded network. */
export interface Work {
  readonly options: EvaluateOptions;
  /** Data and network. The slabs have buffers for probabilities if these are requested. */
  readonly pair: AnyPair;
  /** Counts of an earlier run, and the ranges that it left. Default: the whole range is left. */
  readonly resumption?: Resumption | undefined;
  /** Slabs that are in memory already. Default: those of `pair`. */
  readonly slabs?: SlabStream | undefined;
  /** Size of tasks that belong to one thread. Default: depends on the engine. */
  readonly taskSize?: TaskSize | undefined;
  /** Aborting ends the run; the outcome has what was done. */
  readonly signal: AbortSignal;
  readonly log: Log;
}

/** What a run counted, and how long it took. */
export interface Outcome {
  /** Integers of all merged images, those of the journal included. */
  readonly counts: PartialCounts;
  /** (images) u16, the predicted classes; empty if they are not kept. */
  readonly predictions: Uint16Array;
  /** (images × classes) f64, row-major; null if they are not kept. */
  readonly probabilities: Float64Array | null;
  readonly timeline: readonly TimelineEntry[];
  /** Who computed, and how the work was shared. */
  readonly run: Pick<
    RunFacts,
    | "executor"
    | "threads"
    | "workersStarted"
    | "batchesByThread"
    | "batches"
    | "retries"
    | "fallback"
    | "hosts"
  >;
  /** Images merged by this run, without those of the journal. */
  readonly evaluatedImages: number;
  /** Time from the first dispatched batch to the last merged batch. */
  readonly evaluateMs: number;
  /** Time until the first worker was ready; 0 if none was started. */
  readonly startPoolMs: number;
  /** Time of each batch on its thread; an even sample of many. */
  readonly latenciesMs: Float64Array;
  /** Time of each task from its dispatch to its answer; an even sample of many. Empty over Redis. */
  readonly roundTripsMs: Float64Array;
  /** Why images are missing; undefined if none is. */
  readonly failure: unknown;
}

/** Computes batches on this thread, in a pool of workers, or on hosts over Redis. */
export interface Runner {
  /** Whether images may be read before the runner is open: for a single run, on this machine. Default: false. */
  readonly readsAhead?: boolean | undefined;
  /** Where hosts find the run; undefined for a runner on this machine. */
  readonly queue?: EvaluationPlan["queue"];
  /** Opens what the work needs. Workers start in the background. If they fail to start, the outcome has the fault. */
  open(work: Work): Promise<void>;
  /** Resolves when every worker is ready. */
  warm(): Promise<void>;
  /**
   * Evaluates the images once. It may be called again after it has ended. A fault of batches, workers, data or listeners is
   * the outcome's `failure`.
   */
  run(work: Work, listeners: readonly Listener[]): Promise<Outcome>;
  /** Ends workers and connections; also after an `open` that failed. */
  close(): Promise<void>;
}

export interface OpenedRunner {
  readonly runner: Runner;
  /** Returns the input with local paths for what only this runner can open, such as a URL. */
  readonly input: EvaluateInput;
}

export interface RunnerHooks {
  readonly signal: AbortSignal;
  readonly log: Log;
  onDownload?(notice: DownloadNotice): void;
}

export type OpenRunner<Input extends EvaluateInput = EvaluateInput> = (
  input: Input,
  hooks: RunnerHooks,
) => Promise<OpenedRunner>;

/** Runners by the name of `--executor`. `evaluate` has `local`; rooms above add others. */
export type RunnerTable<Input extends EvaluateInput = EvaluateInput> = ReadonlyMap<string, OpenRunner<Input>>;
