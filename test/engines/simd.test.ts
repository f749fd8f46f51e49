/** The simd engine: every prediction equal to the reference's, because what its bound does not settle is computed again. */

import { readdir, readFile } from "node:fs/promises";
import test from "ava";
import type { Engine, FoldedLayers } from "#src/base/contracts/engine.js";
import type { DenseLayer } from "#src/base/contracts/network.js";
import { atLeast } from "#src/base/errors.js";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { argmax } from "#src/engines/logits.js";
import { createReferenceEngine } from "#src/engines/reference.js";
import { createEngine } from "#src/engines/registry.js";
import { createSimdEngine } from "#src/engines/simd/engine.js";
import { type Affine, boundErrors } from "#src/engines/simd/error-bound.js";
import * as fields from "#src/engines/simd/fields.js";
import { layOut } from "#src/engines/simd/layout.js";
import { isSimdLayer, KERNEL_ACTIVATIONS, quantiseLayers } from "#src/engines/simd/quantise.js";
import { foldPreprocessing } from "#src/networks/fold-maps.js";
import { randomNetwork, seeded } from "../helpers/random.js";

const KERNEL = new URL("dist/src/engines/simd/kernel.wasm", PACKAGE_ROOT);

function randomPixels(length: number, zeroShare: number, random: () => number): Uint8Array {
  return Uint8Array.from({ length }, () => (random() < zeroShare ? 0 : Math.floor(random() * 256)));
}

async function logitsOf(engine: Engine, pixels: Uint8Array, count: number, outputs: number) {
  const logits = new Float64Array(count * outputs);
  await engine.forward(pixels, count, logits);
  return logits;
}

async function predictions(engine: Engine, pixels: Uint8Array, count: number) {
  const classes = new Uint16Array(count);
  const recomputed = (await engine.predict?.(pixels, count, classes)) ?? 0;
  return { classes, recomputed };
}

function quantised(layers: FoldedLayers) {
  return quantiseLayers(layers.filter(isSimdLayer));
}

/** The last layer's second row of weights becomes the first, but for a difference of about `spread`. */
function withNearTie(
  layers: readonly DenseLayer[],
  spread: number,
  random: () => number,
): readonly DenseLayer[] {
  const last = layers[layers.length - 1]!;
  const weights = last.weights.slice();
  for (let k = 0; k < last.inputs; k++) {
    weights[k * last.outputs + 1] = weights[k * last.outputs]! + (random() - 0.5) * spread;
  }
  const biases = last.biases.slice();
  // Both above the rest, so that the tie decides the prediction.
  biases[0] = 50;
  biases[1] = 50;
  return [...layers.slice(0, -1), { ...last, weights, biases }];
}

function shrunkBy100<A extends Affine>(affine: A): A {
  return { ...affine, slope: affine.slope.map((x) => x / 100), base: affine.base.map((x) => x / 100) };
}

test("predicts as the reference does, for hundreds of random networks on dense, sparse and nearly tied images", async (t) => {
  const random = seeded(11);
  let [images, recomputed] = [0, 0];
  for (let n = 0; n < 400; n++) {
    const hidden = Array.from({ length: n % 5 }, () => 1 + Math.floor(random() * 40));
    const [inputs, outputs] = [1 + Math.floor(random() * 100), 2 + Math.floor(random() * 20)];
    const sizes = [inputs, ...hidden, outputs];
    const network = randomNetwork(sizes, KERNEL_ACTIVATIONS[n % KERNEL_ACTIVATIONS.length], n + 1);
    const folded = foldPreprocessing(n % 7 === 0 ? { ...network, preprocessing: { kind: "none" } } : network);
    const layers = n % 3 === 0 ? withNearTie(folded, 10 ** -(1 + (n % 6)), random) : folded;
    const count = 20;
    const pixels = randomPixels(count * inputs, [0, 0.5, 0.8, 0.99][n % 4]!, random);
    const reference = await logitsOf(createReferenceEngine(layers), pixels, count, outputs);
    const found = await predictions(await createEngine("simd", layers), pixels, count);
    for (let image = 0; image < count; image++) {
      const outputs = sizes[sizes.length - 1]!;
      t.is(found.classes[image], argmax(reference, image * outputs, outputs), `network ${n}, image ${image}`);
    }
    images += count;
    recomputed += found.recomputed;
  }
  t.log(`${recomputed} of ${images} images were computed again`);
  t.true(recomputed > 0 && recomputed < images / 2);
});

