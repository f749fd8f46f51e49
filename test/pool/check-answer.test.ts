/** Answers that cannot be true, of a slab with room for probabilities and of one without. */
import test from "ava";
import type { BatchAnswer } from "#src/base/contracts/executor.js";
import type { ScoreSums } from "#src/base/contracts/metrics.js";
import { RunError } from "#src/base/errors.js";
import { allocateRoom, allocateSlab, slabWithRoom } from "#src/base/slab.js";
import { sumScores } from "#src/metrics/score-sums.js";
import { taskOf } from "#src/pool/plan.js";
import { checkAnswer } from "#src/pool/wire.js";

const CLASSES = 2;
const BATCH = { firstId: 3, start: 0, images: 2, batchSize: 2 };
const PLAIN = allocateSlab({ firstImage: 0, count: 2, inputs: 1 });
const SCORED = slabWithRoom(PLAIN, allocateRoom(2, CLASSES));
const SCORES = sumScores(Float64Array.of(0.75, 0.25, 0.5, 0.5), PLAIN.labels, 2, CLASSES);
const ANSWER: BatchAnswer = {
  id: 3,
  correct: 2,
  recomputed: 0,
  startedAtMs: 1e12,
  elapsedMs: 1,
  scores: null,
};

const check = (slab: typeof PLAIN, answer: BatchAnswer) =>
  checkAnswer(taskOf(slab, BATCH), [answer], CLASSES);

test("takes an answer without scores where none were asked for, and one with them where they were", (t) => {
  t.notThrows(() => check(PLAIN, ANSWER));
  t.notThrows(() => check(SCORED, { ...ANSWER, scores: SCORES }));
});

const scored = (scores: { [Part in keyof ScoreSums]?: unknown } | null): BatchAnswer => ({
  ...ANSWER,
  scores: scores as ScoreSums | null,
});
const NO_SCORES = /expected scores of 2 images, found/;
const REFUSED: readonly [what: string, slab: typeof PLAIN, answer: BatchAnswer, message: RegExp][] = [
  [
    "scores that were not asked for",
    PLAIN,
    { ...ANSWER, scores: SCORES },
    /batch 3 without scores, found .*\d+n/,
  ],
  ["no time when it began", PLAIN, { ...ANSWER, startedAtMs: Number.NaN }, /batch 3/],
  ["no scores where they were asked for", SCORED, scored(null), NO_SCORES],
  ["ranks of fewer classes", SCORED, scored({ ...SCORES, labelRanks: [2] }), NO_SCORES],
  ["ranks of more images", SCORED, scored({ ...SCORES, labelRanks: [2, 1] }), NO_SCORES],
  ["bins of fewer images", SCORED, scored({ ...SCORES, bins: SCORES.bins.slice(0, -8) }), NO_SCORES],
  [
    "a bin with more hits than images",
    SCORED,
    scored({ ...SCORES, bins: SCORES.bins.map((bin) => ({ ...bin, correct: bin.total + 1 })) }),
    NO_SCORES,
  ],
  ["a sum that is no integer", SCORED, scored({ ...SCORES, brier: 0.5 }), NO_SCORES],
  ["a sum below zero", SCORED, scored({ ...SCORES, logLoss: -1n }), NO_SCORES],
];

test("refuses an answer that cannot be true, and names its batch", (t) => {
  for (const [what, slab, answer, message] of REFUSED) {
    const error = t.throws(() => check(slab, answer), { instanceOf: RunError }, what);
    t.is(error.code, "ERR_WORKER_ANSWER", what);
    t.regex(error.message, message, what);
  }
});
