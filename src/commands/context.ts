/** What a command is given by the command line that runs it. */
import type { Log } from "../contracts/log.js";
import type { EvaluationPlan, Progress } from "../evaluate.js";
import type { PaintCell } from "../reports/image-text.js";

export interface Context {
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** How images are painted: in greys where the terminal has them. */
  readonly paint: PaintCell;
  /** To stdout. */
  writeAnswer(text: string): void;
  /** To stderr: a spinner on a terminal, one plain line elsewhere, nothing with --quiet. */
  showProgress(plan: EvaluationPlan): ProgressDisplay;
}

export interface ProgressDisplay {
  update(progress: Progress): void;
  stop(): void;
}

/** A command's work; it answers the faults that it survived, which then set the exit status. */
export type Work = (context: Context) => Promise<readonly Error[]>;
export type RunWork = (work: Work) => Promise<void>;
