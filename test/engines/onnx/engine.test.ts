/** The engine `onnx` on models of several layouts and types, held against plain loops and against ml-matrix. */

import test from "ava";
import type { Dataset } from "#src/base/contracts/dataset.js";
import type { OnnxModel } from "#src/base/contracts/engine.js";
import type { Preprocessing } from "#src/base/contracts/network.js";
import { atLeast } from "#src/base/errors.js";
import { openDataset } from "#src/data/registry.js";
import { collectSlab } from "#src/data/stream/slab-reader.js";
import { loadModel } from "#src/engines/load-model.js";
import { argmax } from "#src/engines/logits.js";
import { byteTable } from "#src/engines/onnx/feed.js";
import { createEngine } from "#src/engines/registry.js";
import { evaluate } from "#src/evaluate/evaluate.js";
import { decodeElements } from "#src/files/formats/arrays.js";
import { foldPreprocessing } from "#src/networks/fold-maps.js";
import { encodeOnnx } from "#src/networks/onnx/encode.js";
import { loadNetwork } from "#src/networks/registry.js";
import { CLASSES, type CnnLayout, cnnLogits, cnnModel, PIXELS, SIDE } from "../../helpers/cnn.js";
import { hasOnnxruntime } from "../../helpers/engines.js";
import { inCase } from "../../helpers/in-case.js";
import { DOUBLE, FLOAT16, UINT8 } from "../../helpers/onnx.js";
import { explicitLogits, explicitly, largestDifference } from "../../helpers/preprocess.js";
import { randomDataset, randomNetwork } from "../../helpers/random.js";
import { needs } from "../../helpers/require.js";
import { temporaryFile } from "../../helpers/temporary.js";
import { codedAsync } from "../../networks/coded.js";

const withOnnx = needs("onnxruntime", hasOnnxruntime);
const TOLERANCE = 1e-3;
const TOTAL = 70;
const images = randomDataset(TOTAL, { rows: SIDE, columns: SIDE });

async function pixelsOf(dataset: Dataset): Promise<Uint8Array> {
  return (await collectSlab(dataset, { offset: 0, limit: dataset.facts.total })).pixels;
}

async function cnnLogitsOf(dataset: Dataset, preprocessing: Preprocessing): Promise<number[][]> {
  const pixels = await pixelsOf(dataset);
  const preprocess = explicitly(preprocessing);
  return Array.from({ length: dataset.facts.total }, (_, n) =>
    cnnLogits(preprocess(pixels.subarray(n * PIXELS, (n + 1) * PIXELS))),
  );
}

/** A file of ONNX, which is never read as layers here. */
async function loadWhole(path: string): Promise<OnnxModel> {
  const model = await loadModel(path, {});
  if ("layers" in model) throw new TypeError(`${path} was read as layers`);
  return model;
}

const SCALE = { kind: "scale" } as const;
const NONE = { kind: "none" } as const;
const LAYOUTS: readonly (readonly [string, CnnLayout, Preprocessing])[] = [
  ["N×1×28×28", { shape: ["N", 1, SIDE, SIDE] }, SCALE],
  ["32×1×28×28", { shape: [32, 1, SIDE, SIDE] }, SCALE],
  ["1×1×28×28", { shape: [1, 1, SIDE, SIDE] }, SCALE],
  ["N×28×28×1", { shape: ["N", SIDE, SIDE, 1] }, SCALE],
  ["N×28×28", { shape: ["N", SIDE, SIDE] }, SCALE],
  ["N×784", { shape: ["N", PIXELS] }, SCALE],
  ["N×1×28×28 of float64", { shape: ["N", 1, SIDE, SIDE], type: DOUBLE }, SCALE],
  ["N×1×28×28 of float16", { shape: ["N", 1, SIDE, SIDE], type: FLOAT16 }, NONE],
  ["N×1×28×28 of uint8", { shape: ["N", 1, SIDE, SIDE], type: UINT8 }, NONE],
  [
    "standardized N×1×28×28",
    { shape: ["N", 1, SIDE, SIDE] },
    { kind: "standardize", mean: 0.1307, std: 0.3081 },
  ],
  ["N×1×28×28 that reads bytes", { shape: ["N", 1, SIDE, SIDE] }, NONE],
];

