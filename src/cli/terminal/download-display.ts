/** How far a download is, on stderr: ora's spinner on a real terminal, one plain line a file elsewhere. */
import type { DownloadDisplay } from "#src/cli/commands/context.js";
import type { RemoteFile } from "#src/files/download/catalog-entry.js";
import type { DisplayOptions } from "./progress-display.js";
import { type Spinner, startSpinner, stderrIsTerminal, UPDATE_INTERVAL_MS } from "./spinner.js";

const NOTHING: DownloadDisplay = { begin() {}, update() {}, end() {}, stop() {} };
const MEGABYTE = 1_000_000;

export function createDownloadDisplay({ quiet, color }: DisplayOptions): DownloadDisplay {
  if (quiet) return NOTHING;
  return stderrIsTerminal() ? spinning(color) : plain();
}

function plain(): DownloadDisplay {
  let name = "";
  return {
    ...NOTHING,
    begin(file) {
      name = file.name;
    },
    end(outcome) {
      process.stderr.write(`${name}: ${outcome}\n`);
    },
  };
}

function spinning(color: boolean): DownloadDisplay {
  let spinner: Spinner | undefined;
  let file: RemoteFile | undefined;
  let beganAt = 0;
  let updatedAt = 0;
  let beganBytes: number | undefined;
  return {
    begin(next) {
      file = next;
      beganAt = performance.now();
      updatedAt = beganAt;
      beganBytes = undefined;
      spinner = startSpinner(next.name, color);
    },
    update(doneBytes) {
      const now = performance.now();
      // What an earlier run left does not count into the rate.
      beganBytes ??= doneBytes;
      if (file === undefined || spinner === undefined || now - updatedAt < UPDATE_INTERVAL_MS) return;
      updatedAt = now;
      spinner.text = downloadText(file, doneBytes, (doneBytes - beganBytes) / (now - beganAt));
    },
    end(outcome) {
      spinner?.stop();
      process.stderr.write(`${file?.name ?? ""}: ${outcome}\n`);
    },
    stop() {
      spinner?.stop();
    },
  };
}

/** `train-images-idx3-ubyte.gz  3.1 of 9.9 MB · 12.4 MB/s` */
export function downloadText({ name, bytes }: RemoteFile, doneBytes: number, bytesPerMs: number): string {
  const megabytes = (value: number) => (value / MEGABYTE).toFixed(1);
  return `${name}  ${megabytes(doneBytes)} of ${megabytes(bytes)} MB · ${megabytes(bytesPerMs * 1000)} MB/s`;
}
