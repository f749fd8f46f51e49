/** Finite weights whose sums overflow: NaN ends the run and names the image; infinite logits keep their class. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { IncompleteError } from "#src/base/abort.js";
import type { Dataset } from "#src/base/contracts/dataset.js";
import type { DenseLayer, Network } from "#src/base/contracts/network.js";
import { SILENT } from "#src/base/contracts/run.js";
import { NetworkError } from "#src/base/errors.js";
import { allocateSlab, streamOf } from "#src/base/slab.js";
import { predict } from "#src/engines/predict.js";
import { type EvaluateHooks, evaluate } from "#src/evaluate/evaluate.js";
import type { EvaluateInput } from "#src/evaluate/options.js";
import { encodeNpz } from "#src/networks/numpy.js";
import { runCli } from "./helpers/cli.js";
import { hasOnnxruntime } from "./helpers/engines.js";
import { coordinateHere, startHost } from "./helpers/hosts.js";
import { idxBytes } from "./helpers/idx.js";
import { inCase } from "./helpers/in-case.js";
import { redisTest, startRedis } from "./helpers/redis.js";
import { temporaryFolder } from "./helpers/temporary.js";

const TOTAL = 1000;

function network(layers: readonly DenseLayer[]): Network {
  return { name: "steep", sha256: "0".repeat(64), layers, preprocessing: { kind: "none" } };
}

/** Logits x₀, 2 x₀ and size · (x₀ − x₁), in two products. */
const steep = (size: number): DenseLayer => ({
  kind: "dense",
  inputs: 2,
  outputs: 3,
  weights: Float64Array.of(1, 2, size, 1, 2, -size),
  biases: new Float64Array(3),
  activation: "identity",
});

const STEEP = network([steep(1e308)]);
/** For float32: h = 3e38 · x₀, and logits h, 2 h and 0 · h. onnxruntime may fuse products and sums, but ∞ · 0 is NaN. */
const STEEP_F32 = network([
  {
    kind: "dense",
    inputs: 2,
    outputs: 1,
    weights: Float64Array.of(3e38, 0),
    biases: new Float64Array(1),
    activation: "relu",
  },
  {
    kind: "dense",
    inputs: 1,
    outputs: 3,
    weights: Float64Array.of(1, 2, 0),
    biases: new Float64Array(3),
    activation: "identity",
  },
]);

/** Images (1, 1), of class 1 and label 1, except those where ∞ − ∞ is NaN. */
function dataset(nanImages: readonly number[], total = TOTAL): Dataset {
  return {
    facts: {
      name: "made",
      split: "test",
      shape: { rows: 1, columns: 2, channels: 1 },
      total,
      labelsPath: "made-labels",
      classNames: undefined,
    },
    sha256: async () => "1".repeat(64),
    slabs({ offset, limit }) {
      const slab = allocateSlab({ firstImage: offset, count: limit, inputs: 2 });
      slab.pixels.fill(1);
      slab.labels.fill(1);
      for (const image of nanImages) {
        if (image >= offset && image < offset + limit) {
          slab.pixels.fill(255, 2 * (image - offset), 2 * (image - offset) + 2);
        }
      }
      return streamOf([slab]);
    },
  };
}

async function faultOf(t: ExecutionContext, input: EvaluateInput, hooks?: EvaluateHooks) {
  const error = await t.throwsAsync(evaluate(input, hooks), { code: "ERR_LOGITS_NAN" });
  t.regex(error?.message ?? "", /^steep: image [\d,]+: expected a logit for each class, found NaN/);
  t.is((error as NetworkError | undefined)?.exitStatus, 3);
  return error as NetworkError<"ERR_LOGITS_NAN"> | undefined;
}

const ENGINES = [
  { engine: "reference", weights: STEEP },
  { engine: "ml-matrix", weights: STEEP },
  { engine: "simd", weights: STEEP },
  ...(hasOnnxruntime ? [{ engine: "onnx", weights: STEEP_F32 } as const] : []),
] as const;

test("each engine names the first image with NaN at once, and keeps what was done before", async (t) => {
  for (const { engine, weights } of ENGINES) {
    for (const threads of [0, 2]) {
      for (const probabilities of [false, true]) {
        const what = `${engine}, ${threads} threads${probabilities ? ", with probabilities" : ""}`;
        const input = { weights, engine, threads, probabilities, batchSize: 100, normalize: "none" } as const;
        await inCase(t, what, async () => {
          const warnings: unknown[] = [];
          const log = { ...SILENT, warn: (facts: object) => void warnings.push(facts) };
          const error = await faultOf(t, { ...input, dataset: dataset([537, 562, 990]) }, { log });
          t.is(error?.facts.image, 537);
          t.deepEqual(warnings, [], "no attempt is made again");
          t.true(error instanceof IncompleteError);
          const { result } = (error as unknown as IncompleteError).partial;
          t.true(result.labelled && !result.complete && result.correct === result.total);
          t.true(result.total >= 100 && result.total <= 900 && result.total % 100 === 0, `${result.total}`);
        });
      }
    }
  }
});

test("without an image before, there is no partial result", async (t) => {
  for (const { engine, weights } of ENGINES) {
    await inCase(t, engine, async () => {
      const input = { weights, engine, threads: 0, batchSize: 100, dataset: dataset([0], 50) };
      const error = await faultOf(t, input);
      t.true(error instanceof NetworkError && !(error instanceof IncompleteError));
    });
  }
});

