/** Networks by name and by file, told apart by their content. */
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test, { type ExecutionContext } from "ava";
import type { Activation, DenseLayer } from "#src/base/contracts/network.js";
import { BatchwiseError, type ErrorCode } from "#src/base/errors.js";
import { FIXTURES } from "#src/base/package.js";
import { type LoadNetworkOptions, loadNetwork } from "#src/networks/registry.js";
import { encodeSafetensors } from "#src/networks/write-safetensors.js";
import { loadDense } from "../helpers/dense.js";
import { inCase } from "../helpers/in-case.js";
import { npyDict, npyFile, npyFloats } from "../helpers/npy.js";
import { mnist, needs } from "../helpers/require.js";
import { zipFile } from "../helpers/zip.js";
import { u64 } from "./coded.js";

const PICKLE = fileURLToPath(new URL("pickles/numpy1-protocol3-f4-c.pkl", FIXTURES));
const PICKLE_0 = fileURLToPath(new URL("pickles/python2-protocol0-f4-c.pkl", FIXTURES));
const PICKLE_1 = fileURLToPath(new URL("pickles/numpy2-protocol1-f4-c.pkl", FIXTURES));

async function folder(t: ExecutionContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "batchwise-networks-"));
  t.teardown(() => rm(path, { recursive: true }));
  return path;
}

async function written(t: ExecutionContext, name: string, bytes: Uint8Array | string): Promise<string> {
  const path = join(await folder(t), name);
  await writeFile(path, bytes);
  return path;
}

async function refused(t: ExecutionContext, source: string, code: ErrorCode, options?: LoadNetworkOptions) {
  const error = await t.throwsAsync(loadNetwork(source, options), { instanceOf: BatchwiseError });
  t.is(error.code, code, error.message);
  return error;
}

function layer(inputs: number, outputs: number, activation: Activation): DenseLayer {
  return {
    kind: "dense",
    inputs,
    outputs,
    weights: new Float64Array(inputs * outputs).fill(0.5),
    biases: new Float64Array(outputs).fill(-1),
    activation,
  };
}

const RELU = encodeSafetensors({
  layers: [layer(4, 3, "relu"), layer(3, 2, "identity")],
  preprocessing: { kind: "none" },
});

test("loads a pickle, with the name and the hash of its file, sigmoid and scale", async (t) => {
  const network = await loadNetwork(PICKLE);
  t.is(network.name, "numpy1-protocol3-f4-c.pkl");
  t.is(
    network.sha256,
    createHash("sha256")
      .update(await readFile(PICKLE))
      .digest("hex"),
  );
  t.deepEqual(network.preprocessing, { kind: "scale" });
  t.deepEqual(
    network.layers.map(({ inputs, outputs, activation }) => [inputs, outputs, activation]),
    [
      [4, 3, "sigmoid"],
      [3, 2, "identity"],
    ],
  );
});

test("loads safetensors, with the activation and the normalization that it names", async (t) => {
  const network = await loadNetwork(await written(t, "relu.safetensors", RELU));
  t.is(network.name, "relu.safetensors");
  t.deepEqual(network.preprocessing, { kind: "none" });
  t.deepEqual(
    network.layers.map((each) => each.activation),
    ["relu", "identity"],
  );
});

test("tells formats by content, whatever the file is called", async (t) => {
  t.is((await loadNetwork(await written(t, "weights.pkl", RELU))).layers.length, 2);
  for (const pickle of [PICKLE, PICKLE_0, PICKLE_1]) {
    const network = await loadDense(await written(t, "weights.safetensors", await readFile(pickle)));
    t.is(network.layers[0]?.weights[1], Math.fround(0.909297));
  }
});

test("takes from the options what a file does not say, and refuses what contradicts it", async (t) => {
  await inCase(
    t,
    "takes activation and normalization from the options where a file does not say",
    async () => {
      const network = await loadNetwork(PICKLE, { activation: "tanh", normalize: "none" });
      t.is(network.layers[0]?.activation, "tanh");
      t.deepEqual(network.preprocessing, { kind: "none" });
    },
  );

  await inCase(t, "lets the options repeat what a file names, but not contradict it", async () => {
    const path = await written(t, "relu.safetensors", RELU);
    const network = await loadNetwork(path, { activation: "relu", normalize: "none" });
    t.deepEqual(network.preprocessing, { kind: "none" });
    const mismatch = await refused(t, path, "ERR_NORMALIZE_MISMATCH", { normalize: "scale" });
    t.is(mismatch.exitStatus, 3);
    t.like(mismatch.facts, { path: "relu.safetensors", expected: "none", found: "--normalize scale" });
    const error = await refused(t, path, "ERR_OPTION_VALUE", { activation: "sigmoid" });
    t.is(error.exitStatus, 2);
    t.like(error.facts, { option: "--activation", found: "sigmoid" });
  });

  await inCase(t, "refuses metadata that names an activation that there is not", async () => {
    const text = Buffer.from(RELU).toString("latin1").replace('"activation":"relu"', '"activation":"mish"');
    const path = await written(t, "mish.safetensors", Buffer.from(text, "latin1"));
    const error = await refused(t, path, "ERR_NETWORK_FORMAT");
    t.like(error.facts, { found: '"mish"' });
  });
});

