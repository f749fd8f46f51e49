/** Chains of every kind of layer through .safetensors and .onnx and back, and the check of what was written. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import { ACTIVATIONS, type Layer, type Network } from "#src/base/contracts/network.js";
import { FIXTURES } from "#src/base/package.js";
import { createEngine } from "#src/engines/registry.js";
import { compareWritten } from "#src/evaluate/read-back.js";
import { ChainBuilder } from "#src/networks/chain-builder.js";
import { foldPreprocessing } from "#src/networks/fold-maps.js";
import { loadNetwork } from "#src/networks/registry.js";
import { encodeNetwork } from "#src/networks/writers.js";
import { testOf } from "../helpers/engines.js";
import { inCase } from "../helpers/in-case.js";
import { runPython } from "../helpers/python.js";
import { onnx, withOnnx } from "../helpers/python-writers.js";
import { randomNetwork } from "../helpers/random.js";
import { temporaryFolder } from "../helpers/temporary.js";
import { codedAsync } from "./coded.js";

/** Numbers of both signs that float32 holds exactly. */
const numbers = (count: number) =>
  Float64Array.from({ length: count }, (_, n) => Math.fround(Math.sin(1 + n * 1.7) / 2));

type Make = (builder: ChainBuilder) => void;
const IMAGE = { rows: 9, columns: 8, channels: 1 };

function networkOf(make: Make, input: ConstructorParameters<typeof ChainBuilder>[1] = IMAGE): Network {
  const builder = new ChainBuilder("made", input, "channels-last");
  make(builder);
  const { layers, imageSizes } = builder.finish();
  return {
    name: "made",
    sha256: "",
    layers,
    imageSizes,
    preprocessing: { kind: "standardize", mean: 0.25, std: 0.5 },
  };
}

const conv = (
  b: ChainBuilder,
  channels: number,
  more: Partial<Parameters<ChainBuilder["conv2d"]>[1]> = {},
) => {
  const inputs = typeof b.shape === "object" ? b.shape.channels : 1;
  const kernel = more.kernel ?? [3, 2];
  const weights = numbers((kernel[0] * kernel[1] * inputs * channels) / (more.groups ?? 1));
  b.conv2d("conv", { weights, channels, kernel, biases: numbers(channels), ...more });
};
const end = (b: ChainBuilder, outputs = 3) => {
  b.flatten("flatten");
  b.dense("dense", { weights: numbers(outputs * Number(b.shape)), outputs, biases: numbers(outputs) });
};

const CASES: readonly (readonly [title: string, make: Make])[] = [
  ...ACTIVATIONS.map((activation): readonly [string, Make] => [
    activation,
    (b) => {
      conv(b, 3);
      b.activation("activation", activation);
      end(b);
    },
  ]),
  [
    "leaky, then tanh, with a softmax",
    (b) => {
      conv(b, 2);
      b.activation("a", "leaky-relu", [0.1]);
      b.activation("b", "tanh");
      end(b);
      b.end("end", "softmax");
    },
  ],
  [
    "slopes of channels",
    (b) => {
      conv(b, 3);
      b.activation("a", "prelu", numbers(3));
      end(b);
    },
  ],
  [
    "slopes of elements",
    (b) => {
      conv(b, 3);
      b.activation("a", "prelu", numbers(7 * 7 * 3));
      end(b);
    },
  ],
  [
    "groups, strides and dilation",
    (b) => {
      conv(b, 4, { stride: [1, 2], dilation: [2, 1], padding: "same" });
      conv(b, 6, { groups: 2, kernel: [2, 2], padding: { top: 2, left: 0, bottom: 1, right: 1 } });
      conv(b, 6, { groups: 6 });
      end(b);
    },
  ],
  [
    "a padding of another value",
    (b) => {
      b.normalize("normalize", [0.5], [0.75]);
      conv(b, 2, { padding: { top: 1, left: 1, bottom: 0, right: 2 } });
      end(b);
      b.end("end", "sigmoid");
    },
  ],
  [
    "pools",
    (b) => {
      conv(b, 2);
      b.pool2d("max", "max", {
        kernel: [3, 2],
        stride: [2, 3],
        padding: { top: 1, left: 0, bottom: 1, right: 1 },
        ceil: true,
      });
      b.activation("a", "relu");
      b.pool2d("average", "average", {
        kernel: [2, 2],
        stride: [1, 1],
        padding: { top: 1, left: 1, bottom: 1, right: 0 },
        countsPadding: true,
      });
      end(b);
    },
  ],
  [
    "an average up to the ceiling",
    (b) => {
      conv(b, 2);
      b.pool2d("average", "average", { kernel: [2, 2], stride: [3, 3], ceil: true });
      end(b);
    },
  ],
  ["a last map of several places and channels", (b) => conv(b, 2, { kernel: [8, 8] })],
  [
    "a global average at the end",
    (b) => {
      conv(b, 4);
      b.globalPool("global", "average");
    },
  ],
  [
    "zeros around units as a map",
    (b) => {
      end(b, 6);
      b.reshape("reshape", { rows: 3, columns: 2, channels: 1 });
      b.pad("pad", { top: 1, left: 0, bottom: 0, right: 1 });
      end(b);
    },
  ],
];

const COUNT = 5;

