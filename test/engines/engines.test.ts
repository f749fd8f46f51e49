/** Every engine against plain ml-matrix and against a loop of our own, on networks of several shapes. */
import test from "ava";
import { Matrix } from "ml-matrix";
import type { FoldedLayers } from "#src/base/contracts/network.js";
import { ACTIVATIONS } from "#src/base/contracts/network.js";
import { ACTIVATE } from "#src/engines/argmax.js";
import { createEngine } from "#src/engines/registry.js";
import { foldPreprocessing } from "#src/networks/fold.js";
import { EXACT_ENGINES } from "../helpers/engines.js";
import { inCase } from "../helpers/in-case.js";
import { randomNetwork, seeded } from "../helpers/random.js";

/** pixels (count × I) → logits (count × O) by the library alone. */
function plainMlMatrix(layers: FoldedLayers, pixels: Uint8Array, count: number): number[] {
  let values = Matrix.from1DArray(count, layers[0].inputs, [...pixels]);
  for (const { inputs, outputs, weights, biases, activation } of layers) {
    values = values.mmul(Matrix.from1DArray(inputs, outputs, [...weights])).addRowVector([...biases]);
    values = new Matrix(values.to2DArray().map((row) => row.map(ACTIVATE[activation])));
  }
  return values.to1DArray();
}

function randomPixels(length: number, zeroShare: number, seed: number): Uint8Array {
  const random = seeded(seed);
  return Uint8Array.from({ length }, () => (random() < zeroShare ? 0 : Math.floor(random() * 256)));
}

const SHAPES = [
  [784, 50, 100, 10],
  [64, 10],
  [9, 3, 2],
  [30, 21, 11, 10, 13],
  [1, 1],
];

test("each exact engine gives ml-matrix's bits, for every shape and activation", async (t) => {
  for (const name of EXACT_ENGINES) {
    for (const sizes of SHAPES) {
      await inCase(t, `${name} gives ml-matrix's bits for ${sizes.join("-")}`, async () => {
        for (const [n, activation] of ACTIVATIONS.entries()) {
          const layers = foldPreprocessing(randomNetwork(sizes, activation, n + 1));
          const engine = await createEngine(name, layers);
          const outputs = sizes[sizes.length - 1];
          // 150 is two whole tiles and a short one; then fewer; then 150 again in the same buffers.
          for (const [count, zeroShare] of [
            [150, 0.8],
            [1, 0.8],
            [7, 0],
            [64, 1],
            [150, 0.5],
          ]) {
            const pixels = randomPixels(count * sizes[0], zeroShare, count);
            const logits = new Float64Array(count * outputs);
            await engine.forward(pixels, count, logits);
            t.deepEqual([...logits], plainMlMatrix(layers, pixels, count));
          }
        }
      });
    }
  }
});

test("folds ÷ 255 into the first layer only, and nothing for none", (t) => {
  const network = randomNetwork([4, 3, 2]);
  const folded = foldPreprocessing(network);
  t.deepEqual(
    [...folded[0].weights],
    [...network.layers[0].weights].map((w) => w / 255),
  );
  t.is(folded[1], network.layers[1]);
  t.true(folded[0].weights.buffer instanceof SharedArrayBuffer);
  t.is(foldPreprocessing({ ...network, preprocessing: { kind: "none" } }), network.layers);
});

test("sigmoid stays finite at both ends and is a half at zero", (t) => {
  t.is(ACTIVATE.sigmoid(0), 0.5);
  t.is(ACTIVATE.sigmoid(-1000), 0);
  t.is(ACTIVATE.sigmoid(1000), 1);
});
