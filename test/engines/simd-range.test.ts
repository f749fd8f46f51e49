/** simd over the whole range of weights and on MNIST, and what it says where its bound does not hold. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import type { FoldedLayers } from "#src/base/contracts/engine.js";
import { atLeast } from "#src/base/errors.js";
import { loadMnist } from "#src/data/named-sets.js";
import { argmax } from "#src/engines/logits.js";
import { createEngine } from "#src/engines/registry.js";
import { KERNEL_URL, loadKernel, prepareSimd } from "#src/engines/simd/engine.js";
import { fitsMemory } from "#src/engines/simd/layout.js";
import { evaluate } from "#src/evaluate/evaluate.js";
import { foldPreprocessing } from "#src/networks/fold-maps.js";
import { loadNetwork } from "#src/networks/registry.js";
import { renderText } from "#src/reports/text.js";
import { compareOverRange } from "../../scripts/extreme-networks.js";
import { inCase } from "../helpers/in-case.js";
import { randomDataset, randomNetwork } from "../helpers/random.js";
import { mnist, needs } from "../helpers/require.js";

test("predicts as the reference does from 1e-320 to 1e300, with either kernel", async (t) => {
  for (const [name, load] of [
    ["this Node's kernel", loadKernel],
    ["the kernel without fused products", async () => WebAssembly.compile(await readFile(KERNEL_URL))],
  ] as const) {
    await inCase(t, `predicts as the reference does from 1e-320 to 1e300, with ${name}`, async () => {
      const report = compareOverRange(await load(), { networks: 600, seed: 7_000_000 });
      t.deepEqual(report.differences, []);
      t.true(report.distinct > report.networks / 2, `${report.distinct} with distinct logits`);
      // Both ways are taken, and the kernel settles images in its own.
      t.true(report.fellBack > 100 && report.fellBack < report.networks - 100);
      t.true(report.settledImages > report.images / 10);
      t.true(report.withNan > 0);
    });
  }
});

const layer = (inputs: number, weights: readonly number[], biases: readonly number[]) => ({
  kind: "dense" as const,
  inputs,
  outputs: biases.length,
  weights: Float64Array.from(weights),
  biases: Float64Array.from(biases),
  activation: "identity" as const,
});

async function classOf(layers: FoldedLayers, pixels: readonly number[]): Promise<number> {
  const predictions = new Uint16Array(1);
  (await createEngine("simd", layers)).predict?.(Uint8Array.from(pixels), 1, predictions);
  const [prediction] = atLeast(predictions, 1);
  return prediction;
}

test("no lane beyond the classes is ever the largest, for one to nine classes", async (t) => {
  for (let classes = 1; classes <= 9; classes++) {
    for (const size of [1e29, 1e31, 1e35]) {
      const biases = Array.from({ length: classes }, (_, k) => -(classes - k) * size);
      const layers = [layer(1, new Array<number>(classes).fill(0), biases)];
      t.is(prepareSimd(layers).fallback, undefined);
      t.is(await classOf(layers, [0]), classes - 1, `${classes} classes of ${size}`);
    }
  }
});

test("a bias or a weight beyond float32 is computed by the reference, and so is NaN", (t) => {
  const reasons = [
    [layer(1, [1, 2], [1e39, 0])],
    [layer(1, [1e39, 2], [0, 0])],
    [layer(1, [1, Number.NaN], [0, 0])],
    [layer(1, [1, 0], [Number.POSITIVE_INFINITY, 0])],
    [layer(1, [1e-300, 0], [0, 0]), layer(2, [1e300, 0, 0, 0], [0, 0])],
  ].map((layers) => prepareSimd(layers).fallback);
  t.deepEqual(new Set(reasons), new Set(["an image could overflow float32"]));
});

test("an image of more pixels than an i32 can sum has no place in the kernel", (t) => {
  // 255 · 8,421,505 > 2³¹ − 1.
  const wide = { ...layer(1, [], [0, 0]), inputs: 8_421_505 };
  t.false(fitsMemory([wide]));
  t.true(fitsMemory([{ ...wide, inputs: 1_000_000 }]));
  t.regex(prepareSimd([wide]).fallback ?? "", /too large/);
  // Bounds of each pair of 65,536 classes.
  t.false(fitsMemory([{ ...layer(1, [], []), outputs: 65_536 }]));
});

test("an answer says that simd computed all by the reference, and counts all images, with workers or without", async (t) => {
  const network = randomNetwork([64, 20, 10], "relu");
  const weights = {
    ...network,
    layers: network.layers.map((one) => ({ ...one, weights: one.weights.map((weight) => weight * 1e19) })),
  };
  const input = { dataset: randomDataset(500), weights, batchSize: 50 };
  const expected = await evaluate({ ...input, engine: "reference", threads: 0 });
  for (const threads of [0, 2]) {
    const found = await evaluate({ ...input, engine: "simd", threads });
    t.deepEqual(found.predictions, expected.predictions);
    t.is(found.run.recomputed, 500);
    t.is(found.run.fallback, "an image could overflow float32");
    t.regex(renderText(found), /Engine +: simd \(all in float64: an image could overflow float32\)/);
  }
  const ordinary = await evaluate({ ...input, weights: network, engine: "simd", threads: 0 });
  t.is(ordinary.run.fallback, undefined);
  t.notRegex(renderText(ordinary), /float64/);
});

// simd on MNIST: every prediction equal to float64's; all 70,000 images for the book's network, the test split for others.

const withMnist = needs("mnist", mnist !== undefined);
const folder = mnist ?? "";

const NETWORKS: readonly [name: string, layers: () => Promise<FoldedLayers>][] = [
  ["the book's", async () => foldPreprocessing(await loadNetwork(join(folder, "sample_weight.pkl")))],
  ["ours", async () => foldPreprocessing(await loadNetwork("bundled"))],
  ["ours on whitened pixels", async () => foldPreprocessing(await loadNetwork("bundled-whiten"))],
  ["a ReLU", async () => foldPreprocessing(randomNetwork([784, 50, 100, 10], "relu", 21))],
  ["a tanh", async () => foldPreprocessing(randomNetwork([784, 50, 100, 10], "tanh", 22))],
  ["a five-layer", async () => foldPreprocessing(randomNetwork([784, 60, 50, 40, 30, 10], "sigmoid", 23))],
];

withMnist("predicts MNIST's images as float64 does, with networks of several kinds", async (t) => {
  const splits = await loadMnist({ normalize: false, directory: folder });
  for (const [name, load] of NETWORKS) {
    await inCase(t, `${name} network`, async () => {
      const layers = await load();
      // Its logits are bit-identical to the reference's (registry.test.ts), and it is six times as fast.
      const exact = await createEngine("ml-matrix", layers);
      const simd = await createEngine("simd", layers);
      const parts: string[] = [];
      for (const [images] of name === "the book's" ? splits : splits.slice(1)) {
        const [count] = atLeast(images.shape, 1);
        const logits = new Float64Array(count * 10);
        await exact.forward(images.data, count, logits);
        const predictions = new Uint16Array(count);
        const recomputed = simd.predict?.(images.data, count, predictions) ?? 0;
        const differing = predictions.findIndex((found, image) => found !== argmax(logits, image * 10, 10));
        t.is(differing, -1);
        parts.push(`${recomputed} of ${count}`);
      }
      t.log(`${name}: computed again: ${parts.join(" and ")}`);
    });
  }
});
