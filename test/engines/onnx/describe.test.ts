/** Models that mix their images or draw numbers are refused; the tables that make pixels a model's inputs. */
import test from "ava";
import { loadModel } from "#src/engines/load-model.js";
import { byteTable } from "#src/engines/onnx/feed.js";
import { decodeElements } from "#src/files/formats/arrays.js";
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

const TENSORS: Readonly<Record<string, Buffer>> = {
  w: tensor("w", [PIXELS, CLASSES], WEIGHTS),
  half: tensor("half", [], [0.5]),
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
  const path = await temporaryFile(t, OF_BATCH["softmax over the batch"], "mixed.onnx");
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

// The tables that make pixels a model's inputs.

const BYTES = Array.from({ length: 256 }, (_, byte) => byte);
const STANDARDIZE = { kind: "standardize", mean: 0.1307, std: 0.3081 } as const;
const standardized = (byte: number) => (byte / 255 - STANDARDIZE.mean) / STANDARDIZE.std;

/** The numbers of a table of float16. */
function halves(
  ...args: Parameters<typeof byteTable> extends [unknown, ...infer Rest] ? Rest : never
): number[] {
  const bits = byteTable("float16", ...args);
  return [...decodeElements(new Uint8Array(bits.buffer), "float16", true)];
}

test("gives each byte's number in the input's own type", (t) => {
  t.deepEqual([...byteTable("uint8", { kind: "none" })], BYTES);
  t.deepEqual(
    [...byteTable("float64", { kind: "scale" })],
    BYTES.map((byte) => byte / 255),
  );
  t.deepEqual(
    [...byteTable("float32", STANDARDIZE)],
    BYTES.map((byte) => Math.fround(standardized(byte))),
  );
  t.deepEqual([...byteTable("float32", { kind: "whiten-zca", epsilon: 0.1, folded: true })], BYTES);
});

test("rounds to the nearest float16, half its last bit away at most", (t) => {
  t.deepEqual(halves({ kind: "none" }), BYTES);
  for (const [n, found] of halves({ kind: "scale" }).entries()) {
    t.true(Math.abs(found - n / 255) <= 2 ** (Math.floor(Math.log2(n / 255)) - 11));
  }
  for (const [n, found] of halves(STANDARDIZE).entries()) {
    const expected = standardized(n);
    t.true(Math.abs(found - expected) <= 2 ** (Math.floor(Math.log2(Math.abs(expected))) - 11));
  }
});

test("gives float16 its subnormal numbers, and infinity beyond its largest", (t) => {
  const tiny = halves({ kind: "standardize", mean: 0, std: 2 ** 17 });
  t.is(tiny[255], 2 ** -17);
  t.is(tiny[51], Math.round((0.2 * 2 ** -17) / 2 ** -24) * 2 ** -24);
  const huge = halves({ kind: "standardize", mean: 0.5, std: 1e-6 });
  t.is(huge[0], Number.NEGATIVE_INFINITY);
  t.is(huge[255], Number.POSITIVE_INFINITY);
});
