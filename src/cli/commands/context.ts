/** What a command is given by the command line that runs it. */

import { createRequire } from "node:module";
import type { Logger } from "pino";
import type { Assumption } from "#src/base/assumptions.js";
import type { Log } from "#src/base/contracts/run.js";
import { grouped } from "#src/base/errors/define.js";
import { LOG_LEVELS } from "#src/base/options/answer.js";
import type { PaintState } from "#src/cli/doctor/doctor.js";
import type { ColourLevel } from "#src/cli/terminal/paint.js";
import type { EvaluationPlan, Progress } from "#src/evaluate/listeners.js";
import type { DownloadNotice, DownloadOptions, RemoteFile } from "#src/files/catalog.js";
import type { Paint } from "#src/reports/cells.js";
import type { PaintCell } from "#src/reports/images.js";

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
  /** To stderr: one line per file that was written; nothing with --quiet. */
  nameWritten(paths: readonly string[]): void;
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

// What commands say, and how they download, when a name is first used.

/** `downloading mnist to ~/.cache/batchwise/mnist: 2 files, 1,653,419 bytes` */
export function downloadLine({ name, files, bytes, folder }: DownloadNotice): string {
  return `downloading ${name} to ${folder}: ${files} file${files === 1 ? "" : "s"}, ${grouped(bytes)} bytes`;
}

export function downloadOptions({ signal, log, note }: Context): DownloadOptions {
  return { signal, log, onDownload: (notice) => note(downloadLine(notice)) };
}

// pino to stderr. Synchronous, because its worker-thread transports lose the last lines when the process ends.

export type LogLevel = (typeof LOG_LEVELS)[number];

const STDERR = 2;

/** A log whose pino is loaded for its first line: most runs write none. */
export function createLogger(level: LogLevel): Log {
  const threshold = LOG_LEVELS.indexOf(level);
  let logger: Logger | undefined;
  const at = (name: keyof Log) => (facts: object, message: string) => {
    if (LOG_LEVELS.indexOf(name) > threshold) return;
    logger ??= openPino(level);
    logger[name](facts, message);
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn") };
}

/** By `require`, since a line must be out before the call that writes it returns. */
function openPino(level: LogLevel): Logger {
  const { pino } = createRequire(import.meta.url)("pino") as typeof import("pino");
  return pino({ name: "batchwise", level }, pino.destination({ dest: STDERR, sync: true }));
}
