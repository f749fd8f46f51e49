import test from "ava";
import type { Prediction } from "#src/base/contracts/journal.js";
import { chooseFromPredictions } from "#src/reports/html/choose-images.js";

const SHAPE = { rows: 1, columns: 2 };

/** Images from 10 on, in slabs of two: their label is their index mod 3, and their first pixel their index. */
async function* slabs() {
  for (let firstImage = 10; firstImage < 16; firstImage += 2) {
    yield {
      firstImage,
      count: 2,
      inputs: 2,
      pixels: Uint8Array.of(firstImage, 255, firstImage + 1, 255),
      labels: Uint8Array.of(firstImage % 3, (firstImage + 1) % 3),
    };
  }
}

async function* predictionsOf(
  rows: readonly (readonly [index: number, label: number, prediction: number, second?: number])[],
) {
  for (const [index, label, prediction, second = prediction] of rows) {
    const made: Prediction = {
      index,
      label,
      prediction,
      probability: 0.75,
      topK: [prediction, ...(second === prediction ? [] : [second])].map((k) => ({
        class: k,
        probability: 0.75,
      })),
      correct: label === prediction,
    };
    yield made;
  }
}

test("finds each prediction's image, also where a run did not reach all of them", async (t) => {
  const predictions = predictionsOf([
    [10, 1, 1],
    [13, 1, 2],
    [15, 0, 0],
  ]);
  const { chosen, matched, total } = await chooseFromPredictions(slabs(), predictions, SHAPE, 3);
  t.is(total, 3);
  t.is(matched, 3);
  t.deepEqual(
    chosen.images.map(({ index, pixels }) => [index, pixels[0]]),
    [
      [13, 13],
      [15, 15],
      [10, 10],
    ],
  );
  t.deepEqual(chosen.images[0].probabilities, [{ label: 2, probability: 0.75 }]);
});

test("counts predictions that no image fits: before the first, after the last, of another label or class", async (t) => {
  const predictions = predictionsOf([
    [9, 0, 0],
    [10, 2, 2],
    [11, 2, 3],
    [12, 0, 0],
    [13, 1, 1, 3],
    [16, 1, 1],
  ]);
  const { chosen, matched, total } = await chooseFromPredictions(slabs(), predictions, SHAPE, 3);
  t.is(total, 6);
  t.is(matched, 1);
  t.deepEqual(
    chosen.images.map(({ index }) => index),
    [12],
  );
});
