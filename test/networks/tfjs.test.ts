/** Layers models of TensorFlow.js: the logits of TensorFlow.js itself, and what is refused. */
import { readFileSync } from "node:fs";
import { cp, mkdir, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test, { type ExecutionContext } from "ava";
import type { ErrorCode } from "#src/base/errors.js";
import { FIXTURES } from "#src/base/package.js";
import { createEngine } from "#src/engines/registry.js";
import { foldPreprocessing } from "#src/networks/fold-maps.js";
import { loadNetwork } from "#src/networks/registry.js";
import { EXACT_ENGINES } from "../helpers/engines.js";
import { inCase } from "../helpers/in-case.js";
import { temporaryFolder } from "../helpers/temporary.js";
import { codedAsync } from "./coded.js";

const FOLDER = fileURLToPath(new URL("tfjs/", FIXTURES));

interface Expected {
  readonly pixels: readonly number[];
  readonly logits: Readonly<Record<string, readonly number[]>>;
}

test("gives the logits of TensorFlow.js, quantized or not, by the file or by its folder", async (t) => {
  const { pixels, logits }: Expected = JSON.parse(readFileSync(join(FOLDER, "expected.json"), "utf8"));
  const cases = Object.entries(logits);
  t.is(cases.length, 3);
  for (const [name, expected] of cases) {
    await inCase(t, name, async () => {
      const network = await loadNetwork(join(FOLDER, name, "model.json"));
      const scale = Math.max(...expected.map(Math.abs));
      for (const engineName of EXACT_ENGINES) {
        const engine = await createEngine(engineName, foldPreprocessing(network));
        const found = new Float64Array(expected.length);
        await engine.forward(Uint8Array.from(pixels), expected.length / 10, found);
        const difference = Math.max(...found.map((logit, n) => Math.abs(logit - expected[n]!)));
        t.true(difference <= 1e-5 * scale, `${difference} of ${scale}`);
      }
      const ofFolder = await loadNetwork(join(FOLDER, name));
      t.is(ofFolder.sha256, network.sha256);
      t.deepEqual(ofFolder.layers, network.layers);
    });
  }
});

test("states what the file states: sizes, the last operation, and how bytes become pixels", async (t) => {
  const cnn = await loadNetwork(join(FOLDER, "cnn"));
  t.deepEqual(
    cnn.layers.map(({ kind, activation }) => `${kind} ${activation}`),
    ["conv2d relu6", "conv2d tanh", "activation leaky-relu", "max-pool identity", "dense identity"],
  );
  t.is(cnn.layers.at(-1)?.ends, "softmax");
  t.deepEqual(cnn.imageSizes, [28, 28]);
  t.deepEqual(
    cnn.assumptions.map(({ subject }) => subject),
    ["pixels"],
  );
  const quantized = await loadNetwork(join(FOLDER, "quantized"));
  t.deepEqual(quantized.preprocessing, { kind: "standardize", mean: 0.5, std: 0.5 });
  t.deepEqual(quantized.assumptions, []);
  const functional = await loadNetwork(join(FOLDER, "functional"));
  t.is(functional.layers.at(-1)?.ends, "log-softmax");
  t.deepEqual(
    functional.layers.find(({ activation }) => activation === "hard-sigmoid")?.activationNumbers,
    Float64Array.of(0.2, 0.5),
  );
});

type Json = Record<string, unknown>;
interface Model extends Json {
  modelTopology: Json & { class_name: string; config: { layers: (Json & { config: Json })[] } };
  weightsManifest: { paths: unknown[]; weights: (Json & { quantization?: Json })[] }[];
}

/** A copy of the CNN with its description changed. */
async function changed(t: ExecutionContext, change: (model: Model) => unknown): Promise<string> {
  const folder = join(await temporaryFolder(t), "model");
  await cp(join(FOLDER, "cnn"), folder, { recursive: true });
  const path = join(folder, "model.json");
  const model: Model = JSON.parse(readFileSync(path, "utf8"));
  const text = change(model);
  await writeFile(path, typeof text === "string" ? text : JSON.stringify(model));
  return path;
}

const group = (change: (group: Model["weightsManifest"][number]) => void) => (model: Model) => {
  change(model.weightsManifest[0]!);
};
const weight = (settings: Json) => group(({ weights }) => Object.assign(weights[0]!, settings));

test("refuses what is no chain, no whole list of weights, or a file outside of the folder", async (t) => {
  const cases: readonly (readonly [
    what: string,
    change: (model: Model) => unknown,
    message: RegExp,
    code?: ErrorCode,
  ])[] = [
    [
      "a graph",
      (m) => Object.assign(m, { format: "graph-model" }),
      /a TensorFlow.js graph model; run .*tf2onnx.convert --tfjs/,
      "ERR_NETWORK_FORMAT",
    ],
    [
      "a graph without a format",
      () => '{"modelTopology":{"node":[]},"weightsManifest":[]}',
      /graph model; run .*--tfjs/,
      "ERR_NETWORK_FORMAT",
    ],
    ["no JSON", () => '{"modelTopology":', /expected a description in JSON/],
    ["a deep text", () => `{"modelTopology":${"[".repeat(100)}`, /nesting at most 64 deep/],
    [
      "no architecture",
      () => '{"modelTopology":null,"weightsManifest":[]}',
      /expected an architecture, found null/,
    ],
    ["no list", (m) => Object.assign(m, { weightsManifest: {} }), /expected a list as weightsManifest/],
    [
      "a group without paths",
      (m) => Object.assign(m, { weightsManifest: [{}] }),
      /expected paths and weights/,
    ],
    [
      "a path upwards",
      group((g) => g.paths.fill("../model.bin")),
      /in the model's own folder, found "\.\.\/model\.bin"/,
    ],
    ["an absolute path", group((g) => g.paths.fill("/etc/passwd")), /own folder, found "\/etc\/passwd"/],
    ["a path of Windows", group((g) => g.paths.fill("C:\\w.bin")), /own folder, found "C:/],
    ["a number as a path", group((g) => g.paths.fill(7)), /own folder, found 7/],
    [
      "a missing file",
      group((g) => g.paths.fill("none.bin")),
      /"none\.bin" in its own folder, found no such file/,
    ],
    [
      "too many files",
      group((g) => Object.assign(g, { paths: Array(2_001).fill("a") })),
      /at most 2,000 files/,
    ],
    ["a weight without a name", weight({ name: 1 }), /a name of each weight/],
    [
      "a type that is no number",
      weight({ dtype: "string" }),
      /weight "conv2d.*kernel": expected float32, found "string"/,
    ],
    ["a negative size", weight({ shape: [3, 3, 1, -4] }), /expected a shape, found \[3,3,1,-4\]/],
    [
      "an unknown quantization",
      weight({ quantization: { dtype: "int4" } }),
      /expected uint8, uint16 or float16, found "int4"/,
    ],
    [
      "a quantization without a scale",
      weight({ quantization: { dtype: "uint8", min: 0 } }),
      /scale and min as numbers/,
    ],
    ["a shape of too many bytes", weight({ shape: [2 ** 29] }), /./, "ERR_WEIGHTS_SIZE"],
    [
      "a shape of fewer bytes than there are",
      weight({ shape: [1, 1, 1, 4] }),
      /at most [\d,]+ bytes of weights in "group1-shard2of2\.bin", found 6,044/,
    ],
    [
      "fewer bytes than the shapes need",
      group((g) => g.paths.pop()),
      /expected 12,\d+ bytes of weights in group1-shard1of2\.bin, found 6,044/,
    ],
    [
      "a weight twice",
      group((g) =>
        g.weights.push({ ...g.weights.find(({ name }) => String(name).includes("dense"))!, shape: [0] }),
      ),
      /each weight once/,
    ],
    [
      "a layer without its weights",
      weight({ name: "other/kernel" }),
      /expected the arrays kernel, found none/,
    ],
    [
      "an unknown layer",
      (m) => Object.assign(m.modelTopology.config.layers[3]!, { class_name: "Lambda" }),
      /Lambda, whose Python code is not run; run tensorflowjs_converter/,
    ],
  ];
  for (const [what, change, message, code = "ERR_NETWORK_LAYER"] of cases) {
    await inCase(t, what, async () => {
      const path = await changed(t, change);
      t.regex((await codedAsync(t, loadNetwork(path), code)).message, message);
    });
  }
});

test("refuses a link that leads out of the folder, and follows one within it", async (t) => {
  const shard = "group1-shard2of2.bin";
  const path = await changed(t, () => undefined);
  const folder = join(path, "..");
  await rename(join(folder, shard), join(folder, "..", shard));
  await symlink(`../${shard}`, join(folder, shard));
  const { message } = await codedAsync(t, loadNetwork(path), "ERR_NETWORK_LAYER");
  t.regex(message, /its own folder, found "group1-shard2of2\.bin", a link to /);
  const inner = await changed(t, () => undefined);
  const innerFolder = join(inner, "..");
  await mkdir(join(innerFolder, "data"));
  await rename(join(innerFolder, shard), join(innerFolder, "data", shard));
  await symlink(`data/${shard}`, join(innerFolder, shard));
  t.is((await loadNetwork(inner)).layers.length, 5);
});

test("leaves out the states of an optimizer", async (t) => {
  const path = await changed(t, (model) => {
    const weights = [
      { name: "Adam/dense_Dense1/kernel/m", shape: [2], dtype: "float32", group: "optimizer" },
    ];
    model.weightsManifest.push({ paths: ["optimizer.bin"], weights });
  });
  await writeFile(join(path, "..", "optimizer.bin"), Buffer.alloc(8));
  const [changedNetwork, network] = await Promise.all([loadNetwork(path), loadNetwork(join(FOLDER, "cnn"))]);
  t.deepEqual(changedNetwork.layers, network.layers);
});
