/** An ONNX file that states what its pixels go through, all of its other bytes as they were. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { loadModel } from "#src/engines/load-model.js";
import { annotateOnnx } from "#src/networks/onnx/preprocessing.js";
import { runCli } from "../../helpers/cli.js";
import { cnnModel, SIDE } from "../../helpers/cnn.js";
import { hasOnnxruntime } from "../../helpers/engines.js";
import { model, tensor, UINT8 } from "../../helpers/onnx.js";
import { pythonWith, runPython } from "../../helpers/python.js";
import { needs } from "../../helpers/require.js";
import { temporaryFile, temporaryFolder } from "../../helpers/temporary.js";
import { coded } from "../coded.js";

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
  t.regex(error.message, /into no other model$/);
});

test("convert says of a convolutional network what it can write", async (t) => {
  const input = await temporaryFile(t, cnn, "cnn.onnx");
  const output = join(await temporaryFolder(t), "out.onnx");
  const { status, stderr } = await runCli(["convert", input, output]);
  t.is(status, 3);
  t.regex(stderr, /convert writes --mean and --std into them\n$/);
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
