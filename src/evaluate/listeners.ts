/** Listeners watch a run: the journal, the progress display, the predictions file, the report. */
import { IncompleteError, ownSignal } from "#src/base/abort.js";
import type { Assumption } from "#src/base/assumptions.js";
import type { Dataset } from "#src/base/contracts/dataset.js";
import type { OnnxModel } from "#src/base/contracts/engine.js";
import type { Network } from "#src/base/contracts/network.js";
import type { AnyEvaluation, PredictionsFile } from "#src/base/contracts/result.js";
import type { Log } from "#src/base/contracts/run.js";
import { asError, RunError } from "#src/base/errors.js";
import type { Slab } from "#src/base/slab.js";
import type { OnSlab } from "#src/pool/handover.js";
import type { MergedBatch } from "#src/pool/run-batches.js";
import type { EvaluateOptions } from "./options.js";

/** What an evaluation is about to run over. */
export interface EvaluationPlan {
  /** The open data set. */
  readonly dataset: Dataset;
  /** The loaded network; with the engine `onnx` a whole ONNX model. */
  readonly network: Network | OnnxModel;
  /** Assumptions: facts that neither a file nor an option states. */
  readonly assumptions: readonly Assumption[];
  /** All options, defaults filled in. */
  readonly options: EvaluateOptions;
  /** Images of the run, or of its shard. */
  readonly totalImages: number;
  /** Images that an earlier run counted, by the journal. */
  readonly doneImages: number;
  /** Batches that are left. */
  readonly batches: number;
  /** Where hosts find the run; undefined for a run on this machine. */
  readonly queue?: QueuePlace | undefined;
}

/** Where a run over Redis is found. */
export interface QueuePlace {
  /** Address of Redis, without a password. */
  readonly address: string;
  /** Name of the run within it. */
  readonly runId: string;
}

/** Number of images whose answers are merged. */
export interface Progress {
  /** Images merged so far, those of the journal included. */
  readonly doneImages: number;
  /** Images of the run. A comparison counts each image once per network that it evaluates. */
  readonly totalImages: number;
  /** Hosts of a run over Redis; undefined for a run on this machine. */
  readonly hosts?: HostsProgress | undefined;
}

/** Progress of a run over Redis, host by host. */
export interface HostsProgress {
  /** Hosts that are connected now. */
  readonly present: number;
  /** Images that each host has answered, by the host's name. */
  readonly shares: readonly HostShare[];
}

/** What one host has answered. */
export interface HostShare {
  /** Name of the host. */
  readonly host: string;
  /** Number of images. */
  readonly images: number;
}

/** Hooks to observe and to stop a run. */
export interface RunHooks {
  /** Aborting ends the run, which then throws an IncompleteError with what was done. */
  readonly signal?: AbortSignal;
  /** Called once per batch, after its answer was merged. An error thrown here, or a rejected promise, ends the run. */
  onProgress?(progress: Progress): void;
  /**
   * Called slab by slab, in order, when all images of a slab have answers, with pixels, labels, predictions and (where
   * requested) probabilities; awaited before the slab is used again. Slabs with failed batches are left out. A run with
   * `resume` passes parts of a slab, of at least 1,024 images except for the last part. A run that ends early passes the
   * images of the current slab before the first that is missing. An error thrown here ends the run. After an abort, it is
   * awaited for at most 5 seconds.
   */
  readonly onSlab?: OnSlab;
  /** Default: silent. */
  readonly log?: Log;
}

/** The hooks as a listener. Hooks that are missing are left out, so that no batch pays for them. */
export function runListener(hooks: Pick<RunHooks, "onProgress" | "onSlab" | "signal">): Listener {
  const { onSlab } = hooks;
  const signal = hooks.signal && ownSignal(hooks.signal);
  return {
    ...(hooks.onProgress !== undefined && watchedProgress(hooks.onProgress.bind(hooks))),
    ...(onSlab !== undefined && { slab: (slab) => awaited(onSlab(slab), signal) }),
  };
}

/** Time for which a hook is awaited after the run was aborted. */
const GRACE_MS = 5_000;