test("its logits differ from the reference's by less than the bound says, pair by pair", async (t) => {
  const random = seeded(12);
  for (const activation of KERNEL_ACTIVATIONS) {
    for (const sizes of [
      [784, 50, 100, 10],
      [100, 30, 10],
      [64, 7],
    ]) {
      const [inputs] = atLeast(sizes, 1);
      const layers = foldPreprocessing(randomNetwork(sizes, activation, 3));
      const outputs = sizes[sizes.length - 1]!;
      const bounds = boundErrors(quantised(layers)).pairs;
      const count = 40;
      const pixels = randomPixels(count * inputs, 0.8, random);
      const exact = await logitsOf(createReferenceEngine(layers), pixels, count, outputs);
      const found = await logitsOf(await createEngine("simd", layers), pixels, count, outputs);
      for (let image = 0; image < count; image++) {
        const sum = pixels.subarray(image * inputs, (image + 1) * inputs).reduce((a, b) => a + b, 0);
        for (let a = 0; a < outputs; a++) {
          for (let b = 0; b < outputs; b++) {
            const [at, pair] = [image * outputs, a * outputs + b];
            const error = Math.abs(found[at + a]! - found[at + b]! - (exact[at + a]! - exact[at + b]!));
            const bound = bounds.slope[pair]! * sum + bounds.base[pair]!;
            if (a !== b) t.true(error <= bound, `${activation} ${sizes}: ${error} > ${bound}`);
          }
        }
      }
    }
  }
});

test("a bound a hundredfold too small lets a wrong prediction through, so the bound is what holds them", async (t) => {
  const module = await WebAssembly.compile(await readFile(KERNEL));
  const random = seeded(13);
  let [wrong, wrongWithin] = [0, 0];
  for (let n = 0; n < 30; n++) {
    const layers = withNearTie(
      foldPreprocessing(randomNetwork([100, 30, 10], "sigmoid", n + 1)),
      10 ** -(2 + (n % 4)),
      random,
    );
    const kernelLayers = quantised(layers);
    const bounds = boundErrors(kernelLayers);
    const shrunk = { ...bounds, pairs: shrunkBy100(bounds.pairs), fixed: bounds.fixed.map(shrunkBy100) };
    const pixels = randomPixels(100 * 100, 0.5, random);
    const exact = await logitsOf(createReferenceEngine(layers), pixels, 100, 10);
    const engines = [shrunk, bounds].map((used) =>
      createSimdEngine({ module, image: layOut(kernelLayers, used) }, layers),
    );
    const [small, right] = atLeast(
      await Promise.all(engines.map((engine) => predictions(engine, pixels, 100))),
      2,
    );
    for (let image = 0; image < 100; image++) {
      const expected = argmax(exact, image * 10, 10);
      if (small.classes[image] !== expected) wrong++;
      if (right.classes[image] !== expected) wrongWithin++;
    }
  }
  t.true(wrong > 0);
  t.is(wrongWithin, 0);
});

test("falls back to float32 sums where integer ones could overflow, and stays right", async (t) => {
  // With 70,000 inputs a scale that keeps sums within int32 leaves integers of a few hundred at most.
  const layers = foldPreprocessing({
    ...randomNetwork([70_000, 4], "relu", 5),
    preprocessing: { kind: "none" },
  });
  const kinds = quantised(layers).map(({ kind }) => kind);
  t.deepEqual(kinds, ["float"]);
  const pixels = randomPixels(3 * 70_000, 0.5, seeded(6));
  const exact = await logitsOf(createReferenceEngine(layers), pixels, 3, 4);
  const found = await predictions(await createEngine("simd", layers), pixels, 3);
  t.deepEqual(
    [...found.classes],
    [0, 1, 2].map((image) => argmax(exact, image * 4, 4)),
  );
});

