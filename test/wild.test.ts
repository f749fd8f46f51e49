/** Strangers' model files: each is read right, or refused by its real name. No number is wrong in silence. */

import { readFileSync } from "node:fs";
import { access, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { env } from "node:process";
import type { ExecutionContext } from "ava";
import test from "ava";
import type { EngineName } from "#src/base/contracts/engine.js";
import { atLeast } from "#src/base/errors.js";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { runCli } from "./helpers/cli.js";
import { AVAILABLE_ENGINES } from "./helpers/engines.js";
import { inCase } from "./helpers/in-case.js";
import { pythonWith, runPython } from "./helpers/python.js";
import { mnist, needs, wild } from "./helpers/require.js";
import { temporaryFolder } from "./helpers/temporary.js";

/** An entry of the folder's cases.json; what its file does not state is there in words of our options. */
interface Case {
  readonly file: string;
  /** How many of MNIST's 10,000 test images are classified right, by NumPy, PyTorch or h5py; null where nobody knows. */
  readonly right: number | null;
  readonly activation?: string;
  readonly mean?: number;
  readonly std?: number;
  readonly normalize?: string;
  readonly tolerance?: number;
}

const PART_IMAGES = 500;
const PART = ["--limit", `${PART_IMAGES}`];
/** The real names of formats, of which a refusal has at least one. */
const NAMES =
  /PyTorch|Keras|TensorFlow|scikit-learn|joblib|JSON|NumPy|ONNX|node "|pickle|weights are|convolution|normalization|safetensors|arr|array/;
/** What a next step is made of: a command, an option, or a call. */
const NEXT_STEP = /run |call |--[a-z]+|save |give |export/;

const cases: readonly Case[] =
  wild === undefined ? [] : JSON.parse(await readFile(join(wild, "cases.json"), "utf8"));
const demand = needs("wild", wild !== undefined) === test && needs("mnist", mnist !== undefined) === test;
const testWild = demand ? test.serial : test.skip;

interface Answer {
  readonly status: number | null;
  readonly stderr: string;
  readonly correct: number | undefined;
  /** Predicted class of each image; empty if the file was refused. */
  readonly predictions: readonly number[];
}

async function evaluated(
  t: ExecutionContext,
  file: string,
  engine: EngineName,
  options: readonly string[],
): Promise<Answer> {
  const predictions = join(await temporaryFolder(t), "predictions.ndjson");
  const path = join(wild ?? "", file);
  const { status, stdout, stderr } = await runCli([
    ...["--quiet", "--format", "json", "--threads", "2", "--dataset", mnist ?? "", "--weights", path],
    ...["--engine", engine, "--predictions", predictions, ...options],
  ]);
  if (status !== 0) return { status, stderr, correct: undefined, predictions: [] };
  const lines = (await readFile(predictions, "utf8")).trimEnd().split("\n");
  const { correct } = JSON.parse(stdout).result;
  return { status, stderr, correct, predictions: lines.map((line) => JSON.parse(line).prediction) };
}

function optionsOf({ activation, mean, std, normalize }: Case): string[] {
  const stated = { activation, mean, std, normalize };
  return Object.entries(stated).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, `${value}`],
  );
}

function isRight({ right, tolerance = 0 }: Case, { correct }: Answer): boolean {
  return right === null || (correct !== undefined && Math.abs(correct - right) <= tolerance);
}

/** A coded line that says what the file is, and what to do. */
function assertRefused(t: ExecutionContext, { status, stderr }: Answer, what: string): void {
  t.is(status, 3, `${what}: ${stderr}`);
  const lines = stderr.trimEnd().split("\n");
  t.is(lines.length, 1, `${what}: ${stderr}`);
  const [line] = atLeast(lines, 1);
  t.regex(line, /^batchwise: ERR_[A-Z0-9_]+: /, what);
  t.regex(line, NAMES, what);
  t.regex(line, NEXT_STEP, what);
}

testWild("reads each file with a number right, and refuses others by their names", async (t) => {
  // Convolutional networks take 1 to 7 ms an image.
  t.timeout(600_000);
  for (const one of cases) await inCase(t, one.file, () => holdCase(t, one));
});

/** All images by the default engine, and a part by every engine; then without what the file does not state. */
async function holdCase(t: ExecutionContext, one: Case): Promise<void> {
  const { file, right } = one;
  await t.notThrowsAsync(access(join(wild ?? "", file)));
  const stated = optionsOf(one);
  const informed = await evaluated(t, file, "ml-matrix", right === null ? [...stated, ...PART] : stated);
  if (informed.status !== 0) {
    t.is(right, null, `${file}: ${informed.stderr}`);
    assertRefused(t, informed, "with its options");
    return;
  }
  t.true(isRight(one, informed), `${informed.correct} instead of ${right}: ${informed.stderr}`);
  const expected = informed.predictions.slice(0, PART_IMAGES);
  for (const engine of AVAILABLE_ENGINES.filter((name) => name !== "ml-matrix")) {
    // The engine onnx runs a model's own activations, and takes none.
    const taken = engine === "onnx" ? stated.filter((_, n) => !isActivation(stated, n)) : stated;
    const { predictions, stderr } = await evaluated(t, file, engine, [...taken, ...PART]);
    t.deepEqual(predictions, expected, `${engine}: ${stderr}`);
  }
  if (stated.length === 0) return;
  const alone = await evaluated(t, file, "ml-matrix", PART);
  if (alone.status !== 0) {
    assertRefused(t, alone, "without options");
    return;
  }
  const isSame = `${alone.predictions}` === `${expected}`;
  t.true(isSame || /^assumed: /m.test(alone.stderr), `${alone.correct} of ${PART_IMAGES} in silence`);
}

