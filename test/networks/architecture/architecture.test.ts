/** Networks whose layers are in a file of their own: PyTorch's logits from arrays in each format; and what is refused. */
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { BatchwiseError, type ErrorCode } from "#src/base/errors.js";
import { FIXTURES, PACKAGE_ROOT } from "#src/base/package.js";
import { createEngine } from "#src/engines/registry.js";
import { evaluate, type LoadedNetwork, loadNetwork } from "#src/index.js";
import { architectureTemplate } from "#src/networks/architecture/template.js";
import { foldPreprocessing } from "#src/networks/fold-maps.js";
import { encodeNpz } from "#src/networks/numpy.js";
import { runCli } from "../../helpers/cli.js";
import { AVAILABLE_ENGINES } from "../../helpers/engines.js";
import { inCase } from "../../helpers/in-case.js";
import { validate } from "../../helpers/published-schemas.js";
import { runPython } from "../../helpers/python.js";
import { torch, withTorch } from "../../helpers/python-writers.js";
import { randomDataset, randomNetwork } from "../../helpers/random.js";
import { temporaryFolder } from "../../helpers/temporary.js";
import { codedAsync } from "../coded.js";

const NETWORKS = readFileSync(new URL("test/networks/architecture/networks.py", PACKAGE_ROOT), "utf8");
const MOST_DIFFERENCE = 1e-5;

interface Made {
  readonly pixels: readonly number[];
  readonly files: readonly {
    readonly file: string;
    readonly architecture: string;
    readonly logits: readonly number[];
  }[];
  readonly conventional: { readonly pixels: readonly number[]; readonly logits: readonly number[] };
}

withTorch("gives PyTorch's logits of arrays in each format by an architecture of each layer", async (t) => {
  t.timeout(300_000);
  const folder = await temporaryFolder(t);
  const { pixels, files, conventional } = runPython(torch, NETWORKS, folder) as Made;
  t.is(files.length, 5 * 8);
  let most = 0;
  for (const { file, architecture, logits } of files) {
    await inCase(t, file, async () => {
      const network = await loadNetwork(join(folder, file), { architecture: join(folder, architecture) });
      t.deepEqual(network.assumptions, []);
      for (const engine of AVAILABLE_ENGINES) {
        const difference = await differenceOf(network, engine, pixels, logits);
        if (engine !== "onnx") most = Math.max(most, difference);
        t.true(difference <= (engine === "onnx" ? 1e-3 : MOST_DIFFERENCE), `${engine}: ${difference}`);
      }
    });
  }
  for (const file of ["conventional-3.weights.h5", "conventional-2.weights.h5"]) {
    const network = await loadNetwork(join(folder, file));
    t.deepEqual(network.assumptions.slice(0, 2), [
      {
        subject: "architecture",
        what: "28 × 28 pictures, stride 1, padding 0 and a 2 × 2 max pool after conv2d, conv2d_1",
        source: file,
        option: "--architecture",
      },
      { subject: "activation", what: "relu between layers", source: file, option: "--activation" },
    ]);
    const difference = await differenceOf(network, "ml-matrix", conventional.pixels, conventional.logits);
    t.true(difference <= MOST_DIFFERENCE, `${file}: ${difference}`);
    const template = await architectureTemplate(join(folder, file), {});
    t.notRegex(template, /"\?"/);
    await writeFile(join(folder, "template.json"), template);
    const again = await loadNetwork(join(folder, file), { architecture: join(folder, "template.json") });
    t.deepEqual(again.layers, network.layers);
  }
  const fewer = loadNetwork(join(folder, "conventional-2-fewer.weights.h5"));
  const error = await codedAsync(t, fewer, "ERR_NETWORK_ARCHITECTURE");
  t.regex(error.message, /state its layers with --architecture/);
  for (const [file, name] of [
    ["average", "average_pooling2d"],
    ["elu", "elu"],
    ["rescaling", "rescaling_1"],
  ] as const) {
    const other = loadNetwork(join(folder, `conventional-2-${file}.weights.h5`));
    const { message } = await codedAsync(t, other, "ERR_NETWORK_LAYER");
    t.regex(message, new RegExp(`layer "${name}": expected max pools and ReLU .*--architecture`));
  }
  t.is((await loadNetwork(join(folder, "dense-2.h5"))).layers[0]?.activation, "relu");
  for (const [file, name] of [
    ["lambda", "lambda"],
    ["leaky", "leaky_re_lu"],
  ] as const) {
    const { message } = await codedAsync(
      t,
      loadNetwork(join(folder, `dense-2-${file}.h5`)),
      "ERR_NETWORK_LAYER",
    );
    t.regex(message, new RegExp(`layer "${name}": expected max pools and ReLU`));
  }
  const leaky = await loadNetwork(join(folder, "dense-2-leaky.h5"), { activation: "leaky-relu" });
  t.is(leaky.layers[0]?.activation, "leaky-relu");
  t.log(`largest difference of ${files.length} files: ${most}`);
});

