/** What a command is given by the command line that runs it. */
import type { Assumption } from "#src/base/contracts/assumption.js";
import type { Log } from "#src/base/contracts/log.js";
import type { PaintState } from "#src/cli/doctor/report.js";
import type { ColourLevel } from "#src/cli/terminal/colour.js";
import type { EvaluationPlan, Progress } from "#src/evaluate/evaluate.js";
import type { RemoteFile } from "#src/files/download/catalog-entry.js";
import type { PaintCell } from "#src/reports/image-text.js";
import type { Paint } from "#src/reports/paint.js";

export interface Context {
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly colours: { readonly stdout: ColourLevel; readonly stderr: ColourLevel };
  /** How images are painted: in greys where the terminal has them. */
  loadPaint(): Promise<PaintCell>;
  /** How stdout's text is painted: not at all, but on a terminal with colours. */
  loadTextPaint(): Promise<Paint>;
  /** How states of checks are coloured. */
  loadPaintState(): Promise<PaintState>;
  /** To stdout. */
  writeAnswer(text: string): void;
  /** To stderr: a spinner on a terminal, one plain line elsewhere, nothing with --quiet. */
  showProgress(plan: EvaluationPlan): ProgressDisplay;
  /** To stderr: a spinner with a text that changes, one plain line elsewhere, nothing with --quiet. */
  showText(first: string): TextDisplay;
  /** To stderr: one plain line; nothing with --quiet. */
  note(text: string): void;
  /** To stderr, also with --quiet: what the answer rests on although nobody states it. One line, or none. */
  assume(assumptions: readonly Assumption[]): void;
  /** To stderr, also with --quiet: why the answer may not be what was meant, in one line. */
  hint(text: string): void;
  /** To stderr: a spinner on a terminal, one plain line a file elsewhere, nothing with --quiet. */
  showDownload(): DownloadDisplay;
}

export interface ProgressDisplay {
  update(progress: Progress): void;
  stop(): void;
}

export interface TextDisplay {
  update(text: string): void;
  stop(): void;
}

export interface DownloadDisplay {
  begin(file: RemoteFile): void;
  update(doneBytes: number): void;
  /** What became of the file that was begun last. */
  end(outcome: string): void;
  stop(): void;
}

/** A command's work; it answers the faults that it survived, which then set the exit status. */
export type Work = (context: Context) => Promise<readonly Error[]>;
export type RunWork = (work: Work) => Promise<void>;
