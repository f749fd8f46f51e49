/** The preprocessing that an ONNX model states: in its properties, in its graph, and in both. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { loadModel } from "#src/engines/load-model.js";
import { evaluate } from "#src/evaluate/evaluate.js";
import { annotateOnnx, readOnnxFacts } from "#src/networks/onnx/preprocessing.js";
import { loadNetwork, readNetwork } from "#src/networks/registry.js";
import { runCli } from "../../helpers/cli.js";
import { cnnModel, SIDE } from "../../helpers/cnn.js";
import { hasOnnxruntime } from "../../helpers/engines.js";
import { inCase } from "../../helpers/in-case.js";
import {
  FLOAT,
  fields,
  floats,
  model,
  type TestModel,
  type TestNode,
  tensor,
  UINT8,
  value,
} from "../../helpers/onnx.js";
import { pythonWith, runPython } from "../../helpers/python.js";
import { randomDataset } from "../../helpers/random.js";
import { needs } from "../../helpers/require.js";
import { temporaryFile, temporaryFolder } from "../../helpers/temporary.js";
import { coded, codedAsync } from "../coded.js";

const cnn = cnnModel({ shape: ["N", 1, SIDE, SIDE] });
const MEAN = ["--mean", "0.1307", "--std", "0.3081"];
const python = pythonWith("onnx");

const SCRIPT = `
import json, sys, onnx
model = onnx.load(sys.argv[1])
onnx.checker.check_model(model)
print(json.dumps({p.key: p.value for p in model.metadata_props}))
`;

test("a property that contradicts is refused, and the same one written once", (t) => {
  const asked = { mean: 0.1307, std: 0.3081 };
  const first = annotateOnnx("m.onnx", cnn, asked);
  if (first === undefined) return t.fail();
  t.deepEqual([...first.bytes.subarray(0, cnn.length)], [...cnn]);
  t.is(annotateOnnx("m.onnx", first.bytes, asked)?.bytes.length, first.bytes.length);
  for (const other of [{ mean: 0.5, std: 0.5 }, { normalize: "none" }, { normalize: "scale" }] as const) {
    coded(t, () => annotateOnnx("m.onnx", first.bytes, other), "ERR_NORMALIZE_MISMATCH");
  }
});

test("a graph that takes bytes is not told to take others", (t) => {
  const ofBytes = cnnModel({ shape: ["N", 1, SIDE, SIDE], type: UINT8 });
  const divided = model({
    nodes: [
      { op: "Div", inputs: ["x", "d"], output: "s" },
      { op: "MatMul", inputs: ["s", "w"], output: "y" },
    ],
    tensors: [tensor("d", [], [255]), tensor("w", [2, 2], [1, 2, 3, 4])],
  });
  for (const [bytes, kind, other] of [
    [ofBytes, "none", "scale"],
    [divided, "scale", "none"],
  ] as const) {
    coded(t, () => annotateOnnx("m.onnx", bytes, { normalize: other }), "ERR_NORMALIZE_MISMATCH");
    const written = annotateOnnx("m.onnx", bytes, { normalize: kind });
    if (written === undefined) return t.fail();
    t.deepEqual(written.preprocessing, { kind });
    // What is written is read as the same, and not divided twice.
    t.deepEqual(annotateOnnx("m.onnx", written.bytes, {})?.preprocessing, { kind });
  }
});

test("whitening goes into no model that is run whole, and is not sent to fit", (t) => {
  const error = coded(
    t,
    () => annotateOnnx("m.onnx", cnn, { normalize: "whiten-zca" }),
    "ERR_NORMALIZE_STATISTICS",
  );
  t.regex(error.message, /folds whitening only into fully connected layers$/);
});

test("convert writes a convolutional network again", async (t) => {
  const input = await temporaryFile(t, cnn, "cnn.onnx");
  const output = join(await temporaryFolder(t), "out.onnx");
  const { status, stderr } = await runCli(["convert", input, output]);
  t.is(status, 0, stderr);
  t.deepEqual((await loadNetwork(output)).layers, (await loadNetwork(input)).layers);
});

needs("python-onnx", python !== undefined)("convert writes properties that onnx takes", async (t) => {
  const input = await temporaryFile(t, cnn, "cnn.onnx");
  const output = join(await temporaryFolder(t), "out.onnx");
  const { status, stdout, stderr } = await runCli(["convert", input, output, ...MEAN]);
  t.is(status, 0, stderr);
  t.regex(
    stdout,
    /^network {2}cnn\.onnx, \(pixels ÷ 255 − 0\.1307\) ÷ 0\.3081\nwritten {2}out\.onnx, as it was/,
  );
  t.deepEqual((await readFile(output)).subarray(0, cnn.length), cnn);
  t.deepEqual(runPython(python, SCRIPT, output), {
    "batchwise.normalize": "standardize",
    "batchwise.mean": "0.1307",
    "batchwise.std": "0.3081",
  });
});

needs("onnxruntime", hasOnnxruntime)("the file is evaluated as it states, and assumes nothing", async (t) => {
  const annotated = annotateOnnx("m.onnx", cnn, { mean: 0.1307, std: 0.3081 });
  if (annotated === undefined) return t.fail();
  const { preprocessing, assumptions } = await loadModel(
    await temporaryFile(t, annotated.bytes, "m.onnx"),
    {},
  );
  t.deepEqual(preprocessing, { kind: "standardize", mean: 0.1307, std: 0.3081 });
  t.deepEqual(assumptions, []);
});

// What is read of an ONNX file that is run whole: whether it divides its input, and whether it is whole.

const W = tensor("w", [4, 2], [1, 2, 3, 4, 5, 6, 7, 8]);

/** x (N,4) → y (N,2) */
function small(changes: Partial<TestModel>): Buffer {
  return model({
    nodes: [{ op: "MatMul", inputs: ["x", "w"], output: "y" }],
    tensors: [W],
    inputs: [value("x", ["N", 4])],
    ...changes,
  });
}

