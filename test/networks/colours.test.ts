/** Networks of coloured images: PyTorch's answers over CIFAR's files, in each format and with each engine. */

import { readFileSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { evaluate, loadNetwork } from "#src/index.js";
import { encodeNpz } from "#src/networks/numpy.js";
import { encodeNetwork } from "#src/networks/writers.js";
import { runCli } from "../helpers/cli.js";
import { AVAILABLE_ENGINES } from "../helpers/engines.js";
import { inCase } from "../helpers/in-case.js";
import { pythonWith, runPython } from "../helpers/python.js";
import { randomDataset, randomNetwork } from "../helpers/random.js";
import { needs } from "../helpers/require.js";
import { temporaryFile, temporaryFolder } from "../helpers/temporary.js";
import { codedAsync } from "./coded.js";

const python = pythonWith("torch", "h5py");
const testTorch = needs("torch", python !== undefined);
const SCRIPT = readFileSync(new URL("test/networks/colours.py", PACKAGE_ROOT), "utf8");
const LAYOUTS = fileURLToPath(new URL("fixtures/keras", PACKAGE_ROOT));

/** CIFAR-10's. */
const PER_CHANNEL = { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] };
const SCALED = { normalize: "scale" } as const;
/** What each network was given; nothing where the file itself states it. */
const GIVEN: readonly (readonly [name: RegExp, options: object])[] = [
  [/bytes/, {}],
  [/keras/, SCALED],
  [/plain/, { ...PER_CHANNEL, activation: "relu" }],
  [/./, PER_CHANNEL],
];

testTorch("computes PyTorch's answers over colours, with every engine", async (t) => {
  t.timeout(300_000);
  const folder = await temporaryFolder(t);
  const answers = runPython(python, SCRIPT, folder, LAYOUTS) as Record<string, number[]>;
  const dataset = join(folder, "test_batch.bin");
  let largest = 0;
  for (const [name, expected] of Object.entries(answers)) {
    for (const engine of AVAILABLE_ENGINES) {
      await inCase(t, `${name} with ${engine}`, async () => {
        const options = GIVEN.find(([pattern]) => pattern.test(name))?.[1];
        const weights = join(folder, name);
        const found = await evaluate({
          dataset,
          weights,
          engine,
          probabilities: true,
          threads: 0,
          ...options,
        });
        const { probabilities = new Float64Array() } = { probabilities: found.probabilities ?? undefined };
        t.is(probabilities.length, expected.length);
        const differences = expected.map((log, n) => Math.abs(Math.log(probabilities[n]!) - log));
        largest = Math.max(largest, ...differences);
        t.true(Math.max(...differences) < 1e-5, `${Math.max(...differences)}`);
        const assumed = found.assumptions.map(({ what }) => what).join();
        const isOpen = ["plain.npz", "rows.onnx", "flat.onnx", "dense.pt", "keras-row.h5"].includes(name);
        t.is(/side by side/.test(assumed), isOpen, assumed);
      });
    }
  }
  t.log(`largest difference: ${largest.toExponential(1)}`);
  const cnn = await loadNetwork(join(folder, "cnn.pt"), { normalize: "scale" });
  t.regex(cnn.assumptions.map(({ what }) => what).join(), /^32 × 32 × 3 pictures, stride 1, padding 1/);

  // A written file keeps the order of a list, and that it was assumed; an architecture states it.
  const dense = { dataset, weights: join(folder, "dense.pt"), threads: 0, ...PER_CHANNEL } as const;
  await codedAsync(t, evaluate({ ...dense, activation: "relu", strict: true }), "ERR_ASSUMED");
  const architecture = join(folder, "dense.json");
  const [W1, W2] = ["fc1", "fc2"].map((fc) => ({
    type: "dense",
    weights: `${fc}.weight`,
    bias: `${fc}.bias`,
  }));
  const layers = [W1, { type: "relu" }, W2];
  writeFileSync(architecture, JSON.stringify({ flattening: "channels-first", input: 3072, layers }));
  const told = await evaluate({ ...dense, architecture, strict: true });
  const numbers = [
    "--mean",
    PER_CHANNEL.mean.join(", "),
    "--std",
    `${PER_CHANNEL.std}`,
    "--activation",
    "relu",
  ];
  for (const ending of ["onnx", "safetensors"]) {
    const written = join(folder, `written.${ending}`);
    t.is((await runCli(["convert", dense.weights, written, ...numbers])).status, 0);
    for (const engine of AVAILABLE_ENGINES) {
      if (engine === "onnx" && ending !== "onnx") continue;
      const given = { dataset, weights: written, engine, threads: 0 };
      const found = await evaluate(given);
      t.deepEqual(found.predictions, told.predictions, `${ending} with ${engine}`);
      t.regex(found.assumptions.map(({ what }) => what).join(), /a channel side by side/);
      await codedAsync(t, evaluate({ ...given, strict: true }), "ERR_ASSUMED");
    }
  }

  const pairs = [
    [join(folder, "cnn.pt"), randomDataset(3, { rows: 32, columns: 32 }), /reads red, green and blue/],
    [join(folder, "cnn.onnx"), randomDataset(3, { rows: 32, columns: 32 }), /reads red, green and blue/],
    [join(folder, "cnn.pt"), randomDataset(3, { rows: 64, columns: 16, channels: 3 }), /32 × 32 × 3/],
  ] as const;
  for (const [weights, images, message] of pairs) {
    for (const engine of AVAILABLE_ENGINES) {
      const error = await t.throwsAsync(evaluate({ dataset: images, weights, engine, threads: 0 }));
      t.regex(error?.message ?? "", message);
    }
  }
});