function isActivation(all: readonly string[], index: number): boolean {
  return all[index] === "--activation" || all[index - 1] === "--activation";
}

const conv = (name: string, settings: object = {}) => ({
  ...{ type: "conv2d", weights: `${name}.weight`, bias: `${name}.bias` },
  ...settings,
});
const norm = (name: string) => ({
  ...{ type: "batch-normalization", weights: `${name}.weight`, bias: `${name}.bias` },
  ...{ mean: `${name}.running_mean`, variance: `${name}.running_var` },
});
const dense = (name: string) => ({ type: "dense", weights: `${name}.weight`, bias: `${name}.bias` });
const [relu, pool, flatten] = [{ type: "relu" }, { type: "max-pool", size: 2 }, { type: "flatten" }];

interface Written {
  readonly file: string;
  /** Function of wild.py that is the same network. */
  readonly network: string;
  /** Right of MNIST's test images, or of the first of them, by PyTorch. */
  readonly right: number;
  /** Images of a network that takes long. Default: all. */
  readonly limit?: number;
  readonly architecture: object;
}

/** Architectures as a person writes them who has read the makers' programs. */
const WRITTEN: readonly Written[] = [
  {
    file: "choimagon__OnnxTest/mnist_cnn.pth",
    ...{ network: "choimagon", right: 9_728 },
    architecture: {
      input: [28, 28],
      preprocessing: { kind: "scale" },
      layers: [conv("conv.0"), relu, pool, flatten, dense("fc")],
    },
  },
  {
    // tinygrad's beautiful_mnist: it reads bytes, and normalizes behind the activation.
    file: "karelnagel__denograd/mnist.safetensors",
    // Of all 10,000 it is right of 9,916, as PyTorch is, image by image.
    ...{ network: "karelnagel", right: 991, limit: 1_000 },
    architecture: {
      input: [28, 28],
      preprocessing: { kind: "none" },
      layers: [
        ...[conv("layers.0"), relu, conv("layers.2"), relu, norm("layers.4"), pool],
        ...[conv("layers.6"), relu, conv("layers.8"), relu, norm("layers.10"), pool],
        ...[flatten, dense("layers.13")],
      ],
    },
  },
  {
    // Pools stand before the normalizations: no convention would guess it.
    file: "sanyexieai__candle-ai/mnist_model.safetensors",
    ...{ network: "sanyexieai", right: 9_842 },
    architecture: {
      input: [28, 28],
      preprocessing: { kind: "standardize", mean: 0.1307, std: 0.3081 },
      layers: [
        ...[1, 2, 3].flatMap((n) => [conv(`conv${n}`, { padding: 1 }), pool, norm(`bn${n}`), relu]),
        ...[flatten, dense("fc")],
      ],
    },
  },
  {
    file: "sadblack__dfdx/mnist.safetensors",
    ...{ network: "sadblack", right: 9_849 },
    architecture: {
      preprocessing: { kind: "scale" },
      layers: [...["0.0", "1.0", "2.0"].flatMap((name) => [dense(name), relu]), dense("3")],
    },
  },
  {
    // Its maker made the pixels black or white; without that it is right less often.
    file: "T1ckbase__css-handwritten-digit-recognition/mnist_model_weights.json",
    ...{ network: "t1ckbase", right: 9_225 },
    architecture: {
      input: [28, 28],
      preprocessing: { kind: "scale" },
      layers: [conv("conv_layer.0", { padding: 2 }), relu, pool, flatten, dense("fc_layer")],
    },
  },
];

testWild("predicts as PyTorch does, image by image, with the makers' layers by --architecture", async (t) => {
  t.timeout(600_000);
  const folder = await temporaryFolder(t);
  const python = pythonWith("torch", "numpy");
  const script = readFileSync(new URL("test/networks/architecture/wild.py", PACKAGE_ROOT), "utf8");
  const networks = JSON.stringify(
    Object.fromEntries(WRITTEN.map(({ file, network, limit = 10_000 }) => [file, [network, limit]])),
  );
  const expected =
    python === undefined
      ? undefined
      : (runPython(python, script, wild ?? "", mnist ?? "", networks) as Record<string, readonly number[]>);
  for (const { file, network, right, architecture, limit = 10_000 } of WRITTEN) {
    await inCase(t, file, async () => {
      const path = join(folder, `${network}.json`);
      await writeFile(path, JSON.stringify(architecture));
      const answer = await evaluated(t, file, "ml-matrix", [
        "--strict",
        "--limit",
        `${limit}`,
        "--architecture",
        path,
      ]);
      t.is(answer.correct, right, answer.stderr);
      if (expected !== undefined) t.deepEqual(answer.predictions, expected[file]?.slice(0, limit));
    });
  }
});

test("has a case for the wild only where BATCHWISE_WILD_DIR names its folder", (t) => {
  t.is(cases.length > 0, env.BATCHWISE_WILD_DIR !== undefined && wild !== undefined);
});