test("refuses what is no file of weights, and says why", async (t) => {
  await inCase(t, "suggests a bundled name for one that is misspelt", async () => {
    const error = await refused(t, "bundeld", "ERR_NETWORK_UNKNOWN");
    t.like(error.facts, { found: "bundeld", suggestion: "bundled" });
  });

  await inCase(t, "refuses a file that does not exist, and a path through a file", async () => {
    const path = await written(t, "file", "x");
    for (const source of [`${path}.pkl`, join(path, "weights.pkl")]) {
      const error = await refused(t, source, "ERR_NETWORK_UNKNOWN");
      t.like(error.facts, {
        found: source,
        known: [
          ...["bundled", "bundled-standardize", "bundled-whiten", "bundled-cnn"],
          ...["book", "book-ch07", "book-ch08"],
        ],
        suggestion: undefined,
      });
    }
  });

  await inCase(t, "refuses a link that goes in a circle, and a device", async () => {
    const path = await folder(t);
    await symlink("circle", join(path, "circle"));
    await refused(t, join(path, "circle"), "ERR_FILE_READ");
    await refused(t, process.platform === "win32" ? path : "/dev/zero", "ERR_FILE_READ");
  });

  await inCase(t, "refuses an empty file", async () => {
    await refused(t, await written(t, "empty.pkl", ""), "ERR_FILE_EMPTY");
  });

  await inCase(t, "refuses a file of more than 2 GiB without reading it", async () => {
    const path = await written(t, "large.pkl", "\x80");
    await truncate(path, 2 ** 31); // A hole: it takes no room on the disk.
    const error = await refused(t, path, "ERR_WEIGHTS_SIZE");
    t.like(error.facts, { actualBytes: 2 ** 31 });
  });
});

test("says what a file is when it is no weights", async (t) => {
  for (const [bytes, found] of [
    ["\x93NUMPY\x01", /a single NumPy array; give the folder/],
    ["\x1f\x8b\x08", /gzip/],
    ['{"a": 1}', /JSON/],
    ["weights, please", /found text/],
    ["come with me\n", /found text/],
    ["\x07\x01\xff\xfe\x02", /begins 07 01 ff fe 02/],
  ] as const) {
    const error = await refused(
      t,
      await written(t, "weights", Buffer.from(bytes, "latin1")),
      "ERR_NETWORK_FORMAT",
    );
    t.regex(error.message, found);
  }
});

