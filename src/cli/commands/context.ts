/** Context of a command: its signal, its log, and how it writes to the terminal. */

import { createRequire } from "node:module";
import type { Logger } from "pino";
import type { Assumption } from "#src/base/assumptions.js";
import type { Log } from "#src/base/contracts/run.js";
import { grouped } from "#src/base/errors/define.js";
import { LOG_LEVELS } from "#src/base/options/answer.js";
import type { PaintState } from "#src/cli/doctor/checks.js";
import type { ColourLevel } from "#src/cli/terminal/paint.js";
import type { EvaluationPlan, Progress } from "#src/evaluate/listeners.js";
import type { DownloadNotice, DownloadOptions, RemoteFile } from "#src/files/catalog.js";
import type { Paint } from "#src/reports/cells.js";
import type { PaintCell } from "#src/reports/images.js";

export interface Context {
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly colours: { readonly stdout: ColourLevel; readonly stderr: ColourLevel };
  /** Paints images, in greys if the terminal has them. */
  loadPaint(): Promise<PaintCell>;
  /** Paints the text on stdout, if that is a terminal with colours. */
  loadTextPaint(): Promise<Paint>;
  /** Colours the states of checks. */
  loadPaintState(): Promise<PaintState>;
  /** Writes to stdout. */
  writeAnswer(text: string): void;
  /** Shows progress on stderr: a spinner on a terminal, one plain line otherwise, nothing with --quiet. */
  showProgress(plan: EvaluationPlan): ProgressDisplay;
  /** Shows a text on stderr: a spinner on a terminal, one plain line otherwise, nothing with --quiet. */
  showText(first: string): TextDisplay;
  /** Prints one plain line on stderr; nothing with --quiet. */
  note(text: string): void;
  /** Prints on stderr one line per file that was written; nothing with --quiet. */
  nameWritten(paths: readonly string[]): void;
  /** Prints the assumptions on stderr in one line, also with --quiet. No assumptions: no line. */
  assume(assumptions: readonly Assumption[]): void;
  /** Prints on stderr, also with --quiet, why the answer may be wrong, in one line. */
  hint(text: string): void;
  /** Shows a download on stderr: a spinner on a terminal, one plain line per file otherwise, nothing with --quiet. */
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
  /** Reports what became of the current file. */
  end(outcome: string): void;
  stop(): void;
}

/** Work of a command. It returns the faults that it survived; they set the exit status. */
export type Work = (context: Context) => Promise<readonly Error[]>;
export type RunWork = (work: Work) => Promise<void>;

/** Line that announces a download: `downloading mnist to ~/.cache/batchwise/mnist: 2 files, 1,653,419 bytes` */
export function downloadLine({ name, files, bytes, folder }: DownloadNotice): string {
  return `downloading ${name} to ${folder}: ${files} file${files === 1 ? "" : "s"}, ${grouped(bytes)} bytes`;
}

export function downloadOptions({ signal, log, note }: Context): DownloadOptions {
  return { signal, log, onDownload: (notice) => note(downloadLine(notice)) };
}

export type LogLevel = (typeof LOG_LEVELS)[number];

const STDERR = 2;

/**
 * Creates a log on stderr. pino is loaded for the first line, since most runs write none. It writes synchronously: its
 * transports on worker threads lose the last lines when the process ends.
 */
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

/** Loads pino by `require`: a line must be written before the call returns. */
function openPino(level: LogLevel): Logger {
  const { pino } = createRequire(import.meta.url)("pino") as typeof import("pino");
  const stderr = pino.destination({ dest: STDERR, sync: true });
  // Lines that cannot be written are lost.
  stderr.on("error", () => {});
  return pino({ name: "batchwise", level }, { write: (line) => void stderr.write(escaped(line)) });
}

/** JSON leaves some characters as they are that a terminal acts on: C1 controls, and marks that turn the direction of text. */
function escaped(line: string): string {
  return line.replace(/[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (found) => {
    return `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
