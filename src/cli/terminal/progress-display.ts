/** How far an evaluation is, on stderr: ora's spinner on a real terminal, one plain line elsewhere. */

import { counted, grouped } from "#src/base/errors/define.js";
import { printable } from "#src/base/printable.js";
import type { ProgressDisplay } from "#src/cli/commands/context.js";
import type { EvaluationPlan, Progress } from "#src/evaluate/evaluate.js";
import { startSpinner, stderrIsTerminal, UPDATE_INTERVAL_MS } from "./spinner.js";

const NOTHING: ProgressDisplay = { update() {}, stop() {} };

export interface DisplayOptions {
  readonly quiet: boolean;
  readonly color: boolean;
}

export function createProgressDisplay({ quiet, color }: DisplayOptions) {
  return (plan: EvaluationPlan): ProgressDisplay => {
    if (quiet) return NOTHING;
    if (!stderrIsTerminal()) {
      process.stderr.write(`${planText(plan)}\n`);
      return NOTHING;
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
  const { dataset, network, options, totalImages, doneImages, batches } = plan;
  const { threads } = options;
  const who = threads === 0 ? "on the main thread" : `on ${counted(threads, "thread", "threads")}`;
  const subject = `${printable(dataset.name)} with ${printable(network.name)}`;
  if (doneImages === totalImages) {
    return `${grouped(totalImages)} images of ${subject}: already finished; the answer is from the journal`;
  }
  const images =
    doneImages === 0
      ? grouped(totalImages)
      : `${grouped(totalImages - doneImages)} of ${grouped(totalImages)}`;
  return `evaluating ${images} images of ${subject}: ${counted(batches, "batch", "batches")}, ${options.engine}, ${who}`;
}

/** `3,400 of 10,000 images · 61,000 images/s · 0.1 s left` */
export function progressText(
  { doneImages, totalImages }: Progress,
  elapsedMs: number,
  doneBefore = 0,
): string {
  const imagesPerMs = (doneImages - doneBefore) / elapsedMs;
  const leftSeconds = (totalImages - doneImages) / imagesPerMs / 1000;
  return `${grouped(doneImages)} of ${grouped(totalImages)} images · ${grouped(Math.round(imagesPerMs * 1000))} images/s · ${leftSeconds.toFixed(1)} s left`;
}
