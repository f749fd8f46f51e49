/** `batchwise fit`: weights trained under a preprocessing become a file that reads bytes, and predicts the same. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import type { DenseLayer } from "#src/base/contracts/network.js";
import { FITTED_NORMALIZATIONS, type FittedNormalization } from "#src/base/contracts/network.js";
import { BatchwiseError, ERROR_CODES, type ErrorCode } from "#src/base/errors.js";
import { argmax } from "#src/engines/logits.js";
import { evaluate } from "#src/evaluate/evaluate.js";
import { type FitInput, fitPreprocessing } from "#src/evaluate/fit.js";
import { LevelCounts, PixelMoments, whiteningMatrix } from "#src/networks/preprocess.js";
import { loadNetwork } from "#src/networks/registry.js";
import { encodeSafetensors } from "#src/networks/write-safetensors.js";
import { runCli } from "../helpers/cli.js";
import { loadDense } from "../helpers/dense.js";
import { AVAILABLE_ENGINES } from "../helpers/engines.js";
import { idxBytes } from "../helpers/idx.js";
import { type Explicit, explicitLogits, explicitly, whitened } from "../helpers/preprocess.js";
import { randomNetwork, seeded } from "../helpers/random.js";
import { mnist, needs } from "../helpers/require.js";
import { temporaryFolder } from "../helpers/temporary.js";

const SIDE = 6;
const INPUTS = SIDE * SIDE;
const CLASSES = 4;
const SPLITS = { train: 300, t10k: 120 };
const random = seeded(8);
const pixelsOf = (count: number) =>
  Uint8Array.from({ length: count * INPUTS }, () => (random() < 0.6 ? 0 : Math.floor(random() * 256)));
const training = pixelsOf(SPLITS.train);
const testing = pixelsOf(SPLITS.t10k);

/** Weights as float32, as a file keeps them; large, so that images differ in what comes out. */
const layers = randomNetwork([INPUTS, 12, CLASSES], "sigmoid", 9).layers.map(
  (layer): DenseLayer => ({
    ...layer,
    weights: layer.weights.map((weight) => Math.fround(8 * weight)),
    biases: layer.biases.map(Math.fround),
  }),
);

/** The file as a foreign program would write it, without a word on preprocessing; as long as before. */
function foreign(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes).toString("latin1");
  return Buffer.from(text.replace('"normalize":"scale"', '"framework":"other"'), "latin1");
}

async function files(t: ExecutionContext) {
  const folder = await temporaryFolder(t);
  const weights = join(folder, "trained.safetensors");
  await writeFile(weights, foreign(encodeSafetensors({ layers, preprocessing: { kind: "scale" } })));
  for (const [name, pixels] of [
    ["train", training],
    ["t10k", testing],
  ] as const) {
    const count = pixels.length / INPUTS;
    await writeFile(join(folder, `${name}-images-idx3-ubyte`), idxBytes("u8", [count, SIDE, SIDE], pixels));
    const labels = Uint8Array.from({ length: count }, (_, n) => n % CLASSES);
    await writeFile(join(folder, `${name}-labels-idx1-ubyte`), idxBytes("u8", [count], labels));
  }
  return { folder, weights, output: join(folder, "fitted.safetensors") };
}

function fitted(kind: FittedNormalization): Explicit {
  if (kind === "standardize") {
    const counts = new LevelCounts();
    counts.add(training);
    return explicitly(counts.standardizing("training"));
  }
  const moments = new PixelMoments(INPUTS);
  moments.add(training);
  return whitened(whiteningMatrix(kind, moments, 0.1));
}

test("every engine predicts from the fitted file what the weights predict from preprocessed images", async (t) => {
  for (const kind of FITTED_NORMALIZATIONS) {
    const { folder, weights, output } = await files(t);
    const args = ["--normalize", kind, "--dataset", folder, "--weights", weights, "--output", output];
    const { status, stdout, stderr } = await runCli(["fit", ...args]);
    t.deepEqual([status, stderr], [0, `written: ${output}\n`]);
    t.is(stdout.split("\n").length, 2);
    t.true(stdout.startsWith(`${output}: ${kind}, `) && stdout.endsWith(", fitted to 300 images\n"), stdout);

    const expected = explicitLogits(layers, testing, fitted(kind));
    const labels = Array.from({ length: SPLITS.t10k }, (_, n) =>
      argmax(expected.subarray(n * CLASSES, (n + 1) * CLASSES)),
    );
    t.true(new Set(labels).size > 1);
    for (const engine of AVAILABLE_ENGINES) {
      const { predictions, run } = await evaluate({ dataset: folder, weights: output, engine, threads: 0 });
      t.deepEqual([...predictions], labels, `${kind}, ${engine}`);
      t.is(run.normalize, kind);
    }
  }
});

