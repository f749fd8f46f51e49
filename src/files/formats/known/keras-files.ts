/** Known files of Keras and TensorFlow: HDF5, .keras, TensorFlow.js, TensorFlow Lite, SavedModel, checkpoints. */

import type { FileHead } from "./file-head.js";
import { type KnownFile, networkFile, python, shellQuoted } from "./known-file.js";

/** Offsets at which HDF5 may begin: 0, 512, 1024, 2048 … (HDF5 file format, "Superblock"). */
const HDF5_MAGIC = "\x89HDF";
const HDF5_STARTS = [0, 512, 1024, 2048];
const WITH_ONNX = "and give --weights out.onnx --engine onnx";

export function isHdf5({ text }: FileHead): boolean {
  return HDF5_STARTS.some((at) => text.startsWith(HDF5_MAGIC, at));
}

/** Layers as `Flatten`, `Dense relu`, `Dense softmax`; undefined for a text that does not describe a chain. */
function layersIn(json: string | undefined): string[] | undefined {
  let config: unknown;
  try {
    config = JSON.parse(json ?? "");
  } catch {
    return undefined;
  }
  const layers = at(at(config, "config"), "layers");
  if (!Array.isArray(layers)) return undefined;
  return layers.map((layer: unknown) => {
    const name = String(at(layer, "class_name"));
    const activation = at(at(layer, "config"), "activation") ?? undefined;
    if (activation === undefined) return name;
    return `${name} ${typeof activation === "string" ? activation : "custom"}`;
  });
}

function at(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

/** `model_config` of an HDF5 file, at any place in the file. */
function configText({ content }: FileHead): string | undefined {
  const file = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  for (
    let begin = file.indexOf('{"class_name"');
    begin >= 0;
    begin = file.indexOf('{"class_name"', begin + 1)
  ) {
    const text = balanced(file.toString("utf8", begin, begin + 2 ** 20));
    if (text?.includes('"layers"')) return text;
  }
  return undefined;
}

/** Text from the first brace to the one that closes it. */
function balanced(text: string): string | undefined {
  let depth = 0;
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (match[0] === "{") depth += 1;
    if (match[0] === "}") depth -= 1;
    if (depth === 0 && match[0] === "}") return text.slice(0, match.index + 1);
  }
  return undefined;
}

const has = ({ content }: FileHead, text: string) =>
  Buffer.from(content.buffer, content.byteOffset, content.byteLength).includes(text);

const ofLayers = (json: string | undefined) => {
  const layers = layersIn(json);
  return layers === undefined ? "" : ` of the layers ${layers.slice(0, 12).join(", ")}`;
};

const kerasHdf5: KnownFile = {
  name: "a Keras HDF5 file",
  recognizes: (head) => isHdf5(head) && has(head, "weight_names"),
  describe: ({ head }) => `a Keras HDF5 file${ofLayers(configText(head))}`,
  // load_model needs the architecture, which weights alone do not have.
  nextStep: ({ head, path }) => (has(head, "model_config") ? kerasToOnnx(path) : KERAS_PROGRAM),
};

/** Python code that loads the whole model. It needs Keras, and serves layers that are not dense. */
export const kerasToOnnx = (path: string) =>
  `run ${python(path, "import keras; keras.models.load_model(FILE).export('out.onnx',format='onnx')")} ${WITH_ONNX}`;

/** Next step for weights without their architecture, which stands in the program that made them. */
export const KERAS_PROGRAM =
  "in the program that defines the model, load this file with model.load_weights, then call model.save('model.keras'), and give --weights model.keras; or state its layers with --architecture";

const kerasWeights: KnownFile = {
  name: "a Keras weights file (.weights.h5)",
  recognizes: (head, path) =>
    isHdf5(head) &&
    has(head, "vars") &&
    (/\.weights\.h5$/.test(path) || has(head, "layers") || has(head, "_layer_checkpoint_dependencies")),
  nextStep: () => KERAS_PROGRAM,
};

const kerasZip: KnownFile = {
  name: "a Keras file (.keras)",
  recognizes: ({ names }) =>
    names.includes("config.json") && names.some((name) => name.startsWith("model.weights.")),
  describe: ({ head }) => `a Keras file (.keras)${ofLayers(head.config)}`,
  nextStep: ({ path }) => kerasToOnnx(path),
};

