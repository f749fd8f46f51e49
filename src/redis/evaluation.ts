/** From the books of a run over Redis to the answer that users see. */

import type { AnyEvaluation } from "#src/base/contracts/result.js";
import { rounded } from "#src/base/text.js";
import type { CollectedScores } from "#src/evaluate/collect-scores.js";
import { createTimeline } from "#src/evaluate/collect-scores.js";
import type { AnyPair } from "#src/evaluate/open-inputs.js";
import type { EvaluateOptions } from "#src/evaluate/options.js";
import { summarize } from "#src/evaluate/summarize.js";
import { scoreSumsOf } from "#src/metrics/partial-counts.js";
import { emptyScoreSums } from "#src/metrics/score-sums.js";
import type { RunProgress } from "./run-progress.js";
import type { PackedAnswers } from "./spec.js";

export interface Answered {
  readonly options: EvaluateOptions;
  readonly pair: AnyPair;
  readonly books: RunProgress;
  readonly images: PackedAnswers;
  readonly evaluateMs: number;
  readonly loadMs: number;
  readonly beganAt: number;
}

/** As one process would have answered; a run's threads are those of all hosts. */
export async function evaluationOf({
  options,
  pair,
  books,
  images,
  ...times
}: Answered): Promise<AnyEvaluation> {
  const { correct, total, confusionMatrix, recomputed } = books.sum;
  const { hosts, pieces, retries, latenciesMs } = books;
  // Hosts count their own thread as the first, which computes nothing.
  const threads = hosts.flatMap(({ batchesByThread }) => batchesByThread.slice(1));
  const batchesByThread = [0, ...threads];
  const evaluation = await summarize({
    options: { ...options, threads: threads.length },
    pair,
    fallback: books.fallback,
    executor: { workersStarted: threads.length, startMs: 0 },
    outcome: {
      batches: threads.reduce((a, b) => a + b, 0),
      retries,
      recomputed,
      batchesByThread,
      latenciesMs: Float64Array.from(latenciesMs),
      roundTripsMs: new Float64Array(0),
      beganAtMs: 0,
      evaluateMs: times.evaluateMs,
      failure: undefined,
    },
    tally: { correct, total, confusion: Float64Array.from(confusionMatrix.flat()), add: () => false },
    predictions: images.predictions,
    scores: options.probabilities ? scoresOf(books, images, pair.classes, times.beganAt) : undefined,
    counted: undefined,
    loadMs: times.loadMs,
    totalMs: performance.now() - times.beganAt,
  });
  return {
    ...evaluation,
    run: {
      ...evaluation.run,
      executor: "bullmq",
      hosts: hosts.map(({ host, images: done, jobs, batchesByThread: batches }) => ({
        host,
        images: done,
        jobs,
        threads: batches.length - 1,
      })),
    },
  };

  /** A timeline's batches are ranges, and its threads hosts. */
  function scoresOf(
    { sum }: RunProgress,
    { probabilities }: PackedAnswers,
    classes: number,
    beganAt: number,
  ): CollectedScores {
    const names = hosts.map(({ host }) => host);
    return {
      probabilities,
      add() {},
      sums: () => (sum.scores === null ? emptyScoreSums(classes) : scoreSumsOf(sum.scores)),
      timeline() {
        const timeline = createTimeline();
        for (const [batch, { host, takenAtMs, elapsedMs }] of pieces.entries()) {
          const startMs = rounded(Math.max(0, takenAtMs - elapsedMs - beganAt));
          timeline.add({ batch, thread: names.indexOf(host) + 1, startMs, elapsedMs });
        }
        return timeline.entries;
      },
    };
  }
}
