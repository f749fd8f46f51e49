/** What goes between threads arrives as it was. */
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import test from "ava";
import type { BatchAnswer, Task } from "#src/base/contracts/executor.js";
import type { ScoreSums } from "#src/base/contracts/metrics.js";
import { BatchwiseError, NetworkError, RunError } from "#src/base/errors.js";
import { allocateAnswers, allocateSlab, slabWithAnswers } from "#src/base/slab.js";
import { sumScores } from "#src/metrics/score-sums.js";
import { shares, taskOf } from "#src/pool/plan.js";
import { checkAnswer, packAnswers, runsSent, unpackAnswers } from "#src/pool/wire.js";

/** Beyond 32 bits, as a run of billions of batches has them. */
const FIRST_ID = 2 ** 33 + 5;

function sent<T>(value: T): T {
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(value);
  const { message } = receiveMessageOnPort(port2) as { message: T };
  port1.close();
  return message;
}

test("a task arrives as it was, its memory shared", (t) => {
  const [sharing] = shares(2, 1);
  const task: Task = {
    buffer: new SharedArrayBuffer(8),
    layout: { firstImage: 70, count: 3, inputs: 1 },
    source: 1,
    batches: { firstId: FIRST_ID, start: 0, images: 3, batchSize: 2 },
    sharing,
  };
  const arrived = sent(task);
  t.deepEqual(arrived.batches, task.batches);
  t.deepEqual([arrived.layout, arrived.source, arrived.sharing?.lane], [task.layout, 1, 1]);
  new Uint8Array(task.buffer)[3] = 9;
  t.is(new Uint8Array(arrived.buffer)[3], 9);
});

test("answers arrive as they were, with scores and without", (t) => {
  const plain = (id: number): BatchAnswer => ({
    id,
    correct: 1,
    recomputed: 2,
    startedAtMs: 1.7e12 + 0.125,
    elapsedMs: 0.25,
    scores: null,
  });
  const scores = sumScores(Float64Array.of(0.75, 0.25), Uint8Array.of(0), 1, 2);
  for (const answers of [
    [],
    [plain(FIRST_ID), plain(4)],
    [
      { ...plain(1), scores },
      { ...plain(2), scores },
    ],
  ]) {
    t.deepEqual(unpackAnswers(sent(packAnswers(answers))), answers);
  }
});

test("refuses what holds no answers", (t) => {
  for (const [what, nonsense] of [
    ["nothing", undefined],
    ["null", null],
    ["a list", [1, 2]],
    ["half a row", { rows: new Float64Array(3), scores: null }],
  ] as const) {
    t.throws(() => unpackAnswers(nonsense), { instanceOf: RunError, code: "ERR_WORKER_ANSWER" }, what);
  }
});

// Answers that cannot be true, of a slab with room for probabilities and of one without.

const CLASSES = 2;
const BATCH = { firstId: 3, start: 0, images: 2, batchSize: 2 };
const PLAIN = allocateSlab({ firstImage: 0, count: 2, inputs: 1 });
const SCORED = slabWithAnswers(PLAIN, allocateAnswers(2, CLASSES));
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

test("an error with a code arrives with its code, facts, message and exit status", async (t) => {
  const thrown = new NetworkError("ERR_LOGITS_NAN", { path: "net.npz", image: 7 });
  const [sharing] = shares(1, 1);
  const task = { ...taskOf(PLAIN, { firstId: 0, start: 0, images: 2, batchSize: 2 }), sharing };
  const answer = await runsSent(async () => Promise.reject(thrown))(task);
  const error = t.throws(() => unpackAnswers(sent(answer)), { instanceOf: BatchwiseError });
  t.deepEqual([error.code, error.facts], [thrown.code, thrown.facts]);
  t.deepEqual([error.message, error.exitStatus], [thrown.message, thrown.exitStatus]);
  const other = runsSent(async () => Promise.reject(new RangeError("odd")));
  await t.throwsAsync(other(task), { instanceOf: RangeError });
  const unknown = { fault: { code: "ERR_NO_SUCH_CODE", facts: {} } };
  t.throws(() => unpackAnswers(sent(unknown)), { code: "ERR_WORKER_ANSWER" });
});

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
