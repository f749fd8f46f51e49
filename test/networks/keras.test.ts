/** Keras' networks: every layer against PyTorch's arithmetic, in the layouts of Keras 2.2 to 3; and what is refused. */
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test, { type ExecutionContext } from "ava";
import { unzipSync } from "fflate";
import { BatchwiseError, type ErrorCode } from "#src/base/errors.js";
import { FIXTURES } from "#src/base/package.js";
import { createEngine } from "#src/engines/registry.js";
import { foldPreprocessing } from "#src/networks/fold-maps.js";
import { type LoadedNetwork, loadNetwork } from "#src/networks/registry.js";
import { EXACT_ENGINES } from "../helpers/engines.js";
import { inCase } from "../helpers/in-case.js";
import { runPython } from "../helpers/python.js";
import { torch, withTorch } from "../helpers/python-writers.js";
import { temporaryFolder } from "../helpers/temporary.js";
import { zipFile } from "../helpers/zip.js";
import { codedAsync } from "./coded.js";

const FOLDER = fileURLToPath(new URL("keras/", FIXTURES));
const MOST_DIFFERENCE = 1e-5;
const MAKE = `
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import cases
cases.main(sys.argv[2])`;

interface Made {
  readonly title: string;
  readonly files: readonly string[];
  readonly pixels: readonly number[];
  readonly logits: readonly number[];
  readonly classes: number;
}

withTorch("gives PyTorch's logits for every layer, in the layouts of Keras 2.2 to 3", async (t) => {
  t.timeout(300_000);
  const folder = await temporaryFolder(t);
  const cases = runPython(torch, MAKE, FOLDER, folder) as readonly Made[];
  t.true(cases.length > 40);
  let most = 0;
  let files = 0;
  for (const made of cases) {
    for (const file of made.files) {
      await inCase(t, file, async () => {
        const network = await loadNetwork(join(folder, file));
        for (const difference of await differences(network, made)) {
          most = Math.max(most, difference);
          t.true(difference <= MOST_DIFFERENCE, `${difference}`);
        }
      });
      files += 1;
    }
  }
  t.log(`largest difference of ${files} files: ${most}`);
  const lora = await codedAsync(t, loadNetwork(join(folder, "lora.h5")), "ERR_NETWORK_LAYER");
  t.regex(lora.message, /"dense": expected the arrays kernel, bias, found kernel, bias, lora_kernel_a; /);
  const zeros = await codedAsync(t, loadNetwork(join(folder, "zeros.h5")), "ERR_HDF5_MALFORMED");
  t.regex(zeros.message, /expected 51380224 bytes of "kernel:0", found \d+ packed ones/);
});

/** Largest difference from the expected logits, for each engine in float64. */
function differences(network: LoadedNetwork, { pixels, logits, classes }: Made): Promise<number[]> {
  return Promise.all(
    EXACT_ENGINES.map(async (name) => {
      const engine = await createEngine(name, foldPreprocessing(network));
      const found = new Float64Array(logits.length);
      await engine.forward(Uint8Array.from(pixels), logits.length / classes, found);
      return found.reduce((most, logit, index) => Math.max(most, Math.abs(logit - logits[index]!)), 0);
    }),
  );
}

const described = ({ layers }: LoadedNetwork) =>
  layers.map(({ kind, inputs, outputs, activation }) => `${kind} ${inputs}→${outputs} ${activation}`);

test("reads the architecture of every layout, and states what it states", async (t) => {
  const mlp = ["dense 6→4 relu", "dense 4→3 identity"];
  const convolution = [
    "conv2d 16→8 relu",
    "conv2d 8→8 identity",
    "average-pool 8→2 identity",
    "dense 2→3 identity",
  ];
  const cases: readonly (readonly [string, readonly string[], readonly string[], (readonly number[])?])[] = [
    ["keras-2.2.h5", convolution, [], [4, 4]],
    ["keras-2.10.h5", mlp, ["pixels"], [2, 3]],
    ["keras-3.h5", mlp, ["pixels"], [2, 3]],
    ["latest.h5", mlp, ["pixels"], [2, 3]],
    ["keras-3.keras", convolution, [], [4, 4]],
    ["tensorflow-2.13.keras", mlp, ["pixels"], [2, 3]],
    ["keras-3.weights.h5", mlp, ["activation", "pixels"]],
    ["keras-2.weights.h5", mlp, ["activation", "pixels"]],
  ];
  for (const [name, layers, assumed, sizes] of cases) {
    await inCase(t, name, async () => {
      const network = await loadNetwork(join(FOLDER, name));
      t.deepEqual(described(network), layers);
      const isModel = !name.includes("weights");
      t.is(network.layers.at(-1)?.ends, isModel ? "softmax" : undefined);
      t.deepEqual(
        network.assumptions.map(({ subject }) => subject),
        assumed,
      );
      t.deepEqual(network.preprocessing, { kind: "scale" });
      t.deepEqual(network.imageSizes, sizes);
    });
  }
});

