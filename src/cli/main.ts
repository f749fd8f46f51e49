/** argv → exit status: runs one command in its context and prints its faults. */

import { interruption } from "#src/base/abort.js";
import { assumedText } from "#src/base/assumptions.js";
import { asError, BatchwiseError, type ExitStatus, RunError } from "#src/base/errors.js";
import type { Context } from "#src/cli/commands/context.js";
import {
  createDownloadDisplay,
  createProgressDisplay,
  createTextDisplay,
} from "#src/cli/terminal/displays.js";
import { colourLevel } from "#src/cli/terminal/paint.js";
import { allowPipes, stopPipes } from "#src/files/pipe.js";
import { plainPaint } from "#src/reports/cells.js";
import { createLogger } from "./commands/context.js";
import { type GlobalFlags, runProgram } from "./program.js";

/** Text of visible characters. The Unicode classes below take milliseconds to compile. */
const PLAIN = /^[ -~]*$/;
/** Controls, formats such as U+202E, which shows text from right to left, and separators of lines. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/** Exit statuses by rank: if there are several faults, the first in this order sets the exit status. */
const STATUS_ORDER: readonly ExitStatus[] = [129, 130, 143, 1, 4, 6, 3, 5, 2, 100];

let logErrors = (_error: unknown) => {};

/**
 * Runs one command. The answer goes to `writeAnswer`, everything else to stderr.
 *
 * @param signal aborted with the name of a signal as its reason; the command then reports what was done
 */
export async function main(
  argv: readonly string[],
  signal: AbortSignal,
  writeAnswer: (text: string) => void,
): Promise<ExitStatus | 0> {
  const faults: Error[] = [];
  allowPipes();
  signal.addEventListener("abort", () => stopPipes(interruption(signal, 0, 0)), { once: true });
  try {
    await runProgram(argv, writeAnswer, (flags) => async (work) => {
      faults.push(...(await work(contextOf(flags, signal, writeAnswer))));
    });
  } catch (error) {
    faults.push(knownFault(asError(error)));
  }
  for (const fault of faults) printFault(fault);
  return hardestStatus(faults.map((fault) => (fault instanceof BatchwiseError ? fault.exitStatus : 1)));
}

/** Returns the status that ranks first; 0 without a fault. */
export function hardestStatus(statuses: readonly (ExitStatus | 0)[]): ExitStatus | 0 {
  return STATUS_ORDER.find((status) => statuses.includes(status)) ?? 0;
}

const TOO_MANY_FILES: ReadonlySet<string> = new Set(["EMFILE", "ENFILE"]);

/** Gives a code to a fault of the system that can come from any place: a part of the program may be loaded at any time. */
function knownFault(error: NodeJS.ErrnoException): Error {
  if (error instanceof BatchwiseError || !TOO_MANY_FILES.has(error.code ?? "")) return error;
  return new RunError("ERR_OPEN_FILES", { path: error.path ?? "a file" }, { cause: error });
}

/** Loaded only where something is painted. */
const loadCells = () => import("#src/cli/terminal/cells.js");

function contextOf(flags: GlobalFlags, signal: AbortSignal, writeAnswer: (text: string) => void): Context {
  const log = createLogger(flags.logLevel ?? "warn");
  logErrors = (err) => log.debug({ err }, "the fault in full");
  const colours = {
    stdout: colourLevel(process.stdout, flags.color),
    stderr: colourLevel(process.stderr, flags.color),
  };
  const display = { quiet: flags.quiet ?? false, color: colours.stderr > 0 };
  const note = (text: string) => void (display.quiet || process.stderr.write(`${oneLine(text)}\n`));
  return {
    signal,
    log,
    colours,
    loadPaint: async () => (await loadCells()).paintFor(colours.stdout),
    loadTextPaint: async () =>
      colours.stdout > 0 ? (await loadCells()).textPaint(colours.stdout) : plainPaint,
    loadPaintState: async () => (await loadCells()).paintStateFor(colours.stdout),
    writeAnswer,
    showProgress: createProgressDisplay(display),
    showText: createTextDisplay(display),
    note,
    nameWritten(paths) {
      for (const path of paths) note(`written: ${path}`);
    },
    assume: (assumptions) => {
      if (assumptions.length > 0) process.stderr.write(`assumed: ${oneLine(assumedText(assumptions))}\n`);
    },
    hint: (text) => void process.stderr.write(`hint: ${oneLine(text)}\n`),
    showDownload: () => createDownloadDisplay(display),
  };
}

/** Prints a fault to stderr, in one line. */
export function printFault(fault: Error): void {
  const { code, message } =
    fault instanceof BatchwiseError ? fault : new RunError("ERR_INTERNAL", { problem: fault.message });
  process.stderr.write(`batchwise: ${code}: ${oneLine(message)}\n`);
  logErrors(fault);
}

/** Replaces what is no visible character: a file name or a message may hold line breaks and marks of direction. */
function oneLine(text: string): string {
  return PLAIN.test(text) ? text : text.replace(UNSEEN, " ");
}
