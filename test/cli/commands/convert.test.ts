/** `batchwise convert`: what it writes, what it says, and what it refuses before it writes. */

import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import type { Network } from "#src/base/contracts/network.js";
import { atLeast } from "#src/base/errors.js";
import { encodeOnnx } from "#src/networks/onnx/encode.js";
import { loadNetwork } from "#src/networks/registry.js";
import { runCli } from "../../helpers/cli.js";
import { denseOf } from "../../helpers/dense.js";
import { randomNetwork } from "../../helpers/random.js";
import { temporaryFile, temporaryFolder } from "../../helpers/temporary.js";

const numbers = (network: Network) =>
  denseOf(network).layers.map(({ weights, biases }) => [[...weights], [...biases]]);

test("converts a bundled network to each format, which reads back the same", async (t) => {
  const folder = await temporaryFolder(t);
  const bundled = await loadNetwork("bundled");
  const [{ activation }] = atLeast(bundled.layers, 1);
  for (const ending of ["npz", "safetensors", "onnx"]) {
    const out = join(folder, `network.${ending}`);
    const { status, stdout, stderr } = await runCli(["convert", "bundled", out]);
    t.is(status, 0, stderr);
    const network = await loadNetwork(out, { activation });
    t.deepEqual(numbers(network), numbers(bundled), ending);
    t.deepEqual(network.preprocessing, bundled.preprocessing, ending);
    t.regex(
      stdout,
      /^network {2}bundled, 784 → .*\nwritten {2}network\..*, float32, [\d,]+ bytes\nread {5}back, 100 images of bundled: logits differ by at most 0\.0 .*\nsha256 {3}/,
    );
    t.true(stdout.includes(network.sha256), ending);
  }
});

test("keeps in a .npz what float32 would lose, and says so where it is lost", async (t) => {
  const folder = await temporaryFolder(t);
  const source = await temporaryFile(t, encodeOnnx(randomNetwork([4, 3, 2]), "float64"), "a.onnx");
  const whole = await runCli(["convert", source, join(folder, "a.npz")]);
  t.regex(whole.stdout, /float64/);
  t.is(whole.stderr, `written: ${join(folder, "a.npz")}\n`);
  t.deepEqual(numbers(await loadNetwork(join(folder, "a.npz"))), numbers(await loadNetwork(source)));
  for (const [out, ...dtype] of [["a.safetensors"], ["b.onnx"], ["b.npz", "--dtype", "float32"]] as const) {
    const { status, stdout, stderr } = await runCli(["convert", source, join(folder, out), ...dtype]);
    t.is(status, 0);
    t.regex(stdout, /float32/);
    t.regex(
      stderr,
      /^written: .*\n.*\.(?:safetensors|onnx|npz): float32 is less exact .* no weight changed by more than 0\.0000\d+ %\n$/,
    );
  }
  for (const out of ["c.safetensors", "c.onnx"]) {
    const { stderr } = await runCli(["convert", source, join(folder, out), "--dtype", "float64"]);
    t.is(stderr, `written: ${join(folder, out)}\n`);
    t.deepEqual(numbers(await loadNetwork(join(folder, out))), numbers(await loadNetwork(source)));
  }
});

test("says what a .npz does not hold", async (t) => {
  const folder = await temporaryFolder(t);
  const relu = await temporaryFile(
    t,
    encodeOnnx({ ...randomNetwork([4, 3, 2], "relu"), preprocessing: { kind: "none" } }),
    "a.onnx",
  );
  const { stderr } = await runCli(["convert", relu, join(folder, "a.npz")]);
  t.regex(stderr, /a \.npz holds arrays alone; evaluate it with --activation relu --normalize none\n$/);
  const { stderr: nothing } = await runCli(["convert", relu, join(folder, "a.safetensors")]);
  t.is(nothing, `written: ${join(folder, "a.safetensors")}\n`);
});

test("records the activation and the preprocessing that it is told", async (t) => {
  const folder = await temporaryFolder(t);
  const [npz, onnx] = [join(folder, "a.npz"), join(folder, "a.onnx")];
  await runCli(["convert", "bundled", npz]);
  t.is((await runCli(["convert", npz, onnx, "--activation", "tanh", "--normalize", "none"])).status, 0);
  const network = await loadNetwork(onnx);
  t.is(network.layers[0]?.activation, "tanh");
  t.deepEqual(network.preprocessing, { kind: "none" });
});