test("takes the activation of weights alone from the option, and refuses to change a stated one", async (t) => {
  const network = await loadNetwork(join(FOLDER, "keras-3.weights.h5"), { activation: "tanh" });
  t.deepEqual(
    network.layers.map(({ activation }) => activation),
    ["tanh", "identity"],
  );
  const stated = loadNetwork(join(FOLDER, "keras-3.h5"), { activation: "tanh" });
  await codedAsync(t, stated, "ERR_OPTION_VALUE");
});

type Json = Record<string, unknown> & { class_name: string; config: Record<string, unknown> };
type Change = (layers: Json[], model: Json) => unknown;

/** The network of keras-3.keras, its architecture changed. Its layers: input, rescaling, conv2d, batch norm, pooling, dense. */
async function changed(t: ExecutionContext, change: Change, left: readonly string[] = []): Promise<string> {
  const entries = unzipSync(readFileSync(join(FOLDER, "keras-3.keras")));
  const model = JSON.parse(Buffer.from(entries["config.json"] ?? []).toString());
  const text = change(model.config.layers, model);
  const config = Buffer.from(typeof text === "string" ? text : JSON.stringify(model));
  const contents = Object.entries({ ...entries, "config.json": config }).filter(
    ([name]) => !left.includes(name),
  );
  const path = join(await temporaryFolder(t), "model.keras");
  await writeFile(path, zipFile(contents.map(([name, content]) => ({ name, content }))));
  return path;
}

const set =
  (index: number, settings: object, className?: string): Change =>
  (layers) => {
    Object.assign(layers[index]!.config, settings);
    if (className !== undefined) layers[index]!.class_name = className;
  };

/** A Sequential model of an input and layers without settings. */
const sequential =
  (shape: readonly number[], ...classNames: readonly string[]): Change =>
  (_, model) => {
    const layers = classNames.map((className) => ({ class_name: className, config: { activation: "relu" } }));
    const input = { class_name: "InputLayer", config: { batch_shape: [null, ...shape] } };
    Object.assign(model, { class_name: "Sequential", config: { layers: [input, ...layers] } });
  };