test("keeps 2^x within its range where weights are so large that sums leave it", async (t) => {
  const steep = foldPreprocessing(randomNetwork([60, 20, 10], "sigmoid", 8)).map((layer) => ({
    ...layer,
    weights: layer.weights.map((weight) => 300 * weight),
  }));
  const [first] = atLeast(quantised(steep), 1);
  t.true(first.kind === "integer" && first.reach > 1000);
  const pixels = randomPixels(500 * 60, 0.3, seeded(9));
  const exact = await logitsOf(createReferenceEngine(steep), pixels, 500, 10);
  const { classes } = await predictions(await createEngine("simd", steep), pixels, 500);
  t.deepEqual(
    [...classes],
    Array.from({ length: 500 }, (_, image) => argmax(exact, image * 10, 10)),
  );
});

test("the first layer of more inputs than its lists can name takes float32 sums", async (t) => {
  // Few weights are not zero, so that nothing else speaks against integers.
  const sparse = (inputs: number) =>
    foldPreprocessing({ ...randomNetwork([inputs, 4], "relu", 5), preprocessing: { kind: "none" } }).map(
      (layer) => ({
        ...layer,
        weights: layer.weights.map((weight, n) => (n < 400 || n >= layer.weights.length - 4 ? weight : 0)),
      }),
    );
  t.is(quantised(sparse(131_072))[0]?.kind, "integer");
  t.is(quantised(sparse(131_074))[0]?.kind, "float");
  for (const inputs of [131_072, 131_074]) {
    const layers = sparse(inputs);
    const pixels = randomPixels(inputs, 0.5, seeded(6)).fill(255, inputs - 2);
    const exact = await logitsOf(createReferenceEngine(layers), pixels, 1, 4);
    const found = await logitsOf(await createEngine("simd", layers), pixels, 1, 4);
    exact.forEach((logit, n) => {
      t.true(Math.abs(logit - found[n]!) < 1e-3 * Math.abs(logit), `${inputs}: ${logit} and ${found[n]}`);
    });
  }
});

test("no input brings a sum beyond its layer's reach, by the integers themselves", (t) => {
  for (const kernelLayer of quantised(foldPreprocessing(randomNetwork([784, 50, 100, 10], "sigmoid", 9)))) {
    if (kernelLayer.kind === "float") continue;
    const { weights, weightScales, vectors, inScale, layer, reach } = kernelLayer;
    const largest = inScale === 1 ? 255 : 1;
    for (let output = 0; output < layer.outputs; output++) {
      let sum = 0;
      for (let at = 2 * output; at < weights.length; at += vectors * 8) {
        sum += Math.abs(weights[at]!) + Math.abs(weights[at + 1]!);
      }
      t.true((largest * sum) / weightScales[output]! + Math.abs(layer.biases[output]!) <= reach);
    }
  }
});

test("integer sums cannot overflow, by the integers themselves", (t) => {
  for (const activation of KERNEL_ACTIVATIONS) {
    const layers = foldPreprocessing(randomNetwork([784, 50, 100, 10], activation, 9));
    for (const kernelLayer of quantised(layers)) {
      if (kernelLayer.kind === "float") continue;
      const { weights, vectors, inScale } = kernelLayer;
      const largest = inScale === 1 ? 255 : inScale;
      for (let output = 0; output < kernelLayer.layer.outputs; output++) {
        let sum = 0;
        for (let at = 2 * output; at < weights.length; at += vectors * 8) {
          sum += Math.abs(weights[at]!) + Math.abs(weights[at + 1]!);
        }
        t.true(sum * largest < 2 ** 31);
      }
    }
  }
});

test("the kernel and its layout read one list of fields, each with four bytes of its own", async (t) => {
  const constants: Record<string, number> = { ...fields };
  for (const record of ["RUN", "LAYER"]) {
    const named = Object.entries(constants).filter(([name]) => name.startsWith(`${record}_`));
    const offsets = named.map(([, offset]) => offset).sort((a, b) => a - b);
    t.deepEqual(
      offsets,
      offsets.map((_, n) => 4 * n),
    );
    t.is(constants[`${record}_BYTES`], Math.max(...offsets));
  }
  const folder = new URL("src/engines/simd/kernel/", PACKAGE_ROOT);
  for (const name of await readdir(folder)) {
    const source = await readFile(new URL(name, folder), "utf8");
    t.notRegex(source, /(?:const|let) (?:RUN|LAYER)_\w+/, name);
    t.notRegex(source, /<[if]32>\((?:run|layer|last), \d/, name);
  }
});
