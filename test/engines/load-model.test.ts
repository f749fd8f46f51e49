/** Which ONNX files the engine `onnx` takes, what it makes of what they say, and how it refuses the others. */

import { BatchwiseError, ERROR_CODES } from "#src/base/errors.js";
import { loadModel } from "#src/engines/load-model.js";
import { describeModel } from "#src/engines/onnx/describe.js";
import { evaluate } from "#src/evaluate/evaluate.js";
import { assertModelFits } from "#src/networks/colours.js";
import { encodeOnnx } from "#src/networks/onnx/encode.js";
import { readOnnxFacts } from "#src/networks/onnx/preprocessing.js";
import { runCli } from "../helpers/cli.js";
import { cnnModel, SIDE } from "../helpers/cnn.js";
import { hasOnnxruntime } from "../helpers/engines.js";
import { inCase } from "../helpers/in-case.js";
import {
  FLOAT,
  fields,
  INT64,
  int64s,
  intAttribute,
  model,
  type TestModel,
  type TestNode,
  tensor,
  UINT8,
  value,
} from "../helpers/onnx.js";
import { randomDataset, randomNetwork, seeded } from "../helpers/random.js";
import { needs } from "../helpers/require.js";
import { temporaryFile } from "../helpers/temporary.js";
import { coded, codedAsync } from "../networks/coded.js";

