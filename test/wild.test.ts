/** Strangers' model files: each is read right, or refused by its real name. No number is wrong in silence. */

import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { env } from "node:process";
import type { ExecutionContext } from "ava";
import test from "ava";
import { atLeast } from "#src/base/errors.js";
import { runCli } from "./helpers/cli.js";
import { hasOnnxruntime } from "./helpers/engines.js";
import { inCase } from "./helpers/in-case.js";
import { mnist, needs, wild } from "./helpers/require.js";

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

const IMAGES = 10_000;
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
}

async function evaluated(file: string, options: readonly string[]): Promise<Answer> {
  const path = join(wild ?? "", file);
  const { status, stdout, stderr } = await runCli([
    ...["--quiet", "--format", "json", "--dataset", mnist ?? "", "--weights", path],
    ...options,
  ]);
  const correct = status === 0 ? Math.round(JSON.parse(stdout).result.accuracy * IMAGES) : undefined;
  return { status, stderr, correct };
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

testWild("reads each file right, or refuses it by its name", async (t) => {
  t.timeout(120_000);
  for (const one of cases) {
    const engines = ["simd", ...(one.file.endsWith(".onnx") && hasOnnxruntime ? ["onnx"] : [])];
    for (const engine of engines) await inCase(t, `${one.file}, ${engine}`, () => holdCase(t, one, engine));
  }
});

/** Once with what the file does not state, and once without. */
async function holdCase(t: ExecutionContext, one: Case, engine: string): Promise<void> {
  const { file, right } = one;
  await t.notThrowsAsync(access(join(wild ?? "", file)));
  const stated = optionsOf(one).filter((_, index, all) => engine !== "onnx" || !isActivation(all, index));
  const informed = await evaluated(file, ["--engine", engine, ...stated]);
  if (informed.status === 0) {
    t.true(isRight(one, informed), `${informed.correct} instead of ${right}: ${informed.stderr}`);
  } else {
    assertRefused(t, informed, "with its options");
  }
  const alone = stated.length === 0 ? informed : await evaluated(file, ["--engine", engine]);
  if (alone.status === 0) {
    const isNamed = /^assumed: /m.test(alone.stderr);
    t.true(
      (right !== null && isRight(one, alone)) || isNamed,
      `${alone.correct} in silence instead of ${right}`,
    );
  } else {
    assertRefused(t, alone, "without options");
  }
}

/** The engine onnx runs a model's own activations, and takes none. */
function isActivation(all: readonly string[], index: number): boolean {
  return all[index] === "--activation" || all[index - 1] === "--activation";
}

test("has a case for the wild only where BATCHWISE_WILD_DIR names its folder", (t) => {
  t.is(cases.length > 0, env.BATCHWISE_WILD_DIR !== undefined && wild !== undefined);
});
