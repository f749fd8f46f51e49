/** Answers, coded errors and what engines need, as they go between threads. Copies of rows of numbers cost a tenth of copies of objects. */

import { randomUUID } from "node:crypto";
import { BroadcastChannel } from "node:worker_threads";
import type { BatchAnswer, Task } from "#src/base/contracts/executor.js";
import type { ScoreSums } from "#src/base/contracts/metrics.js";
import { BatchwiseError, ERROR_CODES, type ErrorCode, RunError } from "#src/base/errors.js";
import { isFloat64Array } from "#src/base/realm.js";
import { viewSlab } from "#src/base/slab.js";
import type { EngineAssets } from "#src/engines/registry.js";
import { countCorrect } from "#src/metrics/tally.js";
import { batchesOf } from "./plan.js";
import type { TaskRunner } from "./task-runner.js";

export interface SentAnswers {
  /** (answers × 6) f64: id, correct, recomputed, startedAtMs, elapsedMs, nanImage or −1. */
  readonly rows: Float64Array;
  /** One per answer; null where probabilities were not requested. */
  readonly scores: readonly ScoreSums[] | null;
}

/** What a worker does with a task. */
export type SentTaskRunner = (task: Task) => Promise<SentAnswers | SentFault>;

const ANSWER_COLUMNS = 6;
const NO_IMAGE = -1;

export function packAnswers(answers: readonly BatchAnswer[]): SentAnswers {
  const rows = new Float64Array(answers.length * ANSWER_COLUMNS);
  const scores: ScoreSums[] = [];
  let at = 0;
  for (const answer of answers) {
    rows[at] = answer.id;
    rows[at + 1] = answer.correct;
    rows[at + 2] = answer.recomputed;
    rows[at + 3] = answer.startedAtMs;
    rows[at + 4] = answer.elapsedMs;
    rows[at + 5] = answer.nanImage ?? NO_IMAGE;
    at += ANSWER_COLUMNS;
    // A batch without an answer has none; the answers of the others keep their places.
    if (answer.scores !== null) scores[at / ANSWER_COLUMNS - 1] = answer.scores;
  }
  return { rows, scores: scores.length > 0 ? scores : null };
}

/**
 * The answers that a worker sent. Their values are not checked.
 *
 * @throws BatchwiseError as the worker threw it; RunError ERR_WORKER_ANSWER for anything but answers
 */
export function unpackAnswers(sent: unknown): BatchAnswer[] {
  const fault = faultOf(sent);
  if (fault !== undefined) throw fault;
  const { rows, scores } = (sent ?? {}) as Partial<SentAnswers>;
  if (!isFloat64Array(rows) || rows.length % ANSWER_COLUMNS !== 0) {
    throw new RunError("ERR_WORKER_ANSWER", { expected: "rows of numbers", found: typeof sent });
  }
  const answers: BatchAnswer[] = [];
  for (let at = 0; at < rows.length; at += ANSWER_COLUMNS) {
    const answer: BatchAnswer = {
      id: rows[at]!,
      correct: rows[at + 1]!,
      recomputed: rows[at + 2]!,
      startedAtMs: rows[at + 3]!,
      elapsedMs: rows[at + 4]!,
      scores: scores?.[answers.length] ?? null,
    };
    answers.push(rows[at + 5] === NO_IMAGE ? answer : { ...answer, nanImage: rows[at + 5] });
  }
  return answers;
}

/** An error with a code, as it goes between threads: a structured clone would keep its message alone. */
export interface SentFault {
  readonly fault: { readonly code: ErrorCode; readonly facts: unknown };
}

/** What a worker sends for a task: answers, or the coded error that stopped it. Other errors are thrown. */
export function runsSent(runTask: TaskRunner): SentTaskRunner {
  return async (task) => {
    try {
      return packAnswers(await runTask(task));
    } catch (error) {
      if (!(error instanceof BatchwiseError)) throw error;
      return { fault: { code: error.code, facts: error.facts } };
    }
  };
}

/** The error that a worker sent, with its code, facts and exit status; undefined where it sent none. */
function faultOf(sent: unknown): BatchwiseError | undefined {
  const { fault } = (sent ?? {}) as Partial<SentFault>;
  if (fault === undefined || !Object.hasOwn(ERROR_CODES, fault.code)) return undefined;
  return new BatchwiseError(fault.code, fault.facts as BatchwiseError["facts"]);
}

/**
 * Checks that an answer can be true; one that cannot comes from a faulty thread. Every batch of the thread is answered once, in
 * order, with the slab's own count, and with the scores of as many images
 * where probabilities were asked for. A batch with an image of which a logit is NaN has no other answer.
 *
 * @throws RunError ERR_WORKER_ANSWER
 */