const withOnnx = needs("onnxruntime", hasOnnxruntime);
const cnn = cnnModel({ shape: ["N", 1, SIDE, SIDE] });
const W = tensor("w", [4, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
const MATMUL: TestNode = { op: "MatMul", inputs: ["x", "w"], output: "y" };

/** x (N,4) · w (4,2) = y (N,2), but for what is changed. */
function small(changes: Partial<TestModel> = {}): Buffer {
  return model({ nodes: [MATMUL], tensors: [W], inputs: [value("x", ["N", 4])], ...changes });
}

const REFUSED: readonly (readonly [string, Buffer, "ERR_ONNX_GRAPH" | "ERR_ONNX_RUNTIME", RegExp])[] = [
  [
    "several inputs",
    small({
      nodes: [{ op: "MatMul", inputs: ["x", "z"], output: "y" }],
      tensors: [],
      inputs: [value("x", ["N", 4]), value("z", [4, 2])],
    }),
    "ERR_ONNX_GRAPH",
    /one input, of images, found 2: x, z$/,
  ],
  [
    "no input",
    small({ nodes: [{ op: "Identity", inputs: ["w"], output: "y" }], inputs: [] }),
    "ERR_ONNX_GRAPH",
    /one input, of images, found none$/,
  ],
  [
    "four channels",
    small({
      nodes: [{ op: "Flatten", inputs: ["x"], output: "y" }],
      tensors: [],
      inputs: [value("x", ["N", 4, 2, 2])],
      outputs: [value("y", ["N", 16])],
    }),
    "ERR_ONNX_GRAPH",
    /found \(N, 4, 2, 2\) of float32$/,
  ],
  [
    "rows and columns of any size",
    small({
      nodes: [{ op: "Flatten", inputs: ["x"], output: "y" }],
      tensors: [],
      inputs: [value("x", ["N", 1, "rows", "columns"])],
      outputs: [value("y", ["N", "pixels"])],
    }),
    "ERR_ONNX_GRAPH",
    /found \(N, 1, rows, columns\) of float32$/,
  ],
  [
    "images without a batch",
    small({
      nodes: [{ op: "Relu", inputs: ["x"], output: "y" }],
      tensors: [],
      inputs: [value("x", [4])],
      outputs: [value("y", [4])],
    }),
    "ERR_ONNX_GRAPH",
    /found \(4\) of float32$/,
  ],
  [
    "an input of int64",
    small({
      nodes: [
        { op: "Cast", inputs: ["x"], output: "f", attributes: [intAttribute("to", FLOAT)] },
        { op: "MatMul", inputs: ["f", "w"], output: "y" },
      ],
      inputs: [value("x", ["N", 4], INT64)],
    }),
    "ERR_ONNX_GRAPH",
    /an input of float32, float64, float16, uint8, found int64$/,
  ],
  [
    "a batch of a size beyond memory",
    small({ inputs: [value("x", [2 ** 40, 4])], outputs: [value("y", [2 ** 40, 2])] }),
    "ERR_ONNX_GRAPH",
    /at most 67108864 pixels a run, found \(1099511627776, 4\)/,
  ],
  [
    "no output of two dimensions",
    small({
      nodes: [{ op: "Unsqueeze", inputs: ["x", "axis"], output: "y" }],
      tensors: [int64s("axis", [1])],
      outputs: [value("y", ["N", 1, 4])],
    }),
    "ERR_ONNX_GRAPH",
    /an output \(N, classes\) of floats, found y \(N, 1, 4\) of float32$/,
  ],
  [
    "an output that does not grow with the batch",
    small({
      nodes: [
        { op: "MatMul", inputs: ["ones", "w"], output: "z" },
        { op: "Relu", inputs: ["z"], output: "y" },
      ],
      tensors: [W, tensor("ones", [1, 4], [1, 1, 1, 1])],
      outputs: [value("y", ["M", 2])],
    }),
    "ERR_ONNX_GRAPH",
    /found \(1, 2\) for 2 images$/,
  ],
  [
    "an operator that there is not",
    small({ nodes: [{ ...MATMUL, op: "MatMull" }] }),
    "ERR_ONNX_RUNTIME",
    /onnxruntime cannot run the model: .*MatMull/,
  ],
  [
    "weights that do not fit, which only a run tells",
    small({
      inputs: [value("x", ["N", 4])],
      nodes: [
        { op: "Reshape", inputs: ["x", "one"], output: "r" },
        { op: "MatMul", inputs: ["r", "w"], output: "y" },
      ],
      tensors: [W, int64s("one", [1, 4])],
    }),
    "ERR_ONNX_RUNTIME",
    /onnxruntime cannot run the model: .*Reshape/,
  ],
];

withOnnx("refuses a model that does not classify images, and says why", async (t) => {
  for (const [what, bytes, code, message] of REFUSED) {
    await inCase(t, `refuses a model of ${what}`, async () => {
      const error = await codedAsync(t, loadModel(await temporaryFile(t, bytes, "m.onnx"), {}), code);
      t.regex(error.message, message);
      t.is(error.exitStatus, 3);
    });
  }
});

withOnnx("takes the first output that is of shape (N, classes), whatever else there is", async (t) => {
  const bytes = small({
    nodes: [
      MATMUL,
      { op: "ArgMax", inputs: ["y"], output: "label", attributes: [intAttribute("axis", 1)] },
      { op: "Unsqueeze", inputs: ["y", "axis"], output: "wide" },
    ],
    tensors: [W, int64s("axis", [2])],
    outputs: [value("label", ["N", 1], INT64), value("wide", ["N", 2, 1]), value("y", ["N", 2])],
  });
  const { name, classes } = (await describeModel("m.onnx", bytes)).output;
  t.deepEqual({ name, classes }, { name: "y", classes: 2 });
});

withOnnx("refuses images of other pixels, and of other rows and columns", async (t) => {
  const weights = await temporaryFile(t, cnn, "cnn.onnx");
  const data = (rows: number, columns: number) => randomDataset(10, { rows, columns });
  const run = (rows: number, columns: number) =>
    evaluate({ dataset: data(rows, columns), weights, engine: "onnx" });
  for (const [rows, columns] of [
    [8, 8],
    [14, 56],
  ] as const) {
    const error = await codedAsync(t, run(rows, columns), "ERR_NETWORK_IMAGES");
    t.true(
      error.message.endsWith(
        `expected images of 28 × 28 pixels, found ${rows} × ${columns}; choose data and weights that belong together`,
      ),
    );
    t.is(error.exitStatus, 3);
  }
  const flat = await loadModel(await temporaryFile(t, small(), "flat.onnx"), {});
  if ("layers" in flat) return t.fail();
  coded(t, () => assertModelFits(flat, { rows: 2, columns: 3, channels: 1 }), "ERR_NETWORK_INPUTS");
  t.notThrows(() => assertModelFits(flat, { rows: 2, columns: 2, channels: 1 }));
  t.notThrows(() =>
    assertModelFits(
      { ...flat, input: { ...flat.input, shape: [4, 5, 1] } },
      { rows: 4, columns: 5, channels: 1 },
    ),
  );
  t.notThrows(() =>
    assertModelFits(
      { ...flat, input: { ...flat.input, shape: [4, 5] } },
      { rows: 4, columns: 5, channels: 1 },
    ),
  );
});

withOnnx(
  "refuses an activation beside a model that has its own, and the preprocessing of another",
  async (t) => {
    const path = await temporaryFile(t, encodeOnnx(randomNetwork([4, 2])), "m.onnx");
    await codedAsync(t, loadModel(path, { activation: "relu" }), "ERR_OPTION_VALUE");
    await codedAsync(t, loadModel(path, { normalize: "none" }), "ERR_NORMALIZE_MISMATCH");
    const silent = await temporaryFile(t, cnn, "cnn.onnx");
    await codedAsync(t, loadModel(silent, { normalize: "standardize" }), "ERR_NORMALIZE_STATISTICS");
  },
);

withOnnx(
  "gives bytes to a model whose input is bytes, and refuses one that would have them divided",
  async (t) => {
    const layout = { shape: ["N", 1, SIDE, SIDE], type: UINT8 };
    const path = await temporaryFile(t, cnnModel(layout), "m.onnx");
    t.deepEqual((await loadModel(path, {})).preprocessing, { kind: "none" });
    await codedAsync(t, loadModel(path, { normalize: "scale" }), "ERR_NORMALIZE_MISMATCH");
    const scaled = cnnModel({ ...layout, metadata: { "batchwise.normalize": "scale" } });
    await codedAsync(t, loadModel(await temporaryFile(t, scaled, "m.onnx"), {}), "ERR_ONNX_GRAPH");
  },
);

withOnnx("reads any other file as the other engines do", async (t) => {
  const network = await loadModel("bundled", {});
  t.true("layers" in network && network.layers.length === 3);
  await codedAsync(t, loadModel("bundeld", {}), "ERR_NETWORK_UNKNOWN");
});

withOnnx("refuses a model whose answers are no numbers", async (t) => {
  const bytes = small({ tensors: [tensor("w", [4, 2], [1, 2, 3, 4, 5, 6, 7, Number.NaN])] });
  const error = await codedAsync(t, describeModel("m.onnx", bytes), "ERR_NETWORK_NOT_FINITE");
  t.regex(error.message, /^m\.onnx: y: .*found NaN at element 1;/);
});

withOnnx("takes or refuses a model with bytes changed, and never falls", async (t) => {
  const random = seeded(12);
  const outcomes = new Set<string>();
  for (let round = 0; round < 600; round++) {
    const bytes = Buffer.from(cnn);
    // What is not weights stands at either end.
    const at = Math.floor(random() * 500);
    bytes[random() < 0.5 ? at : bytes.length - 1 - at] = Math.floor(random() * 256);
    try {
      readOnnxFacts("m.onnx", bytes);
      await describeModel("m.onnx", bytes);
      outcomes.add("taken");
    } catch (error) {
      outcomes.add(error instanceof BatchwiseError ? error.code : String(error));
    }
  }
  for (const known of ["taken", "ERR_ONNX_MALFORMED", "ERR_ONNX_RUNTIME"]) t.true(outcomes.delete(known));
  t.true(
    [...outcomes].every((code) => Object.hasOwn(ERROR_CODES, code)),
    [...outcomes].join(", "),
  );
});

withOnnx("the command line runs a convolutional network with --engine onnx alone", async (t) => {
  const path = await temporaryFile(t, cnn, "cnn.onnx");
  const { status, stdout, stderr } = await runCli(["--engine", "onnx", "--weights", path, "--limit", "200"]);
  t.is(status, 0, stderr);
  t.regex(stdout, /cnn\.onnx, 784-10\n/);
});

withOnnx("the command line says in one line what is wrong with a model", async (t) => {
  for (const [bytes, code] of [
    [cnn.subarray(0, 3_000), "ERR_ONNX_MALFORMED"],
    [Buffer.concat([fields([1, 8]), fields([7, fields([2, "empty"])])]), "ERR_ONNX_RUNTIME"],
  ] as const) {
    const path = await temporaryFile(t, bytes, "broken.onnx");
    const { status, stdout, stderr } = await runCli(["--engine", "onnx", "--weights", path]);
    t.is(status, 3);
    t.is(stdout, "");
    t.regex(stderr, new RegExp(`^batchwise: ${code}: .*broken\\.onnx: .*\\n$`));
    t.is(stderr.split("\n").length, 2);
  }
});
