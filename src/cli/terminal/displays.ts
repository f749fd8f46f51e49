/** Progress on stderr: ora's spinner on a terminal, plain lines otherwise. */

import type { Ora } from "ora";
import { counted, grouped } from "#src/base/errors/define.js";
import { printable } from "#src/base/text.js";
import type { DownloadDisplay, ProgressDisplay, TextDisplay } from "#src/cli/commands/context.js";
import type { EvaluationPlan, HostsProgress, Progress } from "#src/evaluate/listeners.js";
import type { RemoteFile } from "#src/files/catalog.js";

const NO_PROGRESS: ProgressDisplay = { update() {}, stop() {} };

export interface DisplayOptions {
  readonly quiet: boolean;
  readonly color: boolean;
}

export function createProgressDisplay({ quiet, color }: DisplayOptions) {
  return (plan: EvaluationPlan): ProgressDisplay => {
    if (quiet) return NO_PROGRESS;
    if (!stderrIsTerminal()) {
      process.stderr.write(`${planText(plan)}\n`);
      return NO_PROGRESS;
    }
    return spinner(plan, color);
  };
}

function spinner(plan: EvaluationPlan, color: boolean): ProgressDisplay {
  const beganAt = performance.now();
  let updatedAt = beganAt;
  const display = startSpinner(planText(plan), color);
  return {
    update(progress) {
      const now = performance.now();
      if (now - updatedAt < UPDATE_INTERVAL_MS) return;
      updatedAt = now;
      display.text = progressText(progress, now - beganAt, plan.doneImages);
    },
    stop() {
      display.stop();
    },
  };
}

function planText(plan: EvaluationPlan): string {
  const { dataset, network, options, totalImages, doneImages, batches, queue } = plan;
  const { threads } = options;
  const who = threads === 0 ? "on the main thread" : `on ${counted(threads, "thread", "threads")}`;
  const subject = `${printable(dataset.facts.name)} with ${printable(network.name)}`;
  if (doneImages === totalImages) {
    return `${grouped(totalImages)} images of ${subject}: already finished; the result comes from the journal`;
  }
  if (queue !== undefined) {
    return `evaluating ${grouped(totalImages)} images of ${subject}, ${options.engine}, over ${queue.address}: go on with --run-id ${queue.runId}`;
  }
  const images =
    doneImages === 0
      ? grouped(totalImages)
      : `${grouped(totalImages - doneImages)} of ${grouped(totalImages)}`;
  return `evaluating ${images} images of ${subject}: ${counted(batches, "batch", "batches")}, ${options.engine}, ${who}`;
}

/**
 * `3,400 of 10,000 images · 61,000 images/s · 0.1 s left`; over Redis
 * `3,400 of 10,000 images · 2 hosts · a 1,400 · b 2,000`.
 */
export function progressText(
  { doneImages, totalImages, hosts }: Progress,
  elapsedMs: number,
  doneBefore = 0,
): string {
  if (hosts !== undefined) return hostsText(doneImages, totalImages, hosts);
  const imagesPerMs = (doneImages - doneBefore) / elapsedMs;
  const leftSeconds = (totalImages - doneImages) / imagesPerMs / 1000;
  return `${grouped(doneImages)} of ${grouped(totalImages)} images · ${grouped(Math.round(imagesPerMs * 1000))} images/s · ${leftSeconds.toFixed(1)} s left`;
}

function hostsText(doneImages: number, totalImages: number, { present, shares }: HostsProgress): string {
  return [
    `${grouped(doneImages)} of ${grouped(totalImages)} images`,
    present === 0 ? "no host yet: start one with batchwise worker" : counted(present, "host", "hosts"),
    ...shares.map(({ host, images }) => `${printable(host)} ${grouped(images)}`),
  ].join(" · ");
}

const NO_DOWNLOAD: DownloadDisplay = { begin() {}, update() {}, end() {}, stop() {} };
const MEGABYTE = 1_000_000;

export function createDownloadDisplay({ quiet, color }: DisplayOptions): DownloadDisplay {
  if (quiet) return NO_DOWNLOAD;
  return stderrIsTerminal() ? spinning(color) : plain();
}

function plain(): DownloadDisplay {
  let name = "";
  return {
    ...NO_DOWNLOAD,
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
      // Bytes that an earlier run left do not count into the rate.
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

/** Least time between two texts: no one reads faster. */
export const UPDATE_INTERVAL_MS = 80;
/** Work that ends sooner shows no spinner, and does not wait for ora to load. */
const SHOW_AFTER_MS = 100;

export interface Spinner {
  text: string;
  stop(): void;
}

/** Returns whether stderr can show a spinner. ora spins without end on a terminal of zero columns. */
export function stderrIsTerminal(): boolean {
  return process.stderr.isTTY && process.stderr.columns > 0 && process.env.TERM !== "dumb";
}

/** Opens a spinner on a terminal. The caller decides `color`, since ora ignores NO_COLOR. */
export function startSpinner(text: string, color: boolean): Spinner {
  let latest = text;
  let shown: Ora | undefined;
  let stopped = false;
  const timer = setTimeout(async () => {
    const { default: ora } = await import("ora");
    if (stopped) return;
    shown = ora({
      text: latest,
      color: color ? "cyan" : false,
      isEnabled: true,
      discardStdin: false,
      stream: process.stderr,
    }).start();
  }, SHOW_AFTER_MS);
  return {
    get text() {
      return latest;
    },
    set text(next) {
      latest = next;
      if (shown !== undefined) shown.text = next;
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
      shown?.stop();
    },
  };
}

const NO_TEXT: TextDisplay = { update() {}, stop() {} };

export function createTextDisplay({ quiet, color }: DisplayOptions) {
  return (first: string): TextDisplay => {
    if (quiet) return NO_TEXT;
    if (!stderrIsTerminal()) {
      process.stderr.write(`${first}\n`);
      return NO_TEXT;
    }
    const spinner = startSpinner(first, color);
    return {
      update(text) {
        spinner.text = text;
      },
      stop() {
        spinner.stop();
      },
    };
  };
}
