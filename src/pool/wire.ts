/** Answers as they go between threads: rows of numbers, whose copies cost a tenth of those of objects. */
import type { BatchAnswer, Task } from "#src/base/contracts/executor.js";
import type { ScoreSums } from "#src/base/contracts/scores.js";
import { RunError } from "#src/base/errors.js";
import type { TaskRunner } from "./task-runner.js";

export interface SentAnswers {
  /** (answers × 6) f64: id, correct, recomputed, startedAtMs, elapsedMs, nanImage or −1. */
  readonly rows: Float64Array;
  /** Of each answer; null where probabilities were not asked for. */
  readonly scores: readonly ScoreSums[] | null;
}

/** What a worker does with a task. */
export type SentTaskRunner = (task: Task) => Promise<SentAnswers>;

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
    // Of a batch without an answer there is none, and the others' keep their places.
    if (answer.scores !== null) scores[at / ANSWER_COLUMNS - 1] = answer.scores;
  }
  return { rows, scores: scores.length > 0 ? scores : null };
}

/** @throws RunError ERR_WORKER_ANSWER where it is nothing that `packAnswers` makes; what it says is not looked at */
export function unpackAnswers(sent: unknown): BatchAnswer[] {
  const { rows, scores } = (sent ?? {}) as Partial<SentAnswers>;
  if (!(rows instanceof Float64Array) || rows.length % ANSWER_COLUMNS !== 0) {
    throw new RunError("ERR_WORKER_ANSWER", { expected: "rows of numbers", found: typeof sent });
  }
  const answers: BatchAnswer[] = [];
  for (let at = 0; at < rows.length; at += ANSWER_COLUMNS) {
    const answer: BatchAnswer = {
      id: rows[at],
      correct: rows[at + 1],
      recomputed: rows[at + 2],
      startedAtMs: rows[at + 3],
      elapsedMs: rows[at + 4],
      scores: scores?.[answers.length] ?? null,
    };
    answers.push(rows[at + 5] === NO_IMAGE ? answer : { ...answer, nanImage: rows[at + 5] });
  }
  return answers;
}

export function runsSent(runTask: TaskRunner): SentTaskRunner {
  return async (task) => packAnswers(await runTask(task));
}