export function checkAnswer(task: Task, answers: readonly BatchAnswer[], classes: number): void {
  const batches = batchesOf(task);
  if (answers.length !== batches.length) {
    const found = `${answers.length}`;
    throw new RunError("ERR_WORKER_ANSWER", { expected: `${batches.length} batch answers`, found });
  }
  const slab = viewSlab(task.buffer, task.layout);
  const { predictions, probabilities } = slab;
  for (let n = 0; n < batches.length; n++) {
    const { id, start, count } = batches[n]!;
    const given = answers[n]!;
    if (given.id === id && isWithin(given.nanImage, task.layout.firstImage + start, count)) continue;
    const wrong = firstBeyond(predictions, classes, start, start + count);
    if (wrong !== undefined) {
      throw new RunError("ERR_WORKER_ANSWER", {
        expected: `classes below ${classes}`,
        found: `${predictions[wrong]} for image ${task.layout.firstImage + wrong}`,
      });
    }
    const correct = countCorrect(slab, { start, count });
    if (given.id !== id || given.correct !== correct || given.nanImage !== undefined || !isMeasured(given)) {
      throw new RunError("ERR_WORKER_ANSWER", {
        expected: `batch ${id} with ${correct} correct`,
        found: textOf(given),
      });
    }
    const { scores } = given;
    if (probabilities === undefined ? scores !== null : !areScoresOf(scores, count, correct, classes)) {
      throw new RunError("ERR_WORKER_ANSWER", {
        expected: probabilities === undefined ? `batch ${id} without scores` : `scores of ${count} images`,
        found: textOf(scores),
      });
    }
  }
}

/** Index of the first value from `start` that is no class; undefined if there is none. */
function firstBeyond(
  predictions: Uint16Array,
  classes: number,
  start: number,
  end: number,
): number | undefined {
  for (let image = start; image < end; image++) if (predictions[image]! >= classes) return image;
  return undefined;
}

function isMeasured({ recomputed, startedAtMs, elapsedMs }: BatchAnswer): boolean {
  return Number.isInteger(recomputed) && Number.isFinite(startedAtMs) && elapsedMs >= 0;
}

function isWithin(image: number | undefined, first: number, count: number): boolean {
  return image !== undefined && Number.isInteger(image) && image >= first && image < first + count;
}

function areScoresOf(scores: ScoreSums | null, count: number, correct: number, classes: number): boolean {
  if (typeof scores !== "object" || scores === null) return false;
  const { logLoss, brier, labelRanks, bins } = scores as Partial<ScoreSums>;
  return (
    isUnits(logLoss) &&
    isUnits(brier) &&
    labelRanks?.length === classes &&
    labelRanks[0] === correct &&
    labelRanks.reduce((sum, images) => sum + images, 0) === count &&
    bins?.every(({ confidence, correct, total }) => isUnits(confidence) && correct <= total) === true &&
    bins.reduce((sum, { total }) => sum + total, 0) === count
  );
}

function isUnits(value: unknown): boolean {
  return typeof value === "bigint" && value >= 0n;
}

/** JSON, shortened; integers of any size as they are written. */
function textOf(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? `${part}n` : part));
  return text?.slice(0, 120) ?? "nothing";
}

/** One entry per network. */
export type Assets = readonly EngineAssets[];

export interface AssetsSender {
  /** Name of the channel. */
  readonly name: string;
  close(): void;
}

/**
 * Sends workers what engines need besides weights, once it is made: a worker starts while the coordinator makes it. Answers every
 * worker that asks; none where the assets cannot be made. A BroadcastChannel carries them, since piscina keeps a worker's own
 * port for itself.
 */
export function sendAssets(assets: Promise<Assets>): AssetsSender {
  // Other threads, and other realms of this thread, have counters of their own.
  const name = `batchwise-assets-${randomUUID()}`;
  const channel = new BroadcastChannel(name);
  let isClosed = false;
  channel.onmessage = () => {
    assets.then(
      (made) => {
        if (!isClosed) channel.postMessage(made);
      },
      () => {},
    );
  };
  channel.unref();
  return {
    name,
    close() {
      isClosed = true;
      channel.close();
    },
  };
}

/** Asks for the assets of the channel, on a worker. */
export function receiveAssets(name: string): Promise<Assets> {
  return new Promise((resolve) => {
    const channel = new BroadcastChannel(name);
    channel.onmessage = ({ data }: { readonly data?: unknown }) => {
      // Other workers ask on the same channel.
      if (!Array.isArray(data)) return;
      channel.close();
      resolve(data);
    };
    channel.postMessage("assets");
  });
}
