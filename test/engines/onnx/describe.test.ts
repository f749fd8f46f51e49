/** Models that mix their images or draw numbers are refused. */
import type { OnnxModel } from "#src/base/contracts/engine.js";
import { collectSlab } from "#src/data/stream/slab-reader.js";
import { loadModel } from "#src/engines/load-model.js";
import { createEngine } from "#src/engines/registry.js";
import { evaluate } from "#src/evaluate/evaluate.js";
import { runCli } from "../../helpers/cli.js";
import { cnnModel } from "../../helpers/cnn.js";
import { hasOnnxruntime } from "../../helpers/engines.js";
import {
  type Field,
  FLOAT,
  fields,
  floatAttribute,
  int64s,
  intAttribute,
  intsAttribute,
  model,
  type TestNode,
  tensor,
  value,
} from "../../helpers/onnx.js";
import { randomDataset } from "../../helpers/random.js";
import { needs } from "../../helpers/require.js";
import { temporaryFile } from "../../helpers/temporary.js";
import { codedAsync } from "../../networks/coded.js";

const withOnnx = needs("onnxruntime", hasOnnxruntime);
const PIXELS = 784;
const CLASSES = 10;
/** TensorProto.DataType. */
const BOOL = 9;
const INT8 = 3;

const WEIGHTS = Array.from({ length: PIXELS * CLASSES }, (_, n) => Math.sin(n) / 8);
const GEMM: TestNode = { op: "MatMul", inputs: ["x", "w"], output: "z" };
const op = (name: string, inputs: readonly string[], output: string, ...attributes: Buffer[]): TestNode => ({
  op: name,
  inputs,
  output,
  attributes,
});
const raw = (name: string, type: number, shape: readonly number[], bytes: Uint8Array): Buffer =>
  fields(...shape.map((size): Field => [1, size]), [2, type], [8, name], [9, bytes]);

const TENSORS = {
  w: tensor("w", [PIXELS, CLASSES], WEIGHTS),
  half: tensor("half", [], [0.5]),
  eight: tensor("eight", [], [8]),
  true: raw("true", BOOL, [], Uint8Array.of(1)),
  false: raw("false", BOOL, [], Uint8Array.of(0)),
  first: int64s("first", [0]),
  last: int64s("last", [-1]),
  bytes: raw(
    "bytes",
    INT8,
    [PIXELS, CLASSES],
    Uint8Array.from(WEIGHTS, (weight) => weight * 800),
  ),
};
const DYNAMIC: readonly TestNode[] = [
  op("MatMulInteger", ["q", "bytes", "zero"], "i"),
  op("Cast", ["i"], "f", intAttribute("to", FLOAT)),
  op("Mul", ["f", "s"], "y"),
];

/** Logits z (N, 10) of pixels, and what makes the output y of them. */
function graph(nodes: readonly TestNode[], batch: number | string = "N"): Buffer {
  const used = new Set(nodes.flatMap(({ inputs }) => inputs));
  const bytes = model({
    nodes,
    tensors: Object.entries(TENSORS).flatMap(([name, each]) => (used.has(name) ? [each] : [])),
    inputs: [value("x", [batch, PIXELS])],
    outputs: [value("y", [batch, CLASSES])],
    opsets: [["", 15]],
  });
  return bytes;
}

/** DynamicQuantizeLinear has three outputs, which the helper's nodes do not have. */
function dynamic(batch: number | string): Buffer {
  const quantize = fields([1, "x"], [2, "q"], [2, "s"], [2, "zero"], [4, "DynamicQuantizeLinear"]);
  // Parts of a message that is there twice are merged, and its lists joined.
  return Buffer.concat([fields([7, fields([1, quantize])]), graph(DYNAMIC, batch)]);
}

async function wholeModel(path: string): Promise<OnnxModel> {
  const model = await loadModel(path, { normalize: "scale" });
  if ("layers" in model) throw new TypeError(`${path} was read as layers`);
  return model;
}

