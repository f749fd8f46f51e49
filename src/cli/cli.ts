/** The process of the command line: its signals, its stdout, its exit status. The only user of process.exit. */
import { RunError } from "#src/base/errors.js";
import { main, printFault } from "./main.js";

const signals = new AbortController();
// If the event loop ends before the work does, that is a fault.
process.exitCode = 1;
let ended = false;
process.once("exit", () => {
  if (!ended) printFault(new RunError("ERR_INTERNAL", { problem: "the process ended before its work" }));
});
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (signals.signal.aborted) {
      ended = true;
      process.exit(signal === "SIGINT" ? 130 : 143);
    }
    signals.abort(signal);
  });
}
let hasReader = true;
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (!hasReader) return;
  hasReader = false;
  // The reader has closed the pipe (`| head -1`). That is no fault. The rest of the work is still done.
  if (error.code === "EPIPE") return;
  printFault(error);
  ended = true;
  process.exit(6);
});
const writeAnswer = (text: string) => void (hasReader && process.stdout.write(text));
// Without `await`: the bundle of this file is CommonJS.
main(process.argv.slice(2), signals.signal, writeAnswer).then((status) => {
  process.exitCode = status;
  ended = true;
});
