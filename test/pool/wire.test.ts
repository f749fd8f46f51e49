/** What goes between threads arrives as it was. */
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import test from "ava";
import type { BatchAnswer, Task } from "#src/base/contracts/executor.js";
import { RunError } from "#src/base/errors.js";
import { sumScores } from "#src/metrics/score-sums.js";
import { shares } from "#src/pool/plan.js";
import { packAnswers, unpackAnswers } from "#src/pool/wire.js";

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