const OF_BATCH: Readonly<Record<string, Buffer>> = {
  "softmax over the batch": graph([GEMM, op("Softmax", ["z"], "y", intAttribute("axis", 0))]),
  "less the mean of the batch": graph([
    GEMM,
    op("ReduceMean", ["z"], "m", intsAttribute("axes", [0])),
    op("Sub", ["z", "m"], "y"),
  ]),
  "a softmax over the batch behind a transposition": graph([
    GEMM,
    op("Transpose", ["z"], "t", intsAttribute("perm", [1, 0])),
    op("Softmax", ["t"], "u", intAttribute("axis", 1)),
    op("Transpose", ["u"], "y", intsAttribute("perm", [1, 0])),
  ]),
  "with the last image added to each": graph([
    GEMM,
    op("Gather", ["z", "last"], "l", intAttribute("axis", 0)),
    op("Add", ["z", "l"], "y"),
  ]),
  "with the first image added to each": graph([
    GEMM,
    op("Gather", ["z", "first"], "l", intAttribute("axis", 0)),
    op("Add", ["z", "l"], "y"),
  ]),
  "divided by the size of the batch": graph([
    GEMM,
    op("Shape", ["z"], "shape"),
    op("Gather", ["shape", "first"], "n"),
    op("Cast", ["n"], "f", intAttribute("to", FLOAT)),
    op("Div", ["z", "f"], "y"),
  ]),
  "quantized by the range of the batch": dynamic("N"),
  "less the mean of a batch of 8": graph(
    [GEMM, op("ReduceMean", ["z"], "m", intsAttribute("axes", [0])), op("Sub", ["z", "m"], "y")],
    8,
  ),
};

/** Refused by the engine, at the first batch that is larger than the probes. */
const OF_LARGE_BATCH: Readonly<Record<string, Buffer>> = {
  "with the mean of a batch of more than 8 images": graph([
    GEMM,
    op("Shape", ["z"], "shape"),
    op("Gather", ["shape", "first"], "n"),
    op("Cast", ["n"], "f", intAttribute("to", FLOAT)),
    op("Sub", ["f", "eight"], "above"),
    op("Relu", ["above"], "share"),
    op("ReduceMean", ["z"], "m", intsAttribute("axes", [0])),
    op("Mul", ["m", "share"], "added"),
    op("Add", ["z", "added"], "y"),
  ]),
  "with the last image of a fixed batch": graph(
    [GEMM, op("Gather", ["z", "last"], "l", intAttribute("axis", 0)), op("Add", ["z", "l"], "y")],
    16,
  ),
};

const OF_CHANCE: Readonly<Record<string, Buffer>> = {
  "noise added": graph([
    GEMM,
    op("RandomNormalLike", ["z"], "n", floatAttribute("scale", 0.001)),
    op("Add", ["z", "n"], "y"),
  ]),
  "noise of a seed added": graph([
    GEMM,
    op("RandomUniformLike", ["z"], "n", floatAttribute("seed", 7)),
    op("Add", ["z", "n"], "y"),
  ]),
  "dropout in training": graph([GEMM, op("Dropout", ["z", "half", "true"], "y")]),
  "drawn by its probabilities": graph([GEMM, op("Sigmoid", ["z"], "p"), op("Bernoulli", ["p"], "y")]),
};

const TAKEN: Readonly<Record<string, Buffer>> = {
  logits: graph([{ ...GEMM, output: "y" }]),
  "softmax over the classes": graph([GEMM, op("Softmax", ["z"], "y", intAttribute("axis", 1))]),
  "dropout in evaluation": graph([GEMM, op("Dropout", ["z", "half", "false"], "y")]),
  "quantized by the range of one image": dynamic(1),
  "a batch of 8": graph([{ ...GEMM, output: "y" }], 8),
  "a convolutional network": cnnModel({ shape: ["N", 1, 28, 28] }),
};

withOnnx("refuses a model whose answers depend on the batch, and says so", async (t) => {
  for (const [what, bytes] of Object.entries(OF_BATCH)) {
    const load = loadModel(await temporaryFile(t, bytes, "m.onnx"), { normalize: "scale" });
    const error = await codedAsync(t, load, "ERR_ONNX_BATCH");
    t.is(error.exitStatus, 3, what);
    t.regex(error.message, /m\.onnx: .*eval mode, without operators over the batch axis/, what);
  }
});