test("keeps the weights as they were beside the two numbers of standardize, which it also prints", async (t) => {
  const { folder, weights, output } = await files(t);
  const args = ["--normalize", "standardize", "--dataset", folder, "--weights", weights, "--output", output];
  const { stdout } = await runCli(["fit", ...args]);
  const network = await loadDense(output);
  t.deepEqual(
    network.layers.map((layer) => [...layer.weights, ...layer.biases]),
    layers.map((layer) => [...layer.weights, ...layer.biases]),
  );
  const counts = new LevelCounts();
  counts.add(training);
  const { mean, std } = counts.standardizing("training");
  t.deepEqual(network.preprocessing, { kind: "standardize", mean, std });
  t.true(stdout.includes(`mean ${mean}, standard deviation ${std}`), stdout);
});

test("prints epsilon and the eigenvalues' range, and writes epsilon into the file", async (t) => {
  const { folder, weights, output } = await files(t);
  const args = ["--normalize", "whiten-zca", "--epsilon", "0.25", "--dataset", folder, "--weights", weights];
  const { stdout } = await runCli(["fit", ...args, "--output", output]);
  const [, most, least] = /epsilon 0\.25, eigenvalues from ([\d.]+) to ([\d.e-]+),/.exec(stdout) ?? [];
  t.true(Number(most) > Number(least) && Number(least) > 0, stdout);
  t.deepEqual((await loadNetwork(output)).preprocessing, { kind: "whiten-zca", epsilon: 0.25, folded: true });
});

test("fits to the training split unless told otherwise", async (t) => {
  const { folder, weights } = await files(t);
  const input: FitInput = { dataset: folder, weights, normalize: "standardize" };
  t.is((await fitPreprocessing(input)).images, SPLITS.train);
  t.is((await fitPreprocessing({ ...input, split: "test" })).images, SPLITS.t10k);
});

needs("mnist", mnist !== undefined)(
  "finds the mean and standard deviation that NumPy finds of MNIST's training images",
  async (t) => {
    const { folder, weights } = await files(t);
    const { layers } = await loadNetwork("bundled");
    await writeFile(weights, foreign(encodeSafetensors({ layers, preprocessing: { kind: "scale" } })));
    const fitted = await fitPreprocessing({ dataset: mnist ?? folder, weights, normalize: "standardize" });
    t.is(fitted.images, 60_000);
    t.deepEqual(fitted.preprocessing, {
      kind: "standardize",
      mean: 0.1306604762738429,
      std: 0.30810780385646264,
    });
  },
);

async function refuses(t: ExecutionContext, code: ErrorCode, change: Partial<FitInput>) {
  const { folder, weights } = await files(t);
  const input: FitInput = { dataset: folder, weights, normalize: "whiten-zca", ...change };
  const error = await t.throwsAsync(fitPreprocessing(input), { instanceOf: BatchwiseError });
  t.is(error.code, code, error.message);
  return error;
}

test("refuses what takes no fitting, fits it already or reads other images, and suggests for a slip", async (t) => {
  // @ts-expect-error: the type refuses it too.
  await refuses(t, "ERR_OPTION_UNKNOWN", { normalize: "scale" });
  // @ts-expect-error: the type refuses it too.
  t.regex((await refuses(t, "ERR_OPTION_UNKNOWN", { normalize: "whiten-zac" })).message, /"whiten-zca"/);
  await refuses(t, "ERR_NETWORK_INPUTS", { dataset: "bundled", split: "test" });
  const error = await refuses(t, "ERR_NORMALIZE_FITTED", { weights: "bundled" });
  t.like(error.facts, { path: "bundled", found: "scale" });
  t.is(error.exitStatus, 3);
});

test("refuses an epsilon that would divide by nothing, and one without whitening", async (t) => {
  for (const epsilon of ["0", "0.0000009", "-1", "x", "1001", Number.NaN]) {
    await refuses(t, "ERR_OPTION_VALUE", { epsilon });
  }
  await refuses(t, "ERR_USAGE", { normalize: "standardize", epsilon: 0.1 });
});

test("refuses to whiten images whose covariance would not fit", async (t) => {
  const side = 46;
  const { folder, weights } = await files(t);
  const large = randomNetwork([side * side, 2]).layers;
  await writeFile(weights, foreign(encodeSafetensors({ layers: large, preprocessing: { kind: "scale" } })));
  const images = join(folder, "train-images-idx3-ubyte");
  await writeFile(images, idxBytes("u8", [1, side, side], new Uint8Array(side * side)));
  await writeFile(join(folder, "train-labels-idx1-ubyte"), idxBytes("u8", [1], [0]));
  const input: FitInput = { dataset: folder, weights, normalize: "whiten-pca" };
  const error = await t.throwsAsync(fitPreprocessing(input), { instanceOf: BatchwiseError });
  t.is(error.code, "ERR_WHITENING_SIZE");
  t.like(error.facts, { inputs: 2116, limit: 2048 });
});