withOnnx("runs a convolutional network of every layout and type as plain loops compute it", async (t) => {
  for (const [name, layout, preprocessing] of LAYOUTS) {
    await inCase(t, `runs a convolutional network of ${name} as plain loops compute it`, async () => {
      const { kind, ...numbers } = preprocessing;
      const metadata: Record<string, string> = { "batchwise.normalize": kind };
      for (const [key, number] of Object.entries(numbers)) metadata[`batchwise.${key}`] = String(number);
      const path = await temporaryFile(t, cnnModel({ ...layout, metadata }), "cnn.onnx");
      const expected = await cnnLogitsOf(images, preprocessing);

      const model = await loadWhole(path);
      t.deepEqual(model.preprocessing, preprocessing);
      const engine = await createEngine("onnx", model);
      const logits = new Float64Array(TOTAL * CLASSES);
      await engine.forward(await pixelsOf(images), TOTAL, logits);
      const scale = Math.max(1, ...expected.flat().map(Math.abs));
      t.true(largestDifference(logits, expected.flat()) < TOLERANCE * scale);

      // The number of threads is nothing to a model's layout: two of these are enough.
      const isThreaded = name === LAYOUTS[0]![0] || name === LAYOUTS[1]![0];
      for (const [threads, batchSize] of [[0, 7], ...(isThreaded ? [[2, 50]] : [])]) {
        const { predictions, network, run } = await evaluate({
          dataset: images,
          weights: path,
          engine: "onnx",
          threads,
          batchSize,
        });
        t.deepEqual(
          [...predictions],
          expected.map((row) => argmax(row)),
        );
        t.deepEqual(network.layers, [PIXELS, CLASSES]);
        t.is(run.normalize, kind);
      }
    });
  }
});

withOnnx("divides pixels by 255 where a model says nothing, or does what the option says", async (t) => {
  const path = await temporaryFile(t, cnnModel({ shape: ["N", 1, SIDE, SIDE] }), "cnn.onnx");
  for (const preprocessing of [SCALE, NONE]) {
    const normalize = preprocessing === NONE ? "none" : undefined;
    const { predictions, run } = await evaluate({
      dataset: images,
      weights: path,
      engine: "onnx",
      normalize,
      threads: 0,
    });
    const expected = await cnnLogitsOf(images, preprocessing);
    t.deepEqual(
      [...predictions],
      expected.map((row) => argmax(row)),
    );
    t.is(run.normalize, preprocessing.kind);
  }
});

withOnnx(
  "runs each bundled network, written as ONNX, and predicts all bundled images as ml-matrix does",
  async (t) => {
    for (const name of ["bundled", "bundled-standardize", "bundled-whiten", "bundled-cnn"]) {
      await inCase(
        t,
        `runs ${name}, written as ONNX, and predicts all bundled images as ml-matrix does`,
        async () => {
          const network = await loadNetwork(name);
          const path = await temporaryFile(t, encodeOnnx(network), "network.onnx");
          const dataset = await openDataset({ dataset: "bundled", split: "test" });
          const expected = new Float64Array(dataset.facts.total * 10);
          const pixels = await pixelsOf(dataset);
          await (await createEngine("ml-matrix", foldPreprocessing(network))).forward(
            pixels,
            dataset.facts.total,
            expected,
          );
          const classes = Array.from({ length: dataset.facts.total }, (_, n) => argmax(expected, n * 10, 10));

          // Both the file as it is, and the layers that another format brought.
          for (const weights of [path, name]) {
            const found = await evaluate({ weights, engine: "onnx", threads: 2 });
            t.deepEqual([...found.predictions], classes);
            t.is(found.result.total, 10_000);
            const model = await loadModel(weights, {});
            const engine = await createEngine("onnx", "layers" in model ? foldPreprocessing(model) : model);
            const logits = new Float64Array(expected.length);
            await engine.forward(pixels, dataset.facts.total, logits);
            t.true(largestDifference(logits, expected) < TOLERANCE);
          }
        },
      );
    }
  },
);

withOnnx("computes in float64 where the model does", async (t) => {
  const network = randomNetwork([64, 20, 10], "tanh");
  const path = await temporaryFile(t, encodeOnnx(network, "float64"), "network.onnx");
  const model = await loadWhole(path);
  const pixels = await pixelsOf(randomDataset(50));
  const logits = new Float64Array(50 * 10);
  t.is(model.input.type, "float64");
  await (await createEngine("onnx", model)).forward(pixels, 50, logits);
  t.true(largestDifference(logits, explicitLogits(network.layers, pixels, explicitly(SCALE))) < 1e-9);
});