async function differenceOf(
  network: LoadedNetwork,
  name: (typeof AVAILABLE_ENGINES)[number],
  pixels: readonly number[],
  logits: readonly number[],
): Promise<number> {
  const engine = await createEngine(name, foldPreprocessing(network));
  const found = new Float64Array(logits.length);
  await engine.forward(Uint8Array.from(pixels), logits.length / network.layers.at(-1)!.outputs, found);
  const size = logits.reduce((largest, logit) => Math.max(largest, Math.abs(logit)), 1);
  return found.reduce((largest, logit, n) => Math.max(largest, Math.abs(logit - logits[n]!) / size), 0);
}

test("is an input that no output replaces, and is named in the result", async (t) => {
  const { weights, architecture } = await filesOf(t, {
    ...ORDER,
    input: [2, 2],
    layers: [FLATTEN, ...LAYERS],
  });
  const call = ["--weights", weights, "--architecture", architecture, "--output"];
  const { status, stderr } = await runCli([...call, architecture]);
  t.is(status, 2);
  t.regex(stderr, /ERR_OUTPUT_SHARED: --output: .*layers\.json: .*the file of --architecture/);
  const images = { dataset: randomDataset(12, { rows: 2, columns: 2, classes: 2 }) };
  const result = await evaluate({ ...images, weights, architecture, threads: 0 });
  t.is(result.network.location?.architecture, architecture);
  t.is(result.network.sha256, (await loadNetwork(weights, { architecture })).sha256);
});

const FLATTEN = { type: "flatten" };
const LAYERS = [
  { type: "dense", weights: "W1", bias: "b1" },
  { type: "tanh" },
  { type: "dense", weights: "W2", bias: "b2" },
];

interface Files {
  readonly weights: string;
  readonly architecture: string;
}

/** A .npz of two dense layers W1 (4, 3), b1, W2 (3, 2), b2, and an architecture. */
async function filesOf(t: ExecutionContext, architecture: unknown): Promise<Files> {
  const folder = await temporaryFolder(t);
  const [weights, path] = [join(folder, "network.npz"), join(folder, "layers.json")];
  await writeFile(weights, encodeNpz(randomNetwork([4, 3, 2]), "float64"));
  await writeFile(path, typeof architecture === "string" ? architecture : JSON.stringify(architecture));
  return { weights, architecture: path };
}

const ORDER = { denseWeights: "inputs-outputs" };

test("states all that the arrays do not: nothing is assumed but what the architecture leaves out", async (t) => {
  const { weights, architecture } = await filesOf(t, { ...ORDER, layers: LAYERS, output: "softmax" });
  const network = await loadNetwork(weights, { architecture });
  t.deepEqual(
    network.layers.map(({ kind, activation, ends }) => [kind, activation, ends]),
    [
      ["dense", "tanh", undefined],
      ["dense", "identity", "softmax"],
    ],
  );
  t.deepEqual(
    network.assumptions.map(({ subject, option }) => [subject, option]),
    [["pixels", "--normalize"]],
  );
  const alone = await loadNetwork(weights);
  t.not(network.sha256, alone.sha256);
  const stated = await filesOf(t, { ...ORDER, layers: LAYERS, preprocessing: { kind: "none" } });
  const other = await loadNetwork(stated.weights, { architecture: stated.architecture });
  t.deepEqual([other.preprocessing, other.assumptions], [{ kind: "none" }, []]);
  t.not(other.sha256, network.sha256, "the identity of a run covers the architecture");
});