test("stops when it is told to", async (t) => {
  const { folder, weights } = await files(t);
  const input: FitInput = { dataset: folder, weights, normalize: "standardize" };
  for (const [reason, code] of [
    ["SIGINT", "ERR_INTERRUPTED"],
    ["SIGTERM", "ERR_TERMINATED"],
  ]) {
    const error = await t.throwsAsync(fitPreprocessing(input, { signal: AbortSignal.abort(reason) }), {
      instanceOf: BatchwiseError,
    });
    t.is(error.code, code);
  }
});

test("leaves an output that stood there as it was when it fails", async (t) => {
  const { folder, weights, output } = await files(t);
  await writeFile(output, "before");
  const names = await readdir(folder);
  const args = ["--dataset", folder, "--weights", weights, "--output", output];
  const refusals: readonly [args: string[], code: ErrorCode][] = [
    [["fit", "--normalize", "scale", ...args], "ERR_OPTION_UNKNOWN"],
    [["fit", "--normalize", "whiten-zca", ...args, "--weights", "bundled"], "ERR_NORMALIZE_FITTED"],
    [["fit", "--normalize", "whiten-zca", ...args.slice(2)], "ERR_USAGE"],
    [["fit", ...args], "ERR_USAGE"],
    [
      ["fit", "--normalize", "standardize", ...args, "--output", join(folder, "no", "a.safetensors")],
      "ERR_OUTPUT_WRITE",
    ],
  ];
  for (const [argv, code] of refusals) {
    const { status, stdout, stderr } = await runCli(argv);
    t.is(status, ERROR_CODES[code].status, stderr);
    t.regex(stderr, new RegExp(`^batchwise: ${code}: .+\n$`));
    t.is(stdout, "");
  }
  t.is(await readFile(output, "utf8"), "before");
  t.deepEqual(await readdir(folder), names);
});

test("answers a --normalize by what the file says, or does not, whatever the command", async (t) => {
  const { folder, weights, output } = await files(t);
  const fit = ["--normalize", "standardize", "--dataset", folder, "--weights", weights, "--output", output];
  t.is((await runCli(["fit", ...fit])).status, 0);
  const data = ["--dataset", folder];
  for (const command of [
    ["evaluate", "--threads", "0", ...data],
    ["show", "3", ...data],
    ["inspect", ...data],
    ["predict", "no.png"],
  ]) {
    for (const [file, normalize, message] of [
      [weights, "standardize", /^batchwise: ERR_NORMALIZE_STATISTICS: trained.*--mean and --std.*\n$/],
      [weights, "whiten-pca", /^batchwise: ERR_NORMALIZE_STATISTICS: trained.*batchwise fit.*\n$/],
      [
        output,
        "scale",
        /^batchwise: ERR_NORMALIZE_MISMATCH: fitted.*"standardize, mean .*--normalize scale.*\n$/,
      ],
      [
        output,
        "whiten-zca",
        /^batchwise: ERR_NORMALIZE_MISMATCH: fitted.*"standardize, mean .*--normalize whiten-zca.*\n$/,
      ],
    ] as const) {
      const refused = await runCli([...command, "--weights", file, "--normalize", normalize]);
      t.is(refused.status, 3);
      t.is(refused.stdout, "");
      t.regex(refused.stderr, message);
    }
  }
  for (const command of [["evaluate", "--threads", "0"], ["show", "3"], ["inspect"]]) {
    for (const [file, normalize] of [
      [weights, "none"],
      [output, "standardize"],
    ] as const) {
      const args = [...command, ...data, "--weights", file, "--normalize", normalize];
      t.is((await runCli(args)).status, 0);
    }
  }
});

test("shows in inspect what a file's pixels go through", async (t) => {
  const { folder, weights, output } = await files(t);
  for (const [kind, words] of [
    ["standardize", /^network .*, \(pixels ÷ 255 − 0\.\d{4}\) ÷ 0\.\d{4}$/m],
    ["whiten-zca", /^network .*, pixels ÷ 255, ZCA-whitened with ε = 0\.1, folded into W1 and b1$/m],
    ["whiten-pca", /^network .*, pixels ÷ 255, PCA-whitened with ε = 0\.1, folded into W1 and b1$/m],
  ] as const) {
    const { file, preprocessing } = await fitPreprocessing({ dataset: folder, weights, normalize: kind });
    await writeFile(output, file);
    const args = ["inspect", "--dataset", folder, "--weights", output];
    t.regex((await runCli(args)).stdout, words);
    const { network } = JSON.parse((await runCli([...args, "--format", "json"])).stdout);
    t.is(network.normalize, kind);
    t.deepEqual(network.preprocessing, preprocessing);
  }
});

test("holds a network that is handed in loaded to the same rule", async (t) => {
  const { folder, weights } = await files(t);
  const network = await loadNetwork(weights);
  const wrong = evaluate({ dataset: folder, weights: network, normalize: "none", threads: 0 });
  t.is((await t.throwsAsync(wrong, { instanceOf: BatchwiseError })).code, "ERR_NORMALIZE_MISMATCH");
  const { run } = await evaluate({ dataset: folder, weights: network, normalize: "scale", threads: 0 });
  t.is(run.normalize, "scale");
});