/** A graph that divides its input, with its divisor as an initializer or a Constant. */
function divided(op: string, inputs: readonly string[], factor: number, asNode: boolean): Buffer {
  const raw = fields([1, 1], [2, FLOAT], [9, floats([factor])]);
  const constant: TestNode = {
    op: "Constant",
    inputs: [],
    output: "factor",
    attributes: [fields([1, "value"], [5, raw], [20, 4])],
  };
  return small({
    nodes: [
      ...(asNode ? [constant] : []),
      { op, inputs, output: "scaled" },
      { op: "MatMul", inputs: ["scaled", "w"], output: "y" },
    ],
    tensors: asNode ? [W] : [W, tensor("factor", [], [factor])],
  });
}

test("sees a division by 255 within the graph, by a Constant or an initializer", async (t) => {
  for (const asNode of [true, false]) {
    await inCase(
      t,
      `sees a division by 255 within the graph, by ${asNode ? "a Constant" : "an initializer"}`,
      () => {
        const scaled = (...args: [string, readonly string[], number]) =>
          readOnnxFacts("m.onnx", divided(...args, asNode)).pixels.kind === "bytes";
        t.true(scaled("Div", ["x", "factor"], 255));
        t.true(scaled("Mul", ["x", "factor"], 1 / 255));
        t.true(scaled("Mul", ["factor", "x"], 1 / 255));
        t.true(scaled("Div", ["x", "factor"], 256));
        t.false(scaled("Div", ["factor", "x"], 255));
        t.false(scaled("Mul", ["x", "factor"], 255));
        t.false(scaled("Add", ["x", "factor"], 255));
      },
    );
  }
});

needs("onnxruntime", hasOnnxruntime)("gives bytes to a model that divides them itself", async (t) => {
  const path = await temporaryFile(t, divided("Div", ["x", "factor"], 255, false), "m.onnx");
  t.deepEqual((await loadModel(path, {})).preprocessing, { kind: "scale" });
});

test("refuses a model whose weights are in another file before anything opens that", (t) => {
  const bytes = small({
    tensors: [tensor("w", [4, 2], [], [13, fields([1, "location"], [2, "../w.bin"])], [14, 1])],
  });
  coded(t, () => readOnnxFacts("m.onnx", bytes), "ERR_ONNX_EXTERNAL");
});

// A chain that divides its pixels by 255 itself is read and refused in the same way by every engine.

