/** A chain that divides its pixels by 255 itself is read and refused in the same way by every engine. */

import { loadModel } from "#src/engines/load-model.js";
import { evaluate } from "#src/evaluate/evaluate.js";
import { readNetwork } from "#src/networks/registry.js";
import { runCli } from "../../helpers/cli.js";
import { hasOnnxruntime } from "../../helpers/engines.js";
import { model, type TestNode, tensor, value } from "../../helpers/onnx.js";
import { randomDataset } from "../../helpers/random.js";
import { needs } from "../../helpers/require.js";
import { temporaryFile } from "../../helpers/temporary.js";
import { codedAsync } from "../coded.js";

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
    const path = await temporaryFile(t, chain(DIVIDED["Div by 255"], metadata), "m.onnx");
    for (const load of [readNetwork, loadModel]) {
      if (code !== undefined) await codedAsync(t, load(path, {}), code);
      else t.deepEqual((await load(path, {})).preprocessing, { kind: "scale" });
    }
  }
});

withOnnx("the command line prints the same preprocessing with each engine", async (t) => {
  const wide = model({
    nodes: [DIVIDED["Div by 255"][0], { op: "MatMul", inputs: ["s", "w"], output: "y" }],
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