test("refuses convolutions and normalizations among arrays, and points at ONNX", async (t) => {
  const floats = (...shape: number[]) =>
    npyFloats(shape, new Float32Array(shape.reduce((product, size) => product * size, 1)));
  const counter = npyFile(npyDict("<i8", []), new Uint8Array(8));
  const linear = {
    "0.weight": floats(4, 6),
    "0.bias": floats(4),
    "3.weight": floats(2, 4),
    "3.bias": floats(2),
  };
  const running = { "1.running_mean": floats(4), "1.running_var": floats(4) };
  const affine = { "1.weight": floats(4), "1.bias": floats(4) };
  const first = {
    "norm.weight": floats(6),
    "norm.bias": floats(6),
    "norm.running_mean": floats(6),
    "norm.running_var": floats(6),
  };
  const book = { W1: floats(3, 1, 5, 5), b1: floats(3), W2: floats(12, 2), b2: floats(2) };
  for (const [what, code, arrays] of [
    ["half of a BatchNorm1d", "ERR_NETWORK_KEYS", { ...linear, ...affine, "1.running_mean": floats(4) }],
    ["LayerNorm", "ERR_NETWORK_RANK", { ...linear, ...affine }],
    ["PReLU", "ERR_NETWORK_RANK", { ...linear, "2.weight": floats(1) }],
    ["Conv2d", "ERR_NETWORK_ARCHITECTURE", { ...linear, "0.weight": floats(4, 1, 3, 3) }],
    ["the book's convolution", "ERR_NETWORK_CHAIN", book],
    ["BatchNorm1d before all layers", "ERR_NETWORK_ORDER", { ...first, ...linear }],
  ] as const) {
    const entries = Object.entries(arrays).map(([name, content]) => ({ name: `${name}.npy`, content }));
    const { message } = await refused(t, await written(t, "m.npz", zipFile(entries)), code);
    t.regex(message, /torch\.onnx\.export\(.*give --weights out\.onnx --engine onnx/, what);
    t.is(message.split("--architecture").length, 2, what);
  }
  const normalized = { ...linear, ...affine, ...running, "1.num_batches_tracked": counter };
  const entries = Object.entries(normalized).map(([name, content]) => ({ name: `${name}.npy`, content }));
  const { layers, assumptions } = await loadNetwork(await written(t, "m.npz", zipFile(entries)));
  t.deepEqual(
    layers.map(({ inputs, outputs }) => [inputs, outputs]),
    [
      [6, 4],
      [4, 2],
    ],
  );
  t.is(assumptions[0]?.what, "ε 0.00001 of batch normalizations");
});

test("reads safetensors whose header length looks like a pickle's first bytes", async (t) => {
  // 0x80 0x04 is also the header length 1152, which spaces make.
  const headerBytes = Number(new DataView(RELU.buffer).getBigUint64(0, true));
  const header = Buffer.from(RELU.subarray(8, 8 + headerBytes))
    .toString()
    .padEnd(0x0480);
  const bytes = Buffer.concat([
    Buffer.from([0x80, 4, 0, 0, 0, 0, 0, 0]),
    Buffer.from(header),
    RELU.subarray(8 + headerBytes),
  ]);
  t.deepEqual((await loadNetwork(await written(t, "padded", bytes))).preprocessing, { kind: "none" });
});

// The network of the book (Deep Learning from Scratch, chapter 3), where this machine has it.

needs("mnist", mnist !== undefined)("reads the book's network as Python does", async (t) => {
  const network = await loadDense(join(mnist ?? "", "sample_weight.pkl"));
  t.deepEqual(
    network.layers.map(({ inputs, outputs, activation }) => [inputs, outputs, activation]),
    [
      [784, 50, "sigmoid"],
      [50, 100, "sigmoid"],
      [100, 10, "identity"],
    ],
  );
  t.is(network.sha256, "b7f55a27988ba34c3777b0f1bbd464817c8a4db855723e6ff26f703501917a13");
  t.deepEqual(network.preprocessing, { kind: "scale" });
  // float(network["W1"][0, 0]) and so on; the file holds float32 in Fortran order.
  const [first, second, third] = network.layers;
  t.deepEqual([...(first?.weights.subarray(0, 2) ?? [])], [-0.007412489037960768, -0.007904390804469585]);
  t.is(first?.weights.at(-1), -0.040211476385593414);
  t.is(second?.weights[0], -0.1069403886795044);
  t.is(third?.weights[0], -0.4217357635498047);
  t.is(third?.biases[0], -0.060239847749471664);
});

test("a signal ends the reading of a large network between two steps", async (t) => {
  const path = join(await folder(t), "large.safetensors");
  const [inputs, outputs] = [784, 40_000];
  const begin = 2 * inputs * outputs;
  const header = JSON.stringify({
    W1: { dtype: "F16", shape: [inputs, outputs], data_offsets: [0, begin] },
    b1: { dtype: "F16", shape: [outputs], data_offsets: [begin, begin + 2 * outputs] },
  });
  await writeFile(path, Buffer.concat([u64(header.length), Buffer.from(header)]));
  // All weights are zero: the file has no blocks for them.
  await truncate(path, 8 + header.length + begin + 2 * outputs);
  t.is((await loadNetwork(path)).layers[0]?.outputs, outputs);
  for (const [reason, code, message] of [
    [undefined, "ERR_INTERRUPTED", "interrupted before the evaluation"],
    ["SIGTERM", "ERR_TERMINATED", "terminated before the evaluation"],
  ] as const) {
    const abort = new AbortController();
    const abortSoon = async () => void setTimeout(() => abort.abort(reason), 0);
    await t.throwsAsync(loadNetwork(path, { signal: abort.signal, decodeAfter: abortSoon() }), {
      code,
      message,
    });
  }
});
