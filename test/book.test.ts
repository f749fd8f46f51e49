/** The book's network on the whole of MNIST, held against NumPy's answers, by every road that the book takes. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { ENGINES, type EngineName } from "#src/base/contracts/network.js";
import { loadMnist } from "#src/data/named-sets.js";
import { argmax } from "#src/engines/argmax.js";
import { predict } from "#src/engines/predict.js";
import { createEngine } from "#src/engines/registry.js";
import { evaluate } from "#src/evaluate/evaluate.js";
import { foldPreprocessing } from "#src/networks/fold.js";
import { loadNetwork } from "#src/networks/registry.js";
import { runCli } from "./helpers/cli.js";
import { testOf } from "./helpers/engines.js";
import { inCase } from "./helpers/in-case.js";
import { mnist, needs } from "./helpers/require.js";

const withMnist = needs("mnist", mnist !== undefined);
const folder = mnist ?? "";
const weights = join(folder, "sample_weight.pkl");
const reference = (name: string) => readFile(join(folder, "..", "reference", name));
const NPY_HEADER_BYTES = 128;

async function referencePredictions(): Promise<number[]> {
  return [...(await reference("test_predictions.u8"))];
}

withMnist("the command line gives 9352 of 10000 and NumPy's confusion matrix", async (t) => {
  const args = ["--dataset", folder, "--weights", weights, "--threads", "8", "--format", "json"];
  const { status, stdout } = await runCli(args);
  t.is(status, 0);
  const { result } = JSON.parse(stdout);
  t.is(result.correct, 9352);
  t.is(result.accuracy, 0.9352);
  const summary = JSON.parse(String(await reference("summary.json")));
  t.deepEqual(result.confusionMatrix, summary.test.confusion_matrix_rows_are_labels);
});

withMnist("the text ends with the book's line", async (t) => {
  const { stdout } = await runCli(["--dataset", folder, "--weights", weights, "--expect-accuracy", "0.9352"]);
  t.true(stdout.endsWith("\nAccuracy : 0.9352\n"));
});

withMnist("any number of threads gives NumPy's 10,000 predictions at any batch size", async (t) => {
  const expected = await referencePredictions();
  for (const [threads, batchSize] of [
    [0, 7],
    [1, 10_000],
    [2, 1],
    [8, 100],
    [16, 333],
  ]) {
    const { result, predictions } = await evaluate({ dataset: folder, weights, threads, batchSize });
    const what = `${threads} threads, batches of ${batchSize}`;
    t.is(result.correct, 9352, what);
    t.deepEqual([...predictions], expected, what);
  }
});

withMnist("56146 of the 60000 training images are right", async (t) => {
  const input = { dataset: folder, weights, split: "train", engine: "simd", threads: 2 };
  const { result } = await evaluate(input);
  t.is(result.correct, 56_146);
  t.is(result.total, 60_000);
  const summary = JSON.parse(String(await reference("summary.json")));
  t.deepEqual(result.confusionMatrix, summary.train.confusion_matrix_rows_are_labels);
});

/** Of the logits. */
const TOLERANCES: Readonly<Record<EngineName, number>> = {
  "ml-matrix": 1e-9,
  simd: 3e-3,
  onnx: 1e-3,
  reference: 1e-9,
};

async function holdEngine(t: ExecutionContext, name: EngineName): Promise<void> {
  const [, [images]] = await loadMnist({ normalize: false, directory: folder });
  const npy = await reference("test_logits_float64.npy");
  const expected = new Float64Array(new Uint8Array(npy.subarray(NPY_HEADER_BYTES)).buffer);
  const engine = await createEngine(name, foldPreprocessing(await loadNetwork(weights)));
  const logits = new Float64Array(100_000);
  await engine.forward(images.data, 10_000, logits);
  t.is(expected.length, logits.length);
  t.true(logits.every((value, n) => Math.abs(value - expected[n]) <= TOLERANCES[name]));
  const { predictions, run } = await evaluate({ dataset: folder, weights, engine: name, threads: 2 });
  t.true(run.recomputed <= 50, `${run.recomputed} were computed again`);
  t.deepEqual([...predictions], await referencePredictions());
}

withMnist(
  "each engine is within its tolerance of NumPy's logits and predicts all 10,000 alike",
  async (t) => {
    for (const name of ENGINES.filter((engine) => engine !== "onnx")) {
      await inCase(t, name, () => holdEngine(t, name));
    }
  },
);

(mnist === undefined ? withMnist : testOf("onnx"))(
  "onnx is within its tolerance of NumPy's logits and predicts all 10,000 alike",
  (t) => holdEngine(t, "onnx"),
);

withMnist("predict gives the book's shapes and classes for one image and for a batch", async (t) => {
  const network = await loadNetwork(weights);
  const [, [images]] = await loadMnist({ directory: folder });
  const one = predict(network, images.data.subarray(0, 784));
  t.deepEqual(one.shape, [10]);
  t.is(argmax(one.data), 7);
  const batch = predict(network, { data: images.data.subarray(0, 100 * 784), shape: [100, 784] });
  t.deepEqual(batch.shape, [100, 10]);
  const expected = (await referencePredictions()).slice(0, 100);
  t.deepEqual(
    expected.map((_, n) => argmax(batch.data, n * 10, 10)),
    expected,
  );
  t.true(batch.data.subarray(0, 10).every((value, n) => Math.abs(value - one.data[n]) < 1e-15));
});

withMnist("shows the first training image, a five", async (t) => {
  const { status, stdout } = await runCli([
    "show",
    "0",
    "--dataset",
    folder,
    "--split",
    "train",
    "--weights",
    weights,
  ]);
  t.is(status, 0);
  t.regex(stdout, /^label: 5\n\(784,\)\n\(28, 28\)\nprediction: 5\n/);
});
