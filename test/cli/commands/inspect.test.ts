/** What `batchwise inspect` prints of convolutions and pools. */
import test from "ava";
import { runCli } from "../../helpers/cli.js";
import { cnnModel } from "../../helpers/cnn.js";
import { temporaryFile } from "../../helpers/temporary.js";

test("inspects each layer of a convolutional network, with its shapes, parameters and multiply-adds", async (t) => {
  const path = await temporaryFile(t, cnnModel({ shape: ["N", 1, 28, 28] }), "cnn.onnx");
  const { status, stdout, stderr } = await runCli(["inspect", "--weights", path, "--normalize", "scale"]);
  t.is(status, 0, stderr);
  for (const line of [
    /^ {2}conv2d 5×5 \+2 +W1 \(5, 5, 1, 4\) +\(28, 28, 4\) +relu +104 +78,400$/m,
    /^ {2}max-pool 4×4 +\(7, 7, 4\) +0 +0$/m,
    /^ {2}dense +W3 \(196, 10\) +\(10,\) +softmax +1,970 +1,960$/m,
    /^ {2}2,074 parameters, 80,360 multiply-adds per image$/m,
    /^one image {2}\(28, 28, 1\) → \(28, 28, 4\) → \(7, 7, 4\) → \(10,\)$/m,
  ]) {
    t.regex(stdout, line);
  }
  for (const line of stdout.split("\n")) t.true(line.length <= 80, line);
  const json = JSON.parse((await runCli(["inspect", "--weights", path, "--format", "json"])).stdout);
  t.like(json.network.layers[0], {
    kind: "conv2d",
    input: [28, 28, 1],
    output: [28, 28, 4],
    kernel: [5, 5],
    stride: [1, 1],
    padding: [2, 2, 2, 2],
    groups: 1,
    activation: "relu",
    parameters: 5 * 5 * 4 + 4,
    multiplyAdds: 28 * 28 * 5 * 5 * 4,
  });
});