/** From 1 to 4 infinite logits among four classes: x₀ − x₁, x₁ − x₀ and so on, times 1e308 each. */
test("infinite logits have the class of NumPy's argmax and the probabilities of their limit", async (t) => {
  const huge = 1e308;
  const layer: DenseLayer = {
    kind: "dense",
    inputs: 2,
    outputs: 4,
    weights: Float64Array.of(0, huge, -huge, 0, 0, 0, -huge, huge),
    biases: Float64Array.of(1, 0, 0, 0),
    activation: "identity",
  };
  const weights = network([layer]);
  for (const [pixels, probabilities, prediction] of [
    [[0, 0], [Math.E / (Math.E + 3), ...new Array<number>(3).fill(1 / (Math.E + 3))], 0],
    [[255, 0], [0, 1, 0, 0], 1],
    [[0, 255], [0, 0, 0, 1], 3],
    [[255, 255], [0, 0.5, 0, 0.5], 1],
  ] as const) {
    const found = predict(weights, Uint8Array.from(pixels));
    probabilities.forEach((expected, k) => {
      t.true(Math.abs(found.data[k]! - expected) < 1e-15);
    });
    const set: Dataset = {
      ...dataset([], 1),
      slabs() {
        const slab = allocateSlab({ firstImage: 0, count: 1, inputs: 2 });
        slab.pixels.set(pixels);
        return streamOf([slab]);
      },
    };
    for (const engine of ["reference", "ml-matrix", "simd"] as const) {
      for (const asked of [false, true]) {
        const input = { weights, dataset: set, engine, threads: 0, probabilities: asked };
        const evaluation = await evaluate(input);
        t.deepEqual([...evaluation.predictions], [prediction], `${engine} of ${pixels}`);
        if (asked) t.deepEqual(evaluation.probabilities, found.data);
      }
    }
  }
  // All −∞: shared equally.
  const low = network([
    { ...layer, outputs: 2, weights: Float64Array.of(-huge, -huge, 0, 0), biases: new Float64Array(2) },
  ]);
  t.deepEqual([...predict(low, Uint8Array.of(255, 0)).data], [0.5, 0.5]);
});

test("an activation that is infinite times a weight of 0 is NaN, as in NumPy, for every float64 engine", async (t) => {
  // x₀ · 1e308 overflows to ∞ in the hidden layer, which the second layer multiplies by 0.
  const weights = network([
    {
      kind: "dense",
      inputs: 2,
      outputs: 1,
      weights: Float64Array.of(1e308, 0),
      biases: new Float64Array(1),
      activation: "relu",
    },
    {
      kind: "dense",
      inputs: 1,
      outputs: 2,
      weights: Float64Array.of(0, 1),
      biases: new Float64Array(2),
      activation: "identity",
    },
  ]);
  for (const engine of ["reference", "ml-matrix", "simd"] as const) {
    const error = await faultOf(t, { weights, dataset: dataset([7]), engine, threads: 0 });
    t.is(error?.facts.image, 7);
  }
});

test("the library's predict names the image's place among those given", (t) => {
  const data = Uint8Array.of(1, 1, 255, 255, 1, 0);
  const error = t.throws(() => predict(STEEP, { data, shape: [3, 2] }), { instanceOf: NetworkError });
  t.is(error?.code, "ERR_LOGITS_NAN");
  t.regex(error?.message ?? "", /^steep: image 1: /);
});

async function files(t: ExecutionContext, nanImage: number) {
  const folder = await temporaryFolder(t);
  const at = (name: string) => join(folder, name);
  const pixels = new Array<number>(2 * TOTAL).fill(1);
  pixels.fill(255, 2 * nanImage, 2 * nanImage + 2);
  await writeFile(at("images"), idxBytes("u8", [TOTAL, 1, 2], pixels));
  await writeFile(at("labels"), idxBytes("u8", [TOTAL], new Array<number>(TOTAL).fill(1)));
  await writeFile(at("steep.npz"), encodeNpz(STEEP, "float64"));
  return { images: at("images"), labels: at("labels"), weights: at("steep.npz"), folder };
}

test("on the command line: exit status 3, the partial result and the file's predictions before", async (t) => {
  const { images, labels, weights, folder } = await files(t, 537);
  const data = ["--dataset", images, "--labels", labels, "--weights", weights, "--normalize", "none"];
  const run = await runCli([...data, "--threads", "1", "--predictions", join(folder, "p.ndjson")]);
  t.is(run.status, 3);
  t.regex(run.stderr, /batchwise: ERR_LOGITS_NAN: steep\.npz: image 537: expected a logit for each class/);
  t.regex(run.stdout, /Partial/);
  const shown = await runCli(["show", "537", ...data]);
  t.is(shown.status, 3);
  t.is(shown.stdout, "");
  t.regex(shown.stderr, /ERR_LOGITS_NAN: steep\.npz: image 537: /);
  t.is((await runCli(["show", "536", ...data])).status, 0);
});

redisTest("over Redis: one host's answer ends the run, which is not tried again", async (t) => {
  const { images, labels, weights } = await files(t, 537);
  const { url } = await startRedis(t);
  startHost(t, url);
  const input = { dataset: images, labels, weights, normalize: "none", batchSize: 100 } as const;
  const error = await t.throwsAsync(coordinateHere(url, input, { jobImages: 100 }), {
    code: "ERR_LOGITS_NAN",
  });
  t.regex(error?.message ?? "", /^steep\.npz: image 537: /);
  t.true(error instanceof IncompleteError);
  t.true((error as IncompleteError).partial.result.total >= 100);
});
