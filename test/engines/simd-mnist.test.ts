/** simd on MNIST: every prediction equal to float64's; all 70,000 images for the book's network, the test split for others. */
import { join } from "node:path";
import type { FoldedLayers } from "#src/base/contracts/network.js";
import { loadMnist } from "#src/data/named-sets.js";
import { argmax } from "#src/engines/argmax.js";
import { createEngine } from "#src/engines/registry.js";
import { foldPreprocessing } from "#src/networks/fold.js";
import { loadNetwork } from "#src/networks/registry.js";
import { inCase } from "../helpers/in-case.js";
import { randomNetwork } from "../helpers/random.js";
import { mnist, needs } from "../helpers/require.js";

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
      // Its logits are bit-identical to the reference's (engines.test.ts), and it is six times as fast.
      const exact = await createEngine("ml-matrix", layers);
      const simd = await createEngine("simd", layers);
      const parts: string[] = [];
      for (const [images] of name === "the book's" ? splits : splits.slice(1)) {
        const [count] = images.shape;
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