test("names the layer, what it expected and what it found, and refuses arrays that no layer reads", async (t) => {
  const [first, tanh, last] = LAYERS;
  const cases: readonly (readonly [string, unknown, ErrorCode, RegExp])[] = [
    ["no JSON", "{", "ERR_JSON_SYNTAX", /layers\.json: /],
    ["a list", [], "ERR_NETWORK_LAYER", /the architecture: expected object, found \[\]; see schemas/],
    ["nothing", {}, "ERR_NETWORK_LAYER", /: layers: expected a list of 1 to 2000 layers, found nothing; /],
    ["deep", '{"layers": [[[[[1]]]]]}', "ERR_NETWORK_LAYER", /nesting at most 4 deep, found deeper/],
    [
      "twice",
      '{"layers": [{"type": "relu", "type": "tanh"}]}',
      "ERR_NETWORK_LAYER",
      /the architecture: expected each key once, found "type" twice; correct it/,
    ],
    ["a key", { layers: [{ ...first, units: 3 }] }, "ERR_NETWORK_LAYER", /layers\[0\]: .*found "units"/],
    [
      "a kind",
      { layers: [first, { type: "mish" }] },
      "ERR_NETWORK_LAYER",
      /layers\[1\]\.type: .*relu.*"mish"/,
    ],
    [
      "open",
      { layers: [{ type: "dense", weights: "?" }] },
      "ERR_NETWORK_LAYER",
      /layers\[0\]\.weights: expected the name of an array, found "\?"; fill in /,
    ],
    [
      "an order",
      { input: 4, layers: [{ type: "dense", weights: "W2" }] },
      "ERR_NETWORK_LAYER",
      /layers\[0\] \(dense\): expected weights for 4 inputs, found W2 \(3, 2\), outputs × inputs; correct it in layers\.json/,
    ],
    [
      "a name",
      { ...ORDER, layers: [{ type: "dense", weights: "w1" }] },
      "ERR_NETWORK_KEYS",
      /the array "w1" of layers\[0\] \(dense\) in layers\.json, found W1, b1, W2, b2; did you mean W1\?/,
    ],
    [
      "a bias",
      { ...ORDER, layers: [{ ...first, bias: "b2" }, tanh, last] },
      "ERR_NETWORK_LAYER",
      /layers\[0\] \(dense\): expected 3 numbers in b2, found shape \(2,\)/,
    ],
    [
      "left out",
      { ...ORDER, layers: [first] },
      "ERR_NETWORK_KEYS",
      /each array in a layer of layers\.json, found W2 \(3, 2\), b2 \(2,\) in none; name it in a layer, or in "ignored"/,
    ],
    [
      "a map",
      { ...ORDER, input: [2, 2], layers: LAYERS },
      "ERR_NETWORK_LAYER",
      /layers\[0\] \(dense\): expected \{"type": "flatten"\} before it, found a map of 2 × 2 × 1/,
    ],
    [
      "a window",
      { input: [2, 2], layers: [{ type: "max-pool", size: 3 }] },
      "ERR_NETWORK_LAYER",
      /layers\[0\] \(max-pool\): expected .*found 0 × 0 × 1/,
    ],
    [
      "a window of padding",
      { input: [4, 4], layers: [{ type: "average-pool", size: 2, padding: 5 }] },
      "ERR_NETWORK_LAYER",
      /layers\[0\] \(average-pool\): expected padding smaller than the window of 2 × 2, found 5 × 5/,
    ],
    [
      "units",
      { ...ORDER, layers: [first, { type: "max-pool", size: 3 }] },
      "ERR_NETWORK_LAYER",
      /layers\[1\] \(max-pool\): expected rows, columns and channels before it, found 3 units/,
    ],
    [
      "a variance",
      { ...ORDER, layers: [first, { type: "batch-normalization", mean: "b1", variance: "b1", epsilon: 0 }] },
      "ERR_NETWORK_LAYER",
      /layers\[1\] \(batch-normalization\): expected variances above 0, found -/,
    ],
    [
      "bounds",
      { ...ORDER, layers: [first, { type: "hard-tanh", low: 2 }] },
      "ERR_NETWORK_LAYER",
      /layers\[1\] \(hard-tanh\): expected low at most high, found 2 and 1/,
    ],
  ];
  for (const [title, document, code, message] of cases) {
    await inCase(t, title, async () => {
      const { weights, architecture } = await filesOf(t, document);
      const error = await codedAsync(t, loadNetwork(weights, { architecture }), code);
      t.true(error instanceof BatchwiseError);
      t.regex(error.message, message);
    });
  }
  const { weights, architecture } = await filesOf(t, { ...ORDER, layers: [first], ignored: ["W2", "b2"] });
  t.is((await loadNetwork(weights, { architecture })).layers.length, 1);
  const text = `\ufeff${readFileSync(architecture, "utf8")}`;
  for (const encoding of ["utf8", "utf16le"] as const) {
    await writeFile(architecture, text, encoding);
    t.is((await loadNetwork(weights, { architecture })).layers.length, 1, encoding);
  }
});

