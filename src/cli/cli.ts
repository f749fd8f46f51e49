/** The process of the command line: its signals, its stdout and stderr, its exit status. The only user of process.exit. */
import { constants, fstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { endLoading, interruption } from "#src/base/abort.js";
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
    endLoading(interruption(signals.signal, 0, 0));
  });
}

// Messages that cannot be written are lost, but not the answer, the files or the exit status.
process.stderr.on("error", () => {});

let hasReader = true;
/** Status of a fault of stdout. */
let outputStatus: 0 | 6 = 0;
process.stdout.on("error", endOutput);
function endOutput(error: NodeJS.ErrnoException): void {
  if (!hasReader) return;
  hasReader = false;
  // The reader has closed the pipe (`| head -1`). That is no fault. The rest of the work is still done.
  if (error.code === "EPIPE") return;
  printFault(new RunError("ERR_OUTPUT_WRITE", { path: "stdout", reason: reasonOf(error) }, { cause: error }));
  outputStatus = 6;
  setStatus(status);
}
/** Names of shells as Linux shows them, with a line feed. */
const SHELL = /^(?:ba|da|z|k|mk|a|fi)?sh$|^busybox$/m;
const wasClosed = stdoutWasClosed();
function writeAnswer(text: string): void {
  if (wasClosed) endOutput(new Error("it is closed; write > /dev/null to discard the answer"));
  if (hasReader) process.stdout.write(process.stdout.isTTY ? terminalText(text) : text);
}

/**
 * Returns whether a shell started this process with stdout closed (`>&-`). Node opens /dev/null in place of a closed stdout, for
 * reading and writing (PlatformInit in node.cc). Shells open /dev/null for writing only, but Node's `stdio: "ignore"` and Python's
 * DEVNULL open it as Node does here. So the parent decides: a shell that has another stdout itself did not hand this one down.
 */
function stdoutWasClosed(): boolean {
  try {
    if (!fstatSync(1).isCharacterDevice() || !isNullForBoth(process.pid)) return false;
    const parent = process.ppid;
    return SHELL.test(readFileSync(`/proc/${parent}/comm`, "latin1")) && !isNullForBoth(parent);
  } catch {
    // Without /proc, or if the parent has ended or is another user's, nothing is known.
    return false;
  }
}

/** Returns whether stdout of a process is /dev/null, opened for reading and writing. Throws the system's errors. */
function isNullForBoth(pid: number): boolean {
  if (!readdirSync(`/proc/${pid}/fd`).includes("1")) return false;
  const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/1`, "latin1"))?.[1] ?? "";
  const { O_RDONLY, O_WRONLY, O_RDWR } = constants;
  const access = Number.parseInt(flags, 8) & (O_RDONLY | O_WRONLY | O_RDWR);
  return access === O_RDWR && readlinkSync(`/proc/${pid}/fd/1`) === "/dev/null";
}

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
