/** Which pixels a graph takes, by what it does before its first layer; and that every engine does the same with a file. */
import test from "ava";
import { atLeast, BatchwiseError } from "#src/base/errors.js";
import { evaluate } from "#src/evaluate/evaluate.js";
import type { ExpectedPixels } from "#src/networks/onnx/pixels.js";
import { readOnnxFacts } from "#src/networks/onnx/preprocessing.js";
import { hasOnnxruntime } from "../../helpers/engines.js";
import { inCase } from "../../helpers/in-case.js";
import {
  DOUBLE,
  FLOAT,
  FLOAT16,
  fields,
  floatAttribute,
  floats,
  int64s,
  intAttribute,
  model,
  type TestNode,
  tensor,
  UINT8,
  value,
} from "../../helpers/onnx.js";
import { randomDataset, seeded } from "../../helpers/random.js";
import { needs } from "../../helpers/require.js";
import { temporaryFile } from "../../helpers/temporary.js";

const SIDE = 4;
const PIXELS = SIDE * SIDE;
const CLASSES = 10;
const random = seeded(5);
const weights = Array.from({ length: PIXELS * CLASSES }, () => random() - 0.5);

type Begin = readonly Omit<TestNode, "output">[];
const node = (op: string, ...inputs: string[]) => ({ op, inputs });
/** Inputs of a node: "" is what the node before gives. */
const [FLATTEN, BYTES] = [node("Flatten", ""), node("Div", "", "255")];

const constant = (output: string, attribute: Buffer): TestNode => ({
  op: "Constant",
  inputs: [],
  output,
  attributes: [attribute],
});
const half = (name: string, bits: number) =>
  fields([2, FLOAT16], [8, name], [9, Uint8Array.of(bits & 255, bits >> 8)]);

/** x (N,1,4,4) → what is done first → Flatten → Gemm. */
function graph(begin: Begin, type = FLOAT): Buffer {
  let current = "x";
  const nodes: TestNode[] = [...begin, FLATTEN, node("Gemm", "", "w", "b")].map((one, n, all) => {
    const output = n === all.length - 1 ? "y" : `t${n}`;
    const made = { ...one, inputs: one.inputs.map((input) => input || current), output };
    current = output;
    return made;
  });
  const numbers = {
    255: 255,
    127.5: 127.5,
    33.3: 33.3,
    78.6: 78.6,
    1: 1,
    2: 2,
    0.5: 0.5,
    0.1307: 0.1307,
    0.3081: 0.3081,
    5: 5,
  };
  const helpers: readonly TestNode[] = [
    constant("c float", Buffer.concat([floatAttribute("value_float", 255)])),
    constant("c int", intAttribute("value_int", 255)),
    constant("c floats", Buffer.concat([fields([1, "value_floats"], [7, floats([255])], [20, 6])])),
    { op: "Identity", inputs: ["255"], output: "same 255" },
    { op: "Mul", inputs: ["0.1307", "255"], output: "mean of bytes" },
  ];
  const isRead = ({ output }: TestNode) => nodes.some(({ inputs }) => inputs.includes(output));
  return model({
    nodes: [...helpers.filter(isRead), ...nodes],
    tensors: [
      ...Object.entries(numbers).map(([name, number]) => tensor(name, [], [number])),
      tensor("1/255", [1], [1 / 255]),
      tensor("0.00392", [1], [0.00392]),
      tensor("deep 255", [1, 1, 1, 1], [255]),
      half("half 255", 0x5bf8),
      half("half 1/255", 0x1c04),
      tensor(
        "mean image",
        [PIXELS],
        Array.from({ length: PIXELS }, (_, n) => n * 7),
      ),
      tensor(
        "mean fractions",
        [PIXELS],
        Array.from({ length: PIXELS }, (_, n) => n / 20),
      ),
      int64s("rows", [-1, PIXELS]),
      int64s("square", [-1, 1, SIDE, SIDE]),
      int64s("last", [3]),
      tensor("w", [PIXELS, CLASSES], weights),
      tensor("b", [CLASSES], weights.slice(0, CLASSES)),
      tensor("one", [1], [1]),
      tensor("none", [1], [0]),
      tensor("fraction mean", [1], [0.13]),
      tensor("fraction variance", [1], [0.09]),
      tensor("byte mean", [1], [33]),
      tensor("byte variance", [1], [6200]),
    ],
    inputs: [value("x", ["N", 1, SIDE, SIDE], type), value("255", [])],
    outputs: [value("y", ["N", CLASSES])],
  });
}

const cast = (to: number) => ({ ...node("Cast", ""), attributes: [intAttribute("to", to)] });
const norm = (mean: string, variance: string) =>
  node("BatchNormalization", "", "one", "none", mean, variance);