test("refuses an architecture for a file that states its own layers, and beside --activation", async (t) => {
  const { architecture, weights } = await filesOf(t, { ...ORDER, layers: LAYERS });
  const fixtures = ["bundled.safetensors", "keras/keras-3.h5", "keras/keras-3.keras"];
  for (const name of fixtures) {
    const path = new URL(name, FIXTURES).pathname;
    const error = await codedAsync(t, loadNetwork(path, { architecture }), "ERR_USAGE");
    t.regex(
      error.message,
      /--architecture and its template: expected a file of arrays alone, found .*, which states its layers/,
      name,
    );
  }
  const both = { weights, architecture, activation: "tanh" } as const;
  for (const call of [evaluate(both), loadNetwork(weights, { architecture, activation: "tanh" })]) {
    const error = await codedAsync(t, call, "ERR_USAGE");
    t.regex(error.message, /--architecture and --activation exclude each other/);
  }
});

/** Nested lists of numbers, which JSON holds as an array of this shape. */
function nested([size = 1, ...inner]: readonly number[], next: () => number): unknown {
  return Array.from({ length: size }, () => (inner.length === 0 ? next() : nested(inner, next)));
}

async function jsonOf(t: ExecutionContext, shapes: Record<string, readonly number[]>): Promise<string> {
  const path = join(await temporaryFolder(t), "state.json");
  let seed = 1;
  const next = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647 - 0.5;
  };
  const entries = Object.entries(shapes).map(([name, shape]) => [name, nested(shape, next)]);
  await writeFile(path, JSON.stringify(Object.fromEntries(entries)));
  return path;
}

test("writes a template with the conventional layers, which read as the file does without it", async (t) => {
  const shapes = { "conv1.weight": [2, 1, 3, 3], "conv1.bias": [2], "fc.weight": [3, 338], "fc.bias": [3] };
  const weights = await jsonOf(t, shapes);
  const network = await loadNetwork(weights);
  t.deepEqual(
    network.assumptions.map(({ option }) => option),
    ["--architecture", "--activation", "--normalize"],
  );
  const { status, stdout } = await runCli(["inspect", "--weights", weights, "--architecture-template"]);
  t.is(status, 0);
  const lines = stdout.trimEnd().split("\n");
  t.deepEqual(lines.slice(2), [
    '  "input": [ 28, 28, 1 ],',
    '  "layers": [',
    '    { "type": "conv2d", "weights": "conv1.weight", "bias": "conv1.bias" },',
    '    { "type": "relu" },',
    '    { "type": "max-pool", "size": 2 },',
    '    { "type": "flatten" },',
    '    { "type": "dense", "weights": "fc.weight", "bias": "fc.bias" }',
    "  ]",
    "}",
  ]);
  t.deepEqual(validate("architecture", JSON.parse(stdout)), []);
  const architecture = join(await temporaryFolder(t), "template.json");
  await writeFile(architecture, stdout);
  const stated = await loadNetwork(weights, { architecture });
  t.deepEqual(stated.layers, network.layers);
  t.deepEqual(
    stated.assumptions.map(({ option }) => option),
    ["--normalize"],
  );
});

test("marks in a template what no convention answers, and refuses the marks", async (t) => {
  const weights = await jsonOf(t, { "a.weight": [2, 3, 3, 3], "b.weight": [3, 2] });
  const architecture = join(await temporaryFolder(t), "template.json");
  await writeFile(architecture, await architectureTemplate(weights, {}));
  t.regex(readFileSync(architecture, "utf8"), /"input": \[ "\?", "\?", 3 \],\n.*"padding": "\?" }/s);
  const error = await codedAsync(t, loadNetwork(weights, { architecture }), "ERR_NETWORK_LAYER");
  t.regex(error.message, /template\.json: input: expected .*fill in what the file/);
});