/** Marks of a graph: its format, or its nodes in a file without one. */
const GRAPH = /"graph-model"|"modelTopology"\s*:\s*\{\s*"node"/;

const layersModel: KnownFile = {
  name: "a TensorFlow.js layers model",
  recognizes: ({ text }) => /^\s*\{/.test(text) && text.includes('"modelTopology"') && !GRAPH.test(text),
  nextStep: ({ path }) => layersModelToOnnx(path),
};

/** Commands that bring a layers model to ONNX. They need TensorFlow.js' converter and Keras. */
export const layersModelToOnnx = (path: string) =>
  `run tensorflowjs_converter --input_format=tfjs_layers_model --output_format=keras ${shellQuoted(path)} out.h5; then ${kerasToOnnx("out.h5")}`;

const graphModel: KnownFile = {
  name: "a TensorFlow.js graph model",
  recognizes: ({ text }) => /^\s*\{/.test(text) && GRAPH.test(text) && text.includes('"modelTopology"'),
  nextStep: ({ path }) =>
    `run python3 -m tf2onnx.convert --tfjs ${shellQuoted(path)} --output out.onnx ${WITH_ONNX}`,
};

const tflite: KnownFile = {
  name: "a TensorFlow Lite model",
  // The file identifier of a flatbuffer (tensorflow/compiler/mlir/lite/schema/schema.fbs).
  recognizes: ({ text }) => text.startsWith("TFL3", 4),
  nextStep: ({ path }) =>
    `run python3 -m tf2onnx.convert --tflite ${shellQuoted(path)} --output out.onnx ${WITH_ONNX}`,
};

const savedModel: KnownFile = {
  name: "a TensorFlow SavedModel (saved_model.pb)",
  // `saved_model_schema_version: 1`, then the first graph (tensorflow/core/protobuf/saved_model.proto).
  recognizes: ({ text }, path) =>
    /(^|[\\/])saved_model\.pb$/.test(path) || (text.startsWith("\x08\x01\x12") && path.endsWith(".pb")),
  nextStep: ({ path }) => savedModelStep(path.replace(/[^\\/]*$/, "") || "."),
};

export const savedModelStep = (folder: string) =>
  `run python3 -m tf2onnx.convert --saved-model ${shellQuoted(folder)} --output out.onnx ${WITH_ONNX}`;

const checkpoint: KnownFile = {
  name: "a TensorFlow checkpoint",
  // The magic at the end of a table (tensorflow/tsl/lib/io/format.h), and names that the saver gives.
  recognizes: ({ text, content }, path) =>
    /\.data-\d{5}-of-\d{5}$/.test(path) ||
    text.startsWith("model_checkpoint_path:") ||
    Buffer.from(content.subarray(-8)).toString("hex") === "57fb808b247547db",
  nextStep: () =>
    "in the program that defines the model, load it and call a = model.get_weights(); np.savez('out.npz', **{'Wb'[i % 2] + str(i // 2 + 1): v for i, v in enumerate(a)}), and give --weights out.npz --activation NAME",
};

const frozenGraph: KnownFile = {
  name: "a TensorFlow graph (.pb)",
  recognizes: (head, path) => path.endsWith(".pb") && head.text.startsWith("\n"),
  nextStep: ({ path }) =>
    `run python3 -m tf2onnx.convert --graphdef ${shellQuoted(path)} --inputs INPUT:0 --outputs OUTPUT:0 --output out.onnx ${WITH_ONNX}`,
};

export const KERAS_FILES: readonly KnownFile[] = [
  kerasZip,
  kerasHdf5,
  kerasWeights,
  graphModel,
  layersModel,
  tflite,
  savedModel,
  checkpoint,
  frozenGraph,
].map(networkFile);

/** Names of the layers that are not dense; undefined if all are. */
export function otherLayers(shapes: ReadonlyMap<string, readonly number[]>): string | undefined {
  const names = [...shapes.keys()];
  const hasConvolutions = [...shapes.values()].some((shape) => shape.length > 2);
  const hasNorm =
    names.some((name) => /running_(mean|var)$|num_batches_tracked$|moving_(mean|variance)/.test(name)) ||
    names.some((name) => /(^|\.)(bn|norm|ln)\w*\.weight$/i.test(name));
  // LayerNorm, GroupNorm and PReLU have one weight per unit, whatever their names.
  const hasVector = [...shapes].some(([name, { length }]) => /(^|\.)weight$/.test(name) && length === 1);
  const found = [
    ...(hasConvolutions ? ["convolutions"] : []),
    ...(hasNorm ? ["batch normalization"] : hasVector ? ["a normalization or PReLU"] : []),
  ];
  return found.length > 0 ? found.join(" and ") : undefined;
}
