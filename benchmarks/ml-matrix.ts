/** How much faster than plain ml-matrix the engine of that name is, and the book's lesson on batches. */

import assert from "node:assert/strict";
import { atLeast } from "#src/base/errors.js";
import { createEngine } from "../src/engines/registry.js";
import { measure, type Rival, tableOf, timed } from "./harness.js";
import type { Question } from "./question.js";
import { assertPredicts, proving } from "./rivals/contestant.js";
import { versionOf } from "./rivals/installed.js";
import { openNumpy } from "./rivals/numpy.js";
import { createPlainMlMatrix } from "./rivals/plain-ml-matrix.js";
import { classesOf, loadSubject, onlySlab, type Subject } from "./subject.js";

const BATCH_SIZE = 100;
const BATCH_SIZES = [1, BATCH_SIZE, 10_000];

type Forward = (pixels: Uint8Array, count: number, logits: Float64Array) => void | Promise<void>;

export const question: Question = {
  asks: "how much faster is the engine ml-matrix than plain ml-matrix, and a batch than an image?",
  rounds: 7,
  async answer(bench) {
    const subject = await loadSubject(bench);
    const { layers, images, outputs, expected } = subject;
    bench.uses("ml-matrix", versionOf("ml-matrix"));
    const engine = await createEngine("ml-matrix", layers);
    const plain = createPlainMlMatrix(layers);
    const ours: Forward = (...args) => engine.forward(...args);
    const plainLogits = new Float64Array(images * outputs);
    const ourLogits = new Float64Array(images * outputs);
    const rivalsAt = (size: number): Rival[] => [
      {
        name: `plain ml-matrix, batch ${size}`,
        run: () => timed(() => pass(subject, plain, size, plainLogits)),
      },
      {
        name: `engine ml-matrix, batch ${size}`,
        run: () => timed(() => pass(subject, ours, size, ourLogits)),
      },
    ];
    const oneThread = await measure(rivalsAt(BATCH_SIZE), bench.rounds);
    const [plainTime, ourTime] = atLeast(oneThread, 2);
    assertPredicts("ml-matrix", classesOf(ourLogits, outputs, new Uint16Array(images)), expected);
    const numpy = await openNumpy(bench, subject, {
      dtype: "float64",
      threads: 1,
      batchSizes: BATCH_SIZES,
    });
    const batches = await measure(
      [...BATCH_SIZES.flatMap(rivalsAt), ...numpy.map((contestant) => proving(contestant, expected))],
      Math.ceil(bench.rounds / 3),
      { rounds: 1, settleMs: 0 },
    );
    for (const contestant of numpy) await contestant.close();
    assert.deepEqual(ourLogits, plainLogits, "logits are bit-identical at every batch size");
    bench.note(
      "The logits of engine and plain ml-matrix are bit-identical, and all predict as the reference engine does.",
    );
    const ratio = (plainTime.medianMs / ourTime.medianMs).toFixed(2);
    return [
      {
        title: `One thread: ratio of medians ${ratio}`,
        table: tableOf(oneThread, images),
        data: oneThread,
      },
      { title: "Batch sizes", table: tableOf(batches, images), data: batches },
    ];
  },
};

async function pass(
  subject: Subject,
  forward: Forward,
  batchSize: number,
  logits: Float64Array,
): Promise<void> {
  const { images, inputs, outputs } = subject;
  const { pixels } = onlySlab(subject);
  for (let start = 0; start < images; start += batchSize) {
    const count = Math.min(batchSize, images - start);
    const batch = pixels.subarray(start * inputs, (start + count) * inputs);
    await forward(batch, count, logits.subarray(start * outputs));
  }
}