async function logitsOf(
  engineName: "reference" | "onnx",
  network: Pick<Network, "layers" | "preprocessing">,
) {
  const inputs = network.layers[0]!.inputs;
  const pixels = Uint8Array.from({ length: COUNT * inputs }, (_, n) => (n * n * 31 + 7 * n) % 256);
  const logits = new Float64Array(COUNT * network.layers.at(-1)!.outputs);
  const engine = await createEngine(engineName, foldPreprocessing(network));
  await engine.forward(pixels, COUNT, logits);
  return logits;
}

const largest = (a: Float64Array, b: Float64Array) =>
  a.reduce((most, one, n) => Math.max(most, Math.abs(one - b[n]!)), 0);

test("every kind of layer reads back from .safetensors and .onnx, and from one by the other", async (t) => {
  const folder = await temporaryFolder(t);
  let path = join(folder, "n.safetensors");
  for (const [title, make] of CASES) {
    await inCase(t, title, async () => {
      const network = networkOf(make);
      const expected = await logitsOf("reference", network);
      const scale = Math.max(1, ...expected.map(Math.abs));
      let given: Network = network;
      for (const ending of [".safetensors", ".onnx", ".safetensors", ".onnx"] as const) {
        path = join(folder, `n${ending}`);
        await writeFile(path, encodeNetwork(ending, given, { type: "float64" }).bytes);
        given = await loadNetwork(path);
        t.deepEqual(given.preprocessing, network.preprocessing);
        t.is(given.layers.at(-1)?.ends, network.layers.at(-1)?.ends);
        t.deepEqual(given.assumptions, []);
        // Numbers of activations are float32 in ONNX.
        t.true(largest(await logitsOf("reference", given), expected) <= 1e-7 * scale, ending);
      }
    });
  }
});

testOf("onnx")("onnxruntime computes every kind of layer as the reference does", async (t) => {
  for (const [title, make] of CASES) {
    await inCase(t, title, async () => {
      const network = networkOf(make);
      const expected = await logitsOf("reference", network);
      const scale = Math.max(1, ...expected.map(Math.abs));
      t.true(largest(await logitsOf("onnx", network), expected) <= 1e-5 * scale);
    });
  }
});

test("what the writer assumed is assumed by the reader, in each format", async (t) => {
  const folder = await temporaryFolder(t);
  const cnn = await loadNetwork(fileURLToPath(new URL("tfjs/cnn", FIXTURES)));
  const assumed = (["architecture", "activation", "pixels"] as const).map((subject) => {
    return { subject, what: "w", source: "s", option: null };
  });
  for (const ending of [".safetensors", ".onnx"] as const) {
    const path = join(folder, `n${ending}`);
    await writeFile(path, encodeNetwork(ending, { ...cnn, assumptions: assumed }).bytes);
    const { assumptions } = await loadNetwork(path);
    t.deepEqual(assumptions.map(({ subject }) => subject).sort(), ["activation", "architecture", "pixels"]);
  }
});

test("a written file whose logits differ more than its type explains is refused", async (t) => {
  const network = randomNetwork([784, 12, 10], "relu");
  for (const type of ["float32", "float64"] as const) {
    const written = encodeNetwork(".safetensors", network, { type });
    const { difference, images } = await compareWritten("n", ".safetensors", network, written);
    t.true(difference <= (type === "float64" ? 0 : 1e-4));
    t.is(images, "100 images of bundled");
    const layers = network.layers.map((layer): Layer => {
      if (!("weights" in layer)) return layer;
      return { ...layer, weights: layer.weights.map((value, n) => (n === 5_000 ? value + 0.5 : value)) };
    });
    const other = compareWritten("n", ".safetensors", { ...network, layers }, written);
    const { message } = await codedAsync(t, other, "ERR_NETWORK_WRITTEN");
    t.regex(message, /^n: expected .* by float\d\d, found a difference of .*no file was written/);
  }
});

/** Ten lines that read a header of safetensors without its package, and ONNX's own checker. */
const READ = `
import json, os, struct, sys
import numpy as np, onnx
folder, found = sys.argv[1], []
for name in sorted(os.listdir(folder)):
    path = os.path.join(folder, name)
    if name.endswith(".onnx"):
        onnx.checker.check_model(onnx.load(path), full_check=True)
        continue
    data = open(path, "rb").read()
    size, = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + size])
    layers = json.loads(header.pop("__metadata__")["architecture"])["layers"]
    for tensor in header.values():
        begin, end = tensor["data_offsets"]
        assert np.frombuffer(data[8 + size + begin:8 + size + end], "<f4").reshape(tensor["shape"]).size > 0
    named = {layer[key] for layer in layers for key in ("weights", "bias", "slopes") if key in layer}
    assert named == set(header), (named, set(header))
    found.append(max(tensor["data_offsets"][1] for tensor in header.values()) + 8 + size == len(data))
print(json.dumps(found))`;

withOnnx("ONNX's checker and a reader of safetensors of ten lines read what is written", async (t) => {
  const folder = await temporaryFolder(t);
  for (const [n, [, make]] of CASES.entries()) {
    for (const ending of [".safetensors", ".onnx"] as const) {
      await writeFile(join(folder, `${n}${ending}`), encodeNetwork(ending, networkOf(make)).bytes);
    }
  }
  t.deepEqual(
    runPython(onnx, READ, folder),
    CASES.map(() => true),
  );
});