withOnnx("leaves the logits behind its own images as they were", async (t) => {
  const path = await temporaryFile(t, cnnModel({ shape: [32, 1, SIDE, SIDE] }), "cnn.onnx");
  const model = await loadWhole(path);
  const logits = new Float64Array(5 * CLASSES).fill(7);
  await (await createEngine("onnx", model)).forward(await pixelsOf(images), 3, logits);
  t.true(logits.subarray(3 * CLASSES).every((value) => value === 7));
  t.false(logits.subarray(0, 3 * CLASSES).includes(7));
});

withOnnx("keeps a model's bytes in shared memory, once for all threads", async (t) => {
  const path = await temporaryFile(t, cnnModel({ shape: ["N", 1, SIDE, SIDE] }), "cnn.onnx");
  const model = await loadWhole(path);
  t.true(model.bytes.buffer instanceof SharedArrayBuffer);
});

withOnnx("refuses a layer that float32 cannot hold", async (t) => {
  const [layer] = atLeast(randomNetwork([4, 2]).layers, 1);
  const layers = [{ ...layer, biases: Float64Array.of(1e39, 0) }];
  await codedAsync(t, createEngine("onnx", layers), "ERR_NETWORK_F32");
});

test("other engines refuse a model that is no chain of layers", async (t) => {
  const model = {
    name: "cnn.onnx",
    sha256: "",
    preprocessing: SCALE,
    assumptions: [],
    input: { name: "images", type: "float32", shape: [1, SIDE, SIDE], batch: undefined },
    output: { name: "logits", classes: 10, kind: "logits", holds: "logits" },
    bytes: new Uint8Array(),
  } as const;
  for (const name of ["ml-matrix", "simd", "reference"] as const) {
    const error = await codedAsync(t, createEngine(name, model), "ERR_NETWORK_LAYERS");
    t.is(error.exitStatus, 3);
  }
});

// The tables that make pixels a model's inputs.

const BYTES = Array.from({ length: 256 }, (_, byte) => byte);
const STANDARDIZE = { kind: "standardize", mean: 0.1307, std: 0.3081 } as const;
const standardized = (byte: number) => (byte / 255 - STANDARDIZE.mean) / STANDARDIZE.std;

/** The numbers of a table of float16. */
function halves(
  ...args: Parameters<typeof byteTable> extends [unknown, ...infer Rest] ? Rest : never
): number[] {
  const bits = byteTable("float16", ...args);
  return [...decodeElements(new Uint8Array(bits.buffer), "float16", true)];
}

test("gives each byte's number in the input's own type", (t) => {
  t.deepEqual([...byteTable("uint8", { kind: "none" })], BYTES);
  t.deepEqual(
    [...byteTable("float64", { kind: "scale" })],
    BYTES.map((byte) => byte / 255),
  );
  t.deepEqual(
    [...byteTable("float32", STANDARDIZE)],
    BYTES.map((byte) => Math.fround(standardized(byte))),
  );
  t.deepEqual([...byteTable("float32", { kind: "whiten-zca", epsilon: 0.1, folded: true })], BYTES);
});

test("rounds to the nearest float16, half its last bit away at most", (t) => {
  t.deepEqual(halves({ kind: "none" }), BYTES);
  for (const [n, found] of halves({ kind: "scale" }).entries()) {
    t.true(Math.abs(found - n / 255) <= 2 ** (Math.floor(Math.log2(n / 255)) - 11));
  }
  for (const [n, found] of halves(STANDARDIZE).entries()) {
    const expected = standardized(n);
    t.true(Math.abs(found - expected) <= 2 ** (Math.floor(Math.log2(Math.abs(expected))) - 11));
  }
});

test("gives float16 its subnormal numbers, and infinity beyond its largest", (t) => {
  const tiny = halves({ kind: "standardize", mean: 0, std: 2 ** 17 });
  t.is(tiny[255], 2 ** -17);
  t.is(tiny[51], Math.round((0.2 * 2 ** -17) / 2 ** -24) * 2 ** -24);
  const huge = halves({ kind: "standardize", mean: 0.5, std: 1e-6 });
  t.is(huge[0], Number.NEGATIVE_INFINITY);
  t.is(huge[255], Number.POSITIVE_INFINITY);
});