test("a network of one channel is refused over colours, with the way out", async (t) => {
  const dataset = randomDataset(3, { rows: 28, columns: 28, channels: 3 });
  const error = await codedAsync(t, evaluate({ dataset, threads: 0 }), "ERR_NETWORK_INPUTS");
  t.regex(error.message, /found 28 × 28 × 3 = 2,352; the network reads one channel: set --grayscale/);
  const { result } = await evaluate({ dataset, threads: 0, grayscale: true });
  t.is(result.total, 3);
});

test("no conversion turns the bytes of a colour", async (t) => {
  const dataset = randomDataset(40, { rows: 4, columns: 5, channels: 3 });
  const folder = await temporaryFolder(t);
  const at = (name: string) => join(folder, name);
  const network = randomNetwork([60, 10]);
  const answers = async (weights: string) => {
    const { result, assumptions } = await evaluate({ dataset, weights, threads: 0 });
    t.regex(assumptions.map(({ what }) => what).join(), /side by side/, weights);
    return result.confusionMatrix;
  };
  for (const likelyPixelOrder of [undefined, "channels-last", "channels-first"] as const) {
    const given = { ...network, pixelOrder: undefined, likelyPixelOrder };
    await writeFile(at("a.safetensors"), encodeNetwork(".safetensors", given).bytes);
    const expected = await answers(at("a.safetensors"));
    for (const [from, to] of [
      ["a.safetensors", "b.onnx"],
      ["b.onnx", "c.safetensors"],
      ["a.safetensors", "d.npz"],
    ] as const) {
      const { status, stderr } = await runCli(["convert", at(from), at(to)]);
      if (to === "d.npz" && likelyPixelOrder === "channels-first") {
        t.is(status, 3);
        t.regex(
          stderr,
          /ERR_NORMALIZE_FORMAT: .*the order of bytes .*write a \.safetensors or an \.onnx file/,
        );
        continue;
      }
      t.is(status, 0, stderr);
      if (to !== "d.npz") t.deepEqual(await answers(at(to)), expected, `${likelyPixelOrder} ${to}`);
    }
  }
});

test("an unknown order of bytes is assumed, and refused by --strict", async (t) => {
  const dataset = randomDataset(20, { rows: 4, columns: 5, channels: 3 });
  const weights = randomNetwork([60, 10]);
  const { assumptions, result } = await evaluate({ dataset, weights, threads: 0 });
  t.like(assumptions[0], { subject: "pixels", option: null });
  await codedAsync(t, evaluate({ dataset, weights, threads: 0, strict: true }), "ERR_ASSUMED");
  const file = await temporaryFile(t, encodeNpz(weights, "float64"), "colours.npz");
  const given = { dataset, weights: file, normalize: "none", threads: 0 } as const;
  const order = (await evaluate(given)).assumptions.find(({ what }) => what.includes("side by side"));
  t.is(order?.option, "--architecture");
  const layers = [{ type: "flatten" }, { type: "dense", weights: "W1", bias: "b1" }];
  const facts = { input: [4, 5, 3], flattening: "channels-last", denseWeights: "inputs-outputs", layers };
  const architecture = await temporaryFile(t, JSON.stringify(facts), "layers.json");
  const told = await evaluate({ ...given, architecture, strict: true });
  t.deepEqual(told.assumptions, []);
  t.deepEqual(told.result.confusionMatrix, (await evaluate(given)).result.confusionMatrix);
  const last = { ...weights, pixelOrder: "channels-last" } as const;
  const stated = await evaluate({ dataset, weights: last, threads: 0, strict: true });
  t.deepEqual(stated.result.confusionMatrix, result.confusionMatrix);
  const first = { ...weights, pixelOrder: "channels-first" } as const;
  const turned = await evaluate({ dataset, weights: first, threads: 0 });
  t.notDeepEqual(turned.predictions, stated.predictions);
});

test("numbers per channel are as many as the channels", async (t) => {
  const dataset = randomDataset(3, { rows: 4, columns: 5, channels: 3 });
  const weights = { ...randomNetwork([60, 10]), pixelOrder: "channels-last" } as const;
  const standardized = (mean: number | number[], std: number | number[]) =>
    evaluate({
      dataset,
      weights: { ...weights, preprocessing: { kind: "standardize", mean, std } },
      threads: 0,
    });
  await codedAsync(t, standardized([0.1, 0.2], 0.3), "ERR_NORMALIZE_CHANNELS");
  const one = await standardized(0.5, 0.25);
  const three = await standardized([0.5, 0.5, 0.5], 0.25);
  t.deepEqual(three.predictions, one.predictions);
  const grey = randomDataset(3, { rows: 28, columns: 28 });
  const asked = evaluate({
    dataset: grey,
    mean: [0.1, 0.2, 0.3],
    std: "0.3,0.2,0.1",
    weights: "book",
    offline: true,
    threads: 0,
  });
  await t.throwsAsync(asked);
  await codedAsync(
    t,
    evaluate({ dataset: grey, mean: [0.1, 0.2, 0.3], std: [0.1, 0.2] }),
    "ERR_OPTION_VALUE",
  );
  await codedAsync(t, evaluate({ dataset: grey, mean: [], std: 1 }), "ERR_ARGUMENT");
});
