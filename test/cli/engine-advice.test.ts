/** Advice about the engine onnx, and the line about outputs that no option states, by the command line. */
import { join } from "node:path";
import test from "ava";
import { runCli } from "../helpers/cli.js";
import { cnnModel, SIDE } from "../helpers/cnn.js";
import { hasOnnxruntime } from "../helpers/engines.js";
import { model, tensor, value } from "../helpers/onnx.js";
import { needs } from "../helpers/require.js";
import { temporaryFile, temporaryFolder } from "../helpers/temporary.js";

const cnn = cnnModel({ shape: ["N", 1, SIDE, SIDE] });

test("the engine onnx is advised only where the command can use it", async (t) => {
  const path = await temporaryFile(t, cnn, "cnn.onnx");
  // Names and shapes of a state dict with a convolution, as PyTorch's users save it.
  const header = JSON.stringify({
    "conv.weight": { dtype: "F32", shape: [1, 1, 1, 1], data_offsets: [0, 4] },
  });
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  const dict = await temporaryFile(
    t,
    Buffer.concat([size, Buffer.from(header), Buffer.alloc(4)]),
    "cnn.safetensors",
  );
  const output = join(await temporaryFolder(t), "out.safetensors");
  const suite = await temporaryFile(
    t,
    Buffer.from(JSON.stringify({ evaluations: [{ name: "cnn", weights: path }] })),
    "suite.json",
  );
  for (const weights of [path, dict]) {
    for (const args of [
      ["--limit", "200", "--weights", weights],
      ["compare", "bundled", weights, "--limit", "200"],
      ["diagnose", "--weights", weights],
    ]) {
      const { status, stdout, stderr } = await runCli(args);
      t.deepEqual([status, stdout], [3, ""], `${args}: ${stderr}`);
      t.regex(stderr, /^batchwise: ERR_\w+: .*--engine onnx/m, `${args}`);
    }
    for (const args of [
      ["inspect", "--weights", weights],
      ["show", "0", "--weights", weights],
      ["predict", "fixtures/pictures/seven.png", "--weights", weights],
      ["bench", "--weights", weights, "--engine", "onnx"],
      ["fit", "--normalize", "standardize", "--dataset", "bundled", "--weights", weights, "--output", output],
      ["convert", weights, output],
    ]) {
      const { status, stdout, stderr } = await runCli(args);
      t.deepEqual([status, stdout], [3, ""], `${args}: ${stderr}`);
      t.regex(stderr, /^batchwise: ERR_\w+: .*(evaluate|stay as they are)/m, `${args}`);
      t.notRegex(stderr, /--engine/, `${args}`);
    }
  }
  const checked = await runCli(["check", suite]);
  t.regex(checked.stdout + checked.stderr, /"engine": "onnx" evaluates other models/);
  t.notRegex(checked.stdout + checked.stderr, /--engine/);
  const fit = ["--normalize", "standardize", "--dataset", "bundled", "--weights", path, "--output", output];
  const refused = await runCli(["fit", ...fit]);
  t.regex(
    refused.stderr,
    /fit reads fully connected layers alone: evaluate other models with the --mean and --std/,
  );
  t.notRegex(refused.stderr, /convert/);
});

needs("onnxruntime", hasOnnxruntime)(
  "an end that no rule knows is named, and no option with it",
  async (t) => {
    const unknown = model({
      nodes: [
        { op: "MatMul", inputs: ["x", "w"], output: "z" },
        { op: "HardSigmoid", inputs: ["z"], output: "y" },
      ],
      tensors: [
        tensor(
          "w",
          [784, 10],
          Array.from({ length: 7840 }, (_, n) => Math.sin(n) / 50),
        ),
      ],
      inputs: [value("x", ["N", 784])],
      outputs: [value("y", ["N", 10])],
    });
    const path = await temporaryFile(t, unknown, "unknown.onnx");
    const args = [
      "--weights",
      path,
      "--engine",
      "onnx",
      "--limit",
      "50",
      "--threads",
      "0",
      "--format",
      "json",
    ];
    const run = (...more: string[]) => runCli([...args, ...more]);
    const stated = await run("--normalize", "scale", "--quiet");
    t.is(stated.status, 0, stated.stderr);
    const line = "sigmoid as outputs (unknown.onnx does not state it); no option states it";
    t.regex(stated.stderr, /^assumed: sigmoid as outputs /m);
    t.true(stated.stderr.includes(`assumed: ${line}\n`), stated.stderr);
    t.like(JSON.parse(stated.stdout).assumptions, [{ subject: "outputs", option: null }]);
    const both = await run();
    t.regex(both.stderr, /states neither\); set --normalize; no option states sigmoid as outputs$/m);
    const strict = await run("--normalize", "scale", "--strict");
    t.deepEqual([strict.status, strict.stdout], [3, ""]);
    t.regex(strict.stderr, /^batchwise: ERR_ASSUMED: .*sigmoid as outputs .*no option states it$/m);
  },
);
