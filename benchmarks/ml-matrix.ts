/** How much faster than plain ml-matrix the engine of that name is; what a second thread gives; the book's lesson on batches. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FoldedLayers } from "../src/contracts/engine.js";
import { foldPreprocessing } from "../src/engines/fold.js";
import { createEngine } from "../src/engines/registry.js";
import { evaluate } from "../src/evaluate.js";
import { loadPair } from "../src/load-pair.js";
import { layerSizes } from "../src/networks/layer-sizes.js";
import { resolveOptions } from "../src/options.js";
import { PACKAGE_ROOT } from "../src/package-root.js";
import type { Slab } from "../src/slabs/slab.js";
import { machineText, measure, type Rival, tableOf, timed } from "./harness.js";
import { createPlainMlMatrix } from "./plain-ml-matrix.js";

const ROUNDS = 9;
const BATCH_SIZES = [1, 100, 10_000];

const mnist = process.env.BATCHWISE_MNIST_DIR;
const input = mnist === undefined ? {} : { dataset: mnist, weights: join(mnist, "sample_weight.pkl") };
const pair = await loadPair(resolveOptions(input, 1));
const layers = foldPreprocessing(pair.network);
const slab = await onlySlab();
const { pixels, inputs, count } = slab;
const outputs = pair.classes;

type Forward = (pixels: Uint8Array, count: number, logits: Float64Array) => void | Promise<void>;

async function onlySlab(): Promise<Slab> {
  for await (const first of pair.slabs(pair.range.limit)) return first;
  throw new Error("the data set is empty");
}

async function pass(forward: Forward, batchSize: number, logits: Float64Array): Promise<void> {
  for (let start = 0; start < count; start += batchSize) {
    const images = Math.min(batchSize, count - start);
    const batch = pixels.subarray(start * inputs, (start + images) * inputs);
    await forward(batch, images, logits.subarray(start * outputs));
  }
}

const versionOf = (name: string): string =>
  JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, PACKAGE_ROOT), "utf8")).version;
const engine = await createEngine("ml-matrix", layers);
const plain = createPlainMlMatrix(layers);
const ours: Forward = (...args) => engine.forward(...args);

console.log(`${machineText({ "ml-matrix": versionOf("ml-matrix"), piscina: versionOf("piscina") })}`);
console.log(
  `${count} images of ${pair.dataset.name}, ${layerSizes(pair.network).join("-")}, batches of 100\n`,
);

// Prove, then time.
const plainLogits = new Float64Array(count * outputs);
const ourLogits = new Float64Array(count * outputs);
await pass(plain, 100, plainLogits);
await pass(ours, 100, ourLogits);
assert.deepEqual(ourLogits, plainLogits, "logits are bit-identical");
console.log("Logits of all images are bit-identical.\n");

const oneThread: Rival[] = [
  { name: "plain ml-matrix", run: () => timed(() => pass(plain, 100, plainLogits)) },
  { name: "engine ml-matrix", run: () => timed(() => pass(ours, 100, ourLogits)) },
];
const [plainTime, ourTime] = await measure(oneThread, ROUNDS);
console.log(`${tableOf([plainTime, ourTime], count)}\n`);
console.log(`Ratio of medians on one thread: ${(plainTime.medianMs / ourTime.medianMs).toFixed(2)}\n`);

// A new pool each time, as a command has: its workers' code is compiled anew, which weighs less the longer the run is.
const splits = mnist === undefined ? ["test"] : ["test", "train"];
for (const split of splits) {
  let images = 0;
  const withThreads = (threads: number): Rival => ({
    name: `evaluate, ${split}, ${threads} ${threads === 1 ? "thread" : "threads"}`,
    async run() {
      const { timing, result } = await evaluate({ ...input, split, threads, warm: true });
      images = result.total;
      return timing.evaluateMs;
    },
  });
  const [one, two] = await measure([withThreads(1), withThreads(2)], ROUNDS);
  console.log(`${tableOf([one, two], images)}\n`);
  console.log(`Ratio of 1 thread to 2: ${(one.medianMs / two.medianMs).toFixed(2)}\n`);
}

const batches = await measure(
  BATCH_SIZES.flatMap((size): Rival[] => [
    { name: `plain ml-matrix, batch ${size}`, run: () => timed(() => pass(plain, size, plainLogits)) },
    { name: `engine ml-matrix, batch ${size}`, run: () => timed(() => pass(ours, size, ourLogits)) },
  ]),
  3,
  1,
);
assert.deepEqual(ourLogits, plainLogits, "logits are bit-identical at every batch size");
console.log(`${tableOf(batches, count)}\n`);
console.log(numpyTable(layers, ourLogits));

/** NumPy's own time for the same batches, in a process of its own; says so where there is no NumPy. */
function numpyTable(layers: FoldedLayers, logits: Float64Array): string {
  const folder = mkdtempSync(join(tmpdir(), "batchwise-"));
  try {
    const [pixelsFile, weightsFile] = [join(folder, "pixels"), join(folder, "weights")];
    writeFileSync(pixelsFile, pixels);
    writeFileSync(
      weightsFile,
      Buffer.concat(layers.flatMap(({ weights, biases }) => [bytesOf(weights), bytesOf(biases)])),
    );
    const script = fileURLToPath(new URL("benchmarks/numpy_batches.py", PACKAGE_ROOT));
    const request = {
      pixels: pixelsFile,
      weights: weightsFile,
      layers: layerSizes(pair.network),
      batchSizes: BATCH_SIZES,
      rounds: 5,
    };
    const { status, stdout, error } = spawnSync("python3", [script], {
      input: JSON.stringify(request),
      encoding: "utf8",
      maxBuffer: 2 ** 27,
    });
    if (error !== undefined || status !== 0) return "skipped: NumPy (python3 with numpy is not here)";
    const { numpy, medianMs, predictions } = JSON.parse(stdout);
    assert.deepEqual(predictions, predictionsOf(logits), "NumPy predicts the same");
    const rows = BATCH_SIZES.map(
      (size) =>
        `| NumPy ${numpy}, batch ${size} | ${medianMs[size].toFixed(1)} | ${((1000 * medianMs[size]) / count).toFixed(2)} |`,
    );
    return ["| | median ms | µs an image |", "| --- | ---: | ---: |", ...rows].join("\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function bytesOf(values: Float64Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

function predictionsOf(logits: Float64Array): number[] {
  return Array.from({ length: count }, (_, image) => {
    const row = logits.subarray(image * outputs, (image + 1) * outputs);
    return row.indexOf(Math.max(...row));
  });
}