test("carries a recipe to .safetensors and .onnx, and names the numbers that a .npz would lose", async (t) => {
  const folder = await temporaryFolder(t);
  for (const name of ["bundled-standardize", "bundled-whiten"]) {
    const network = await loadNetwork(name);
    for (const ending of ["safetensors", "onnx"]) {
      const out = join(folder, `${name}.${ending}`);
      const { status, stderr } = await runCli(["convert", name, out]);
      t.is(status, 0, stderr);
      const read = await loadNetwork(out);
      t.deepEqual(read.preprocessing, network.preprocessing);
      t.deepEqual(numbers(read), numbers(network));
    }
  }
  const whitened = await runCli(["convert", "bundled-whiten", join(folder, "a.npz")]);
  t.is(whitened.status, 0);
  t.regex(whitened.stderr, /evaluate it with --normalize none\n$/);
  const standardized = await runCli(["convert", "bundled-standardize", join(folder, "b.npz")]);
  t.is(standardized.status, 3);
  t.regex(standardized.stderr, /^batchwise: ERR_NORMALIZE_FORMAT: .*"standardize".*\n$/);
  t.false((await readdir(folder)).includes("b.npz"));
});

test("deflates a .npz when asked, and nothing else", async (t) => {
  const folder = await temporaryFolder(t);
  const [stored, deflated] = [join(folder, "a.npz"), join(folder, "b.npz")];
  await runCli(["convert", "bundled", stored]);
  await runCli(["convert", "bundled", deflated, "--compress"]);
  t.true((await readFile(deflated)).length < (await readFile(stored)).length);
  const { status, stderr } = await runCli(["convert", "bundled", join(folder, "c.onnx"), "--compress"]);
  t.is(status, 2);
  t.regex(stderr, /^batchwise: ERR_OPTION_VALUE: --compress/);
});

test("refuses endings and options before it reads, and leaves a file that stood there as it was", async (t) => {
  const folder = await temporaryFolder(t);
  const out = join(folder, "a.onnx");
  await writeFile(out, "precious");
  for (const [args, status, code] of [
    [["absent.pkl", out], 3, "ERR_NETWORK_UNKNOWN"],
    [["bundled", out, "--dtype", "float16"], 2, "ERR_OPTION_UNKNOWN"],
    [["bundled", join(folder, "a.pkl")], 2, "ERR_OPTION_VALUE"],
    [["bundled", join(folder, "a")], 2, "ERR_OPTION_VALUE"],
    [["bundled"], 2, "ERR_USAGE"],
    [["bundled", join(folder, "absent", "a.onnx")], 6, "ERR_OUTPUT_WRITE"],
  ] as const) {
    const result = await runCli(["convert", ...args]);
    t.is(result.status, status, result.stderr);
    t.regex(result.stderr, new RegExp(`^batchwise: ${code}: .+\n$`));
    t.is(result.stdout, "");
  }
  t.is(await readFile(out, "utf8"), "precious");
  t.deepEqual(await readdir(folder), ["a.onnx"]);
});

test("refuses activations that the format has no place for", async (t) => {
  const mixed = randomNetwork([4, 3, 3, 2], "relu");
  const layers = mixed.layers.map((layer, index) =>
    index === 1 ? { ...layer, activation: "tanh" as const } : layer,
  );
  const folder = await temporaryFolder(t);
  const source = await temporaryFile(t, encodeOnnx({ ...mixed, layers }), "a.onnx");
  const mixedArrays = await runCli(["convert", source, join(folder, "a.npz")]);
  t.is(mixedArrays.status, 0, mixedArrays.stderr);
  t.regex(mixedArrays.stderr, /evaluate it with --activation relu,tanh\n/);
  const sloped = layers.map((layer) => ({ ...layer, activation: "leaky-relu" as const }));
  const other = await temporaryFile(t, encodeOnnx({ ...mixed, layers: sloped }), "b.onnx");
  const { status, stderr } = await runCli(["convert", other, join(folder, "b.npz")]);
  t.is(status, 3, stderr);
  t.regex(
    stderr,
    /ERR_NETWORK_ACTIVATIONS: .*found leaky-relu.*; write a \.safetensors or an \.onnx file\n$/,
  );
  t.deepEqual((await readdir(folder)).sort(), ["a.npz"]);
  for (const [from, out] of [
    [source, "b.onnx"],
    [other, "b.safetensors"],
  ] as const) {
    const written = await runCli(["convert", from, join(folder, out)]);
    t.is(written.status, 0, written.stderr);
    t.regex(written.stdout, /^read +back, 100 images of seeded pixels: logits differ by at most \S+ /m);
  }
});