withOnnx("the engine refuses a model that mixes the images of large batches only", async (t) => {
  const images = randomDataset(40, { rows: 28, columns: 28 });
  const { pixels } = await collectSlab(images, { offset: 0, limit: 40 });
  for (const [what, bytes] of Object.entries(OF_LARGE_BATCH)) {
    const weights = await temporaryFile(t, bytes, "m.onnx");
    const engine = await createEngine("onnx", await wholeModel(weights));
    const logits = new Float64Array(40 * CLASSES);
    await t.notThrowsAsync(async () => engine.forward(pixels, 1, logits), what);
    await codedAsync(t, Promise.resolve(engine.forward(pixels, 40, logits)), "ERR_ONNX_BATCH");

    const options = { dataset: images, weights, engine: "onnx", normalize: "scale" } as const;
    for (const threads of [0, 2]) {
      const run = evaluate({ ...options, threads, batchSize: 20 });
      const { exitStatus } = await codedAsync(t, run, "ERR_ONNX_BATCH");
      t.is(exitStatus, 3, `${what}, ${threads}`);
    }
  }
});

withOnnx("an image alone and in each size of batch is the same to a model that mixes none", async (t) => {
  const images = randomDataset(40, { rows: 28, columns: 28 });
  for (const [what, bytes] of Object.entries(TAKEN)) {
    const weights = await temporaryFile(t, bytes, "m.onnx");
    const options = { dataset: images, weights, engine: "onnx", normalize: "scale", threads: 0 } as const;
    const [one, many] = [
      await evaluate({ ...options, batchSize: 1 }),
      await evaluate({ ...options, batchSize: 33 }),
    ];
    t.deepEqual(many.predictions, one.predictions, what);
  }
});

withOnnx("refuses a model that draws random numbers, and says so", async (t) => {
  for (const [what, bytes] of Object.entries(OF_CHANCE)) {
    const load = loadModel(await temporaryFile(t, bytes, "m.onnx"), { normalize: "scale" });
    const error = await codedAsync(t, load, "ERR_ONNX_RANDOM");
    t.is(error.exitStatus, 3, what);
    t.regex(error.message, /m\.onnx: .*uses random numbers or keeps state, .*model\.eval\(\)/, what);
  }
});

withOnnx(
  "takes a model that answers each image by itself, with pixels of 0 to 1 and with bytes",
  async (t) => {
    for (const [what, bytes] of Object.entries(TAKEN)) {
      const path = await temporaryFile(t, bytes, "m.onnx");
      for (const normalize of ["scale", "none"] as const) {
        const model = await loadModel(path, { normalize });
        t.false("layers" in model, `${what}, ${normalize}`);
      }
    }
  },
);

withOnnx("the command line ends with 3 where a model mixes its images", async (t) => {
  const path = await temporaryFile(t, OF_BATCH["softmax over the batch"]!, "mixed.onnx");
  const { status, stdout, stderr } = await runCli([
    ...["--engine", "onnx", "--weights", path, "--normalize", "scale", "--limit", "20"],
  ]);
  t.is(status, 3, stderr);
  t.is(stdout, "");
  t.regex(stderr, /^batchwise: ERR_ONNX_BATCH: .*mixed\.onnx: /m);
});

withOnnx("refuses a dropout in training that hardly ever drops a number", async (t) => {
  const seldom = model({
    nodes: [GEMM, op("Dropout", ["z", "ratio", "true"], "y")],
    tensors: [TENSORS.w, tensor("ratio", [], [1e-6]), TENSORS.true],
    inputs: [value("x", ["N", PIXELS])],
    outputs: [value("y", ["N", CLASSES])],
    opsets: [["", 15]],
  });
  await codedAsync(t, loadModel(await temporaryFile(t, seldom, "m.onnx"), {}), "ERR_ONNX_RANDOM");
});

withOnnx("takes a model whose other outputs mix images and draw numbers", async (t) => {
  const bytes = model({
    nodes: [
      { ...GEMM, output: "y" },
      op("RandomNormalLike", ["y"], "noise"),
      op("Softmax", ["y"], "mixed", intAttribute("axis", 0)),
    ],
    tensors: [TENSORS.w],
    inputs: [value("x", ["N", PIXELS])],
    outputs: [value("y", ["N", CLASSES]), value("noise", ["N", CLASSES]), value("mixed", ["N", CLASSES])],
    opsets: [["", 15]],
  });
  const loaded = await loadModel(await temporaryFile(t, bytes, "m.onnx"), {});
  t.like("output" in loaded && loaded.output, { name: "y", kind: "logits" });
});
