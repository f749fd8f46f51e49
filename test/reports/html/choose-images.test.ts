import test from "ava";
import type { Prediction } from "#src/base/contracts/journal.js";
import { atLeast } from "#src/base/errors.js";
import {
  type AnsweredSlab,
  chooseFromPredictions,
  createImageChooser,
  limitsFor,
  offerSlab,
} from "#src/reports/html/choose-images.js";
import { rankingOf } from "../../helpers/scores.js";

/** One image a row: label, prediction, and the prediction's probability; pixels tell the image's index. */
type Answer = readonly [label: number, prediction: number, confidence: number];

const CLASSES = 3;

function slabOf(answers: readonly Answer[], firstImage = 0): AnsweredSlab {
  const probabilities = answers.flatMap(([, prediction, confidence]) =>
    Array.from({ length: CLASSES }, (_, k) => (k === prediction ? confidence : (1 - confidence) / 2)),
  );
  return {
    firstImage,
    count: answers.length,
    inputs: 2,
    pixels: Uint8Array.from(answers.flatMap((_, i) => [firstImage + i, 255])),
    labels: Uint8Array.from(answers, ([label]) => label),
    predictions: Uint16Array.from(answers, ([, prediction]) => prediction),
    probabilities: Float64Array.from(probabilities),
    ranking: rankingOf(Float64Array.from(probabilities), CLASSES),
  };
}

test("keeps all mistakes, most confident first, then each class's right images, least confident first", (t) => {
  const chooser = createImageChooser(CLASSES, { mistakes: 10, rightPerClass: 2 });
  offerSlab(
    chooser,
    slabOf([
      [0, 1, 0.6],
      [0, 0, 0.9],
      [1, 1, 0.8],
      [0, 0, 0.5],
    ]),
  );
  offerSlab(
    chooser,
    slabOf(
      [
        [2, 0, 0.9],
        [0, 0, 0.7],
      ],
      4,
    ),
  );
  const { images } = chooser.chosen();
  t.deepEqual(
    images.map(({ index }) => index),
    [4, 0, 3, 5, 2],
  );
  t.deepEqual(
    images.map(({ pixels }) => [...pixels]),
    [4, 0, 3, 5, 2].map((index) => [index, 255]),
  );
});

test("keeps the same images however the set is cut into slabs, and of equals the first", (t) => {
  const answers = Array.from(
    { length: 100 },
    (_, i): Answer => [i % 3, (i % 3) + (i % 2 && i % 3 < 2 ? 1 : 0), 0.5 + ((i * 37) % 10) / 25],
  );
  const limits = { mistakes: 7, rightPerClass: 4 };
  const whole = createImageChooser(CLASSES, limits);
  offerSlab(whole, slabOf(answers));
  const cut = createImageChooser(CLASSES, limits);
  for (let first = 0; first < 100; first += 9) offerSlab(cut, slabOf(answers.slice(first, first + 9), first));
  t.deepEqual(cut.chosen(), whole.chosen());

  const mistakes = answers.flatMap(([label, prediction, confidence], index) =>
    label === prediction ? [] : [{ index, confidence }],
  );
  const expected = mistakes.sort((a, b) => b.confidence - a.confidence || a.index - b.index).slice(0, 7);
  t.deepEqual(
    whole
      .chosen()
      .images.slice(0, 7)
      .map(({ index }) => index),
    expected.map(({ index }) => index),
  );
});

test("copies what it keeps, for a slab's memory is used again", (t) => {
  const chooser = createImageChooser(CLASSES, { mistakes: 1, rightPerClass: 0 });
  const slab = slabOf([[0, 1, 0.75]]);
  offerSlab(chooser, slab);
  slab.pixels.fill(9);
  slab.probabilities?.fill(0);
  const [image] = atLeast(chooser.chosen().images, 1);
  t.deepEqual([...image.pixels], [0, 255]);
  t.deepEqual(image.probabilities, [
    { label: 1, probability: 0.75 },
    { label: 0, probability: 0.125 },
    { label: 2, probability: 0.125 },
  ]);
});

test("tells ten probabilities of an image, and the label's wherever it stands", (t) => {
  const classes = 40;
  const chooser = createImageChooser(classes, { mistakes: 1, rightPerClass: 0 });
  const probabilities = Float64Array.from({ length: classes }, (_, k) => (classes - k) / 820);
  offerSlab(chooser, {
    firstImage: 0,
    count: 1,
    inputs: 1,
    pixels: Uint8Array.of(0),
    labels: Uint8Array.of(33),
    predictions: Uint16Array.of(0),
    probabilities,
    ranking: rankingOf(probabilities, classes),
  });
  const [image] = atLeast(chooser.chosen().images, 1);
  t.deepEqual(
    image.probabilities.map(({ label }) => label),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 33],
  );
});

test("allows 2,000 mistakes and 24 right images a class, fewer where classes are many or images large", (t) => {
  t.deepEqual(limitsFor(10, 784), { mistakes: 2000, rightPerClass: 24 });
  t.deepEqual(limitsFor(1000, 784), { mistakes: 2000, rightPerClass: 2 });
  t.deepEqual(limitsFor(10, 512 * 512), { mistakes: 64, rightPerClass: 6 });
});

const SHAPE = { rows: 1, columns: 2, channels: 1 };

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
  t.deepEqual(chosen.images[0]?.probabilities, [{ label: 2, probability: 0.75 }]);
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
