/** What is read of an ONNX file that is run whole: whether it divides its input, and whether it is whole. */
import test from "ava";
import { loadModel } from "#src/engines/load-model.js";
import { readOnnxFacts } from "#src/networks/onnx/preprocessing.js";
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
  value,
} from "../../helpers/onnx.js";
import { needs } from "../../helpers/require.js";
import { temporaryFile } from "../../helpers/temporary.js";
import { coded } from "../coded.js";

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