const withOnnx = needs("onnxruntime", hasOnnxruntime);
const [ROWS, COLUMNS, CLASSES] = [4, 4, 10];
const PIXELS = ROWS * COLUMNS;
const WEIGHTS = Array.from({ length: PIXELS * CLASSES }, (_, n) => Math.sin(3 * n));
const DIVIDED: Readonly<Record<string, readonly [node: TestNode, constant: number]>> = {
  "Div by 255": [{ op: "Div", inputs: ["x", "c"], output: "s" }, 255],
  "Mul by 1/255": [{ op: "Mul", inputs: ["c", "x"], output: "s" }, 1 / 255],
};

function chain([node, constant]: readonly [TestNode, number], metadata: Record<string, string> = {}): Buffer {
  return model({
    nodes: [node, { op: "MatMul", inputs: ["s", "w"], output: "y" }],
    tensors: [tensor("c", [], [constant]), tensor("w", [PIXELS, CLASSES], WEIGHTS)],
    inputs: [value("x", ["N", PIXELS])],
    outputs: [value("y", ["N", CLASSES])],
    metadata,
  });
}

withOnnx("a chain that divides by 255 states scale to each engine, and predicts the same", async (t) => {
  const dataset = randomDataset(200, { rows: ROWS, columns: COLUMNS });
  for (const [what, divided] of Object.entries(DIVIDED)) {
    const path = await temporaryFile(t, chain(divided), "m.onnx");
    const results = [];
    for (const engine of ["ml-matrix", "onnx"] as const) {
      const load = engine === "onnx" ? loadModel : readNetwork;
      t.deepEqual((await load(path, {})).preprocessing, { kind: "scale" }, `${what}, ${engine}`);
      t.deepEqual((await load(path, {})).assumptions, [], `${what}, ${engine}`);
      await t.notThrowsAsync(load(path, { normalize: "scale" }), `${what}, ${engine}`);
      for (const other of [{ normalize: "none" }, { mean: 0.5, std: 0.5 }] as const) {
        await codedAsync(t, load(path, other), "ERR_NORMALIZE_MISMATCH");
      }
      const { result, network } = await evaluate({ dataset, weights: path, engine, threads: 0 });
      results.push({ correct: result.correct, matrix: result.confusionMatrix, how: network.preprocessing });
    }
    t.deepEqual(results[0], results[1], what);
  }
});

withOnnx("properties beside a division by 255 are held against it by each engine", async (t) => {
  const table = [
    [{ "batchwise.normalize": "none" }, undefined],
    [{ "batchwise.normalize": "scale" }, "ERR_ONNX_GRAPH"],
    [
      { "batchwise.normalize": "whiten-zca", "batchwise.epsilon": "0.1", "batchwise.folded": "true" },
      "ERR_ONNX_GRAPH",
    ],
  ] as const;
  for (const [metadata, code] of table) {
    const path = await temporaryFile(t, chain(DIVIDED["Div by 255"]!, metadata), "m.onnx");
    for (const load of [readNetwork, loadModel]) {
      if (code !== undefined) await codedAsync(t, load(path, {}), code);
      else t.deepEqual((await load(path, {})).preprocessing, { kind: "scale" });
    }
  }
});

withOnnx("the command line prints the same preprocessing with each engine", async (t) => {
  const wide = model({
    nodes: [DIVIDED["Div by 255"]![0], { op: "MatMul", inputs: ["s", "w"], output: "y" }],
    tensors: [
      tensor("c", [], [255]),
      tensor(
        "w",
        [784, 10],
        Array.from({ length: 7840 }, (_, n) => Math.sin(n)),
      ),
    ],
    inputs: [value("x", ["N", 784])],
    outputs: [value("y", ["N", 10])],
  });
  const path = await temporaryFile(t, wide, "wide.onnx");
  for (const engine of ["ml-matrix", "onnx"]) {
    const args = ["--weights", path, "--engine", engine, "--limit", "50", "--format", "json"];
    const { status, stdout, stderr } = await runCli(args);
    t.is(status, 0, stderr);
    t.is(JSON.parse(stdout).run.normalize, "scale", engine);
    const refused = await runCli([...args, "--normalize", "none"]);
    t.is(refused.status, 3);
    t.regex(refused.stderr, /^batchwise: ERR_NORMALIZE_MISMATCH: .*"scale"/m);
  }
});