const REFUSED: readonly (readonly [title: string, change: Change, message: RegExp])[] = [
  [
    "Lambda",
    set(3, {}, "Lambda"),
    /layer "batch_normalization": .*found Lambda, whose Python code is not run; run python3 -c ".*export\('out\.onnx',format='onnx'\)" and give --weights out\.onnx --engine onnx/,
  ],
  ["an unknown layer", set(3, {}, "MultiHeadAttention"), /found MultiHeadAttention; run python3/],
  ["an own layer", set(3, {}, "my_package>Gate"), /found my_package>Gate; run/],
  [
    "channels first",
    set(2, { data_format: "channels_first" }),
    /"conv2d": expected data_format channels_last, found "channels_first"/,
  ],
  [
    "another axis",
    set(3, { axis: [1] }),
    /"batch_normalization": expected the axis of channels, the last, found axis 1/,
  ],
  [
    "an own activation",
    set(2, { activation: "mine" }),
    /"conv2d": expected one of linear, relu.*found the activation "mine"/,
  ],
  [
    "an own function",
    set(2, { activation: { class_name: "function", config: "f", registered_name: "m>f" } }),
    /found the activation "f"/,
  ],
  ["softmax between layers", set(2, { activation: "softmax" }), /batch_normalization: expected/],
  ["a kernel of another size", set(2, { kernel_size: [2, 2] }), /weights of a kernel 2 × 2, found 3 × 3/],
  ["more units than weights", set(5, { units: 4 }), /"dense": expected weights of 4 units, found 3/],
  ["units that are no number", set(5, { units: "3" }), /"dense": expected a number as units, found "3"/],
  ["a stride of nothing", set(2, { strides: [0, 1] }), /expected two sizes as strides, found \[0,1\]/],
  ["a causal window", set(2, { padding: "causal" }), /expected valid or same as padding, found "causal"/],
  [
    "a bias that is not there",
    set(2, { use_bias: true }),
    /"conv2d": expected the arrays kernel, bias, found 0; save the model again/,
  ],
  [
    "five dimensions",
    set(0, { batch_shape: [null, 1, 2, 3, 4] }),
    /\(rows, columns, channels\), found a shape of 4 dimensions/,
  ],
  [
    "rows without channels",
    set(0, { batch_shape: [null, 4, 4] }),
    /"conv2d": expected Flatten or Reshape before it, found Conv2D on rows/,
  ],
  [
    "two outputs",
    (_, model) => {
      model.config.output_layers = [
        ["dense", 0, 0],
        ["conv2d", 0, 0],
      ];
    },
    /the model: expected one output, found 2/,
  ],
  [
    "a cycle",
    (layers) => {
      layers[1]!.inbound_nodes = [[["dense", 0, 0, {}]]];
    },
    /expected a chain of layers, found "dense" as an input/,
  ],
  [
    "two inputs",
    (layers) => {
      layers[4]!.inbound_nodes = [
        [
          ["conv2d", 0, 0, {}],
          ["rescaling", 0, 0, {}],
        ],
      ];
    },
    /expected one input, found GlobalAveragePooling2D of 2/,
  ],
  [
    "training",
    (layers) => {
      layers[3]!.inbound_nodes = [[["conv2d", 0, 0, { training: true }]]];
    },
    /BatchNormalization with training=True/,
  ],
  [
    "a class of its own",
    (_, model) => {
      model.class_name = "MyModel";
    },
    /expected a Sequential or functional model, found "MyModel"; run python3/,
  ],
  [
    "one output",
    sequential([1], "Activation"),
    /layer "Activation": expected two or more outputs, one per class, found one/,
  ],
  ["no layer of effect", sequential([3]), /output: expected at least one layer, found none/],
  ["no JSON", () => "{", /the model: expected an architecture in JSON, found .*; run python3/],
  ["deep JSON", () => "[".repeat(100), /the model: expected nesting at most 64 deep, found deeper/],
];

test("names the layer that is not read, and the next step", async (t) => {
  for (const [title, change, message] of REFUSED) {
    await inCase(t, title, async () => {
      const error = await codedAsync(t, loadNetwork(await changed(t, change)), "ERR_NETWORK_LAYER");
      t.regex(error.message, message);
    });
  }
});

test("refuses a file of which a part is missing", async (t) => {
  const cases: readonly (readonly [string, ErrorCode, RegExp])[] = [
    ["config.json", "ERR_NETWORK_LAYER", /expected "config\.json", found metadata\.json, model\.weights\.h5/],
    [
      "model.weights.h5",
      "ERR_NETWORK_LAYER",
      /expected "model\.weights\.h5", found metadata\.json, config\.json/,
    ],
  ];
  for (const [name, code, message] of cases) {
    await inCase(t, name, async () => {
      const error = await codedAsync(t, loadNetwork(await changed(t, () => undefined, [name])), code);
      t.regex(error.message, message);
    });
  }
});

test("explains HDF5 that is not of Keras", async (t) => {
  const error = await codedAsync(t, loadNetwork(join(FOLDER, "kinds.hdf5")), "ERR_NETWORK_FORMAT");
  t.regex(error.message, /HDF5.*visititems/);
});

test("refuses weights alone of other layers than dense ones, by name", async (t) => {
  const entries = unzipSync(readFileSync(join(FOLDER, "keras-3.keras")));
  const path = join(await temporaryFolder(t), "model.weights.h5");
  await writeFile(path, entries["model.weights.h5"] ?? []);
  const error = await t.throwsAsync<BatchwiseError>(loadNetwork(path), { instanceOf: BatchwiseError });
  t.is(error.code, "ERR_NETWORK_LAYER");
  t.regex(
    error.message,
    /layer "(conv2d|batch_normalization|rescaling|global_average_pooling2d)": expected (dense layers.*model\.load_weights|max pools and ReLU .*--architecture)/,
  );
});