/** Ends with the answer of a hook, or some seconds after the abort: a hook that never ends must not hold the run. */
async function awaited(answer: void | Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (answer === undefined || signal === undefined) return answer;
  let timer: NodeJS.Timeout | undefined;
  let onAbort = () => {};
  const late = new Promise<void>((resolve) => {
    onAbort = () => {
      timer = setTimeout(resolve, GRACE_MS);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
  });
  try {
    await Promise.race([answer, late]);
  } finally {
    signal.removeEventListener("abort", onAbort);
    clearTimeout(timer);
  }
}

/** Calls the hook. If it returns a promise that is rejected, the next call or the end of the run throws its reason. */
function watchedProgress(onProgress: (progress: Progress) => unknown): Listener {
  let fault: Error | undefined;
  const assertWell = () => {
    if (fault !== undefined) throw fault;
  };
  return {
    progress(progress) {
      assertWell();
      const answer = onProgress(progress);
      if (answer === undefined) return;
      Promise.resolve(answer).catch((error: unknown) => {
        fault ??= asError(error);
      });
    },
    end() {
      assertWell();
      return {};
    },
  };
}

/** Watches one run. Every method is optional. Listeners are called in the order of their list. */
export interface Listener {
  /** Called once data and network are open, before the first batch. An error thrown here ends the run. */
  begin?(plan: EvaluationPlan): void | Promise<void>;
  /**
   * Called once per batch, after its integers were merged; not called on the coordinator of a run over Redis. The slab's
   * memory is used again later: copy what you keep. An error thrown here ends the run.
   */
  merged?(batch: MergedBatch): void;
  /** Called when more images are merged: once per batch, over Redis at least four times a second. */
  progress?(progress: Progress): void;
  /**
   * Called slab by slab, in order, when all images of the slab have answers; awaited before the slab is used again. Slabs
   * with failed batches are left out. An error thrown here ends the run.
   */
  slab?(slab: Slab): void | Promise<void>;
  /** Called when every image has an answer. */
  end?(evaluation: AnyEvaluation): Closing | Promise<Closing>;
  /** Called when the run ended early. An IncompleteError has what was done in `partial`. */
  abort?(reason: Error): Closing | Promise<Closing>;
  /** Set for a file that is continued beside the journal. A run that lost the journal leaves the file to the other run. */
  readonly durable?: object | undefined;
}

/** Files and faults of a listener at the end of a run. */
export interface Closing {
  /** Files that it wrote. */
  readonly written?: readonly string[];
  /** Faults of files that it could not write. The evaluation is still valid. */
  readonly faults?: readonly Error[];
  /** The predictions file, for the evaluation. */
  readonly predictionsFile?: PredictionsFile | undefined;
  /** The evaluation with what the listener changed in it. */
  readonly evaluation?: AnyEvaluation | undefined;
}

/** How a run ended, after all listeners were closed. */
export interface Ending {
  /** What was evaluated; undefined if the run ended before an image was counted. */
  readonly evaluation: AnyEvaluation | undefined;
  /** Why the evaluation is not complete. */
  readonly failure: Error | undefined;
  readonly written: readonly string[];
  readonly faults: readonly Error[];
}

function isLost(fault: Error): boolean {
  return fault instanceof RunError && fault.code === "ERR_JOURNAL_LOCKED";
}

/** Ends every listener, in order. Later listeners receive the evaluation with the fields that earlier ones added. */
export async function closeListeners(
  listeners: readonly Listener[],
  result: { readonly evaluation: AnyEvaluation } | { readonly failure: Error },
): Promise<Ending> {
  let failure = "failure" in result ? result.failure : undefined;
  let evaluation =
    "evaluation" in result
      ? result.evaluation
      : failure instanceof IncompleteError
        ? failure.partial
        : undefined;
  const written: string[] = [];
  const faults: Error[] = [];
  for (const listener of listeners) {
    try {
      // The journal ends before the files beside it.
      const lost = listener.durable && faults.find(isLost);
      const closing =
        lost !== undefined
          ? await listener.abort?.(lost)
          : failure === undefined
            ? evaluation && (await listener.end?.(evaluation))
            : await listener.abort?.(failure);
      written.push(...(closing?.written ?? []));
      faults.push(...(closing?.faults ?? []));
      const { predictionsFile, evaluation: changed } = closing ?? {};
      if (evaluation === undefined || (predictionsFile ?? changed) === undefined) continue;
      evaluation = { ...evaluation, ...changed, ...(predictionsFile && { predictionsFile }) };
      if (failure instanceof IncompleteError) failure = new IncompleteError(failure, evaluation);
    } catch (error) {
      // The following listeners still have files to close.
      faults.push(asError(error));
    }
  }
  return { evaluation, failure, written, faults };
}