const BEGINNINGS: Readonly<Record<ExpectedPixels["kind"], readonly Begin[]>> = {
  bytes: [
    [BYTES],
    [FLATTEN, BYTES],
    [node("Reshape", "", "rows"), BYTES],
    [node("Transpose", ""), BYTES],
    [node("Squeeze", "", "last"), node("Unsqueeze", "", "last"), BYTES],
    [cast(DOUBLE), cast(FLOAT), BYTES],
    [cast(UINT8), cast(FLOAT)],
    [node("Identity", ""), node("Dropout", ""), BYTES],
    [node("Div", "", "deep 255")],
    [node("Div", "", "same 255")],
    [node("Div", "", "c float")],
    [node("Div", "", "c floats")],
    [node("Div", "", "c int")],
    [cast(FLOAT16), node("Div", "", "half 255"), cast(FLOAT)],
    [node("Mul", "1/255", "")],
    [node("Mul", "", "0.00392")],
    [cast(FLOAT16), node("Mul", "", "half 1/255"), cast(FLOAT)],
    [node("Div", "", "127.5"), node("Sub", "", "1")],
    [node("Sub", "", "127.5"), node("Div", "", "127.5")],
    [node("Sub", "", "33.3")],
    [node("Sub", "", "33.3"), FLATTEN, node("Div", "", "78.6")],
    [BYTES, FLATTEN, node("Sub", "", "0.1307"), node("Div", "", "0.3081")],
    [node("Sub", "", "mean of bytes")],
    [node("Sub", "255", "")],
    [FLATTEN, node("Sub", "", "mean image")],
    [norm("byte mean", "byte variance")],
    [node("Clip", "", "0.5", "255")],
    [node("Clip", "", "0.5", "1"), BYTES],
    [node("QuantizeLinear", "", "1"), node("DequantizeLinear", "", "1")],
  ],
  fractions: [
    [node("Sub", "", "0.1307"), node("Div", "", "0.3081")],
    [FLATTEN, node("Sub", "", "0.1307"), node("Reshape", "", "square"), node("Div", "", "0.3081")],
    [node("Sub", "", "0.5"), node("Div", "", "0.5")],
    [node("Mul", "", "2"), node("Sub", "", "1")],
    [node("Sub", "1", "")],
    [node("Mul", "", "255"), node("Sub", "", "33.3")],
    [FLATTEN, node("Sub", "", "mean fractions")],
    [norm("fraction mean", "fraction variance")],
  ],
  unknown: [
    [node("Clip", "", "0.5", "1")],
    [node("QuantizeLinear", "", "1/255"), node("DequantizeLinear", "", "1/255")],
    [],
    [FLATTEN],
    [node("Mul", "", "1")],
    [cast(DOUBLE), cast(FLOAT)],
  ],
  unclear: [
    [node("Sigmoid", "")],
    [node("Tanh", "")],
    [node("Div", "", "5")],
    [norm("none", "one")],
    [node("Mul", "", "")],
    [node("Div", "255", "")],
  ],
};

test("the beginning of a graph tells what its pixels are", async (t) => {
  for (const [kind, begins] of Object.entries(BEGINNINGS)) {
    await inCase(t, `the beginning of a graph tells that its pixels are ${kind}`, () => {
      for (const begin of begins) {
        const name = begin.map(({ op, inputs }) => `${op} ${inputs.join(" ")}`).join(", ");
        t.is<string, string>(readOnnxFacts("m.onnx", graph(begin)).pixels.kind, kind, name);
      }
    });
  }
});

test("an input of u8 is bytes, whatever the graph does", (t) => {
  t.is(readOnnxFacts("m.onnx", graph([cast(FLOAT)], UINT8)).pixels.kind, "bytes");
});

test("tells why pixels ÷ 255 are assumed by the numbers of the graph", (t) => {
  const [begin] = atLeast(BEGINNINGS.fractions, 1);
  t.deepEqual(readOnnxFacts("m.onnx", graph(begin)).pixels, {
    kind: "fractions",
    because: "the graph itself subtracts 0.1307 and divides by 0.3081",
  });
});

test("two branches that do the same tell it, and two that differ do not", (t) => {
  const branches = (second: TestNode) =>
    model({
      nodes: [
        { op: "Shape", inputs: ["x"], output: "size" },
        { op: "Add", inputs: ["u", "v"], output: "y" },
        { op: "MatMul", inputs: ["b", "w"], output: "v" },
        { op: "MatMul", inputs: ["a", "w"], output: "u" },
        second,
        { op: "Div", inputs: ["x", "255"], output: "a" },
      ],
      tensors: [tensor("w", [2, 2], [1, 2, 3, 4]), tensor("255", [], [255]), tensor("0.5", [], [0.5])],
    });
  const kindOf = (second: TestNode) => readOnnxFacts("m.onnx", branches(second)).pixels.kind;
  t.is(kindOf({ op: "Div", inputs: ["x", "255"], output: "b" }), "bytes");
  t.is(kindOf({ op: "Sub", inputs: ["x", "0.5"], output: "b" }), "unclear");
});

needs("onnxruntime", hasOnnxruntime)(
  "every engine that takes a file does the same with its pixels",
  async (t) => {
    const dataset = randomDataset(300, { rows: SIDE, columns: SIDE });
    const outcomes = { same: 0, refused: 0 };
    for (const [kind, begins] of Object.entries(BEGINNINGS)) {
      for (const begin of begins) {
        const path = await temporaryFile(t, graph(begin), "m.onnx");
        const run = async (engine: "onnx" | "reference") =>
          (await evaluate({ dataset, weights: path, engine, threads: 0, calibration: true })).result;
        const name = begin.map(({ op, inputs }) => `${op} ${inputs.join(" ")}`).join(", ");
        let chain: Awaited<ReturnType<typeof run>>;
        try {
          chain = await run("reference");
        } catch (error) {
          t.true(error instanceof BatchwiseError && error.exitStatus === 3, `${kind}: ${name}`);
          outcomes.refused++;
          continue;
        }
        const whole = await run("onnx");
        t.is(whole.correct, chain.correct, `${kind}: ${name}`);
        const difference = (whole.scores?.logLoss ?? 0) - (chain.scores?.logLoss ?? 1);
        t.true(Math.abs(difference) < 1e-5, `${kind}: ${name}: ${difference}`);
        outcomes.same++;
      }
    }
    t.true(outcomes.same >= 7 && outcomes.refused > 0, JSON.stringify(outcomes));
  },
);
