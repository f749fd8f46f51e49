/** The process of the command line: its signals, its stdout and stderr, its exit status. The only user of process.exit. */
import { RunError, reasonOf } from "#src/base/errors.js";
import { hardestStatus, main, printFault } from "./main.js";
import { terminalText } from "./terminal/paint.js";

const signals = new AbortController();
// If the event loop ends before the work does, that is a fault.
process.exitCode = 1;
let ended = false;
process.once("exit", () => {
  if (!ended) printFault(new RunError("ERR_INTERNAL", { problem: "the process ended before its work" }));
});

/** Exit status of each signal. SIGHUP, which a closed terminal sends, ends the work as SIGTERM does. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
let hungUp = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    if (signals.signal.aborted) {
      ended = true;
      process.exit(SIGNALS[signal]);
    }
    hungUp = signal === "SIGHUP";
    signals.abort(hungUp ? "SIGTERM" : signal);
  });
}

// Messages that cannot be written are lost, but not the answer, the files or the exit status.
process.stderr.on("error", () => {});

let hasReader = true;
/** Status of a fault of stdout. */
let outputStatus: 0 | 6 = 0;
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (!hasReader) return;
  hasReader = false;
  // The reader has closed the pipe (`| head -1`). That is no fault. The rest of the work is still done.
  if (error.code === "EPIPE") return;
  printFault(new RunError("ERR_OUTPUT_WRITE", { path: "stdout", reason: reasonOf(error) }, { cause: error }));
  outputStatus = 6;
  setStatus(status);
});
const writeAnswer = (text: string) =>
  void (hasReader && process.stdout.write(process.stdout.isTTY ? terminalText(text) : text));

let status: ReturnType<typeof hardestStatus> = 0;
function setStatus(found: typeof status): void {
  status = found;
  if (!ended) return;
  const hardest = hardestStatus([found, outputStatus]);
  process.exitCode = hungUp && hardest === SIGNALS.SIGTERM ? SIGNALS.SIGHUP : hardest;
}
// Without `await`: the bundle of this file is CommonJS.
main(process.argv.slice(2), signals.signal, writeAnswer).then((found) => {
  ended = true;
  setStatus(found);
});
