/** Writes a network as an ONNX model that every runtime reads: Gemm and activations, nothing newer than opset 13. */
import protobuf from "protobufjs/minimal.js";
import type { Activation, Layer, Normalization } from "#src/base/contracts/network.js";
import { assumedMetadata } from "#src/networks/format.js";
import { preprocessingMetadata } from "#src/networks/recipe.js";
import {
  encodeElements,
  type Tensor,
  tensorsOf,
  type WritableNetwork,
  type WrittenType,
} from "#src/networks/tensors.js";
import { integer, message, raw, text } from "./message.js";
import { KEY_PREFIX } from "./operators.js";
import { TENSOR_TYPES } from "./tensor.js";

/** Of 2021: onnx 1.10 and onnxruntime 1.10 have them. */
const IR_VERSION = 8;
const OPSET = 13;
export const INPUT = "images";
export const OUTPUT = "logits";
const BYTES = "Pixels as they are, 0 to 255";
/** What the input is. Whitening is in the first layer. */
const INPUTS: Readonly<Record<Normalization, string>> = {
  none: BYTES,
  scale: "Pixels, divided by 255",
  standardize:
    "Pixels, divided by 255, less the mean, divided by the standard deviation that the properties name",
  "whiten-zca": BYTES,
  "whiten-pca": BYTES,
};
const OPERATORS: Readonly<Record<Exclude<Activation, "identity">, string>> = {
  sigmoid: "Sigmoid",
  relu: "Relu",
  tanh: "Tanh",
};

/**
 * The network as the bytes of an ONNX model: input `images` (N × inputs), which are pixels after preprocessing; output
 * `logits` (N × outputs); initializers W1 (inputs × outputs), b1 … Preprocessing and activations are named in the model's
 * properties too. The same network gives the same bytes.
 *
 * @throws NetworkError ERR_NETWORK_F32 when a weight is not finite in float32.
 */
export function encodeOnnx(network: WritableNetwork, type: WrittenType = "float32"): Uint8Array {
  const activations = network.layers.map(({ activation }) => activation).join(",");
  const writer = protobuf.Writer.create();
  integer(writer, 1, IR_VERSION);
  text(writer, 2, "batchwise");
  message(writer, 7, (graph) => {
    writeNodes(graph, network.layers);
    text(graph, 2, "network");
    for (const tensor of tensorsOf(network)) message(graph, 5, (inner) => writeTensor(inner, tensor, type));
    const { inputs } = network.layers[0];
    const { outputs } = network.layers[network.layers.length - 1];
    message(graph, 11, (value) =>
      writeValue(value, INPUT, inputs, type, `${INPUTS[network.preprocessing.kind]}; row by row.`),
    );
    message(graph, 12, (value) =>
      writeValue(value, OUTPUT, outputs, type, "One a class; the largest is the answer."),
    );
  });
  message(writer, 8, (opset) => integer(opset, 2, OPSET));
  for (const [key, value] of [
    ...Object.entries(preprocessingMetadata(network.preprocessing, KEY_PREFIX)),
    ...Object.entries(assumedMetadata(network.assumptions ?? [], KEY_PREFIX)),
    [`${KEY_PREFIX}activations`, activations],
  ]) {
    message(writer, 14, (property) => {
      text(property, 1, key);
      text(property, 2, value);
    });
  }
  return Uint8Array.from(writer.finish());
}

/** A Gemm for each layer, and its activation unless that is the identity. */
function writeNodes(graph: protobuf.Writer, layers: readonly Layer[]): void {
  let input = INPUT;
  layers.forEach(({ activation }, index) => {
    const number = index + 1;
    const isLast = number === layers.length;
    const sums = isLast && activation === "identity" ? OUTPUT : `a${number}`;
    writeNode(graph, "Gemm", [input, `W${number}`, `b${number}`], sums);
    input = sums;
    if (activation === "identity") return;
    input = isLast ? OUTPUT : `z${number}`;
    writeNode(graph, OPERATORS[activation], [sums], input);
  });
}

function writeNode(
  graph: protobuf.Writer,
  operator: string,
  inputs: readonly string[],
  output: string,
): void {
  message(graph, 1, (node) => {
    for (const input of inputs) text(node, 1, input);
    text(node, 2, output);
    text(node, 3, `${operator} ${output}`);
    text(node, 4, operator);
  });
}

function writeTensor(writer: protobuf.Writer, { name, shape, data }: Tensor, type: WrittenType): void {
  for (const size of shape) integer(writer, 1, size);
  integer(writer, 2, TENSOR_TYPES[type]);
  text(writer, 8, name);
  raw(writer, 9, encodeElements(name, data, type));
}

/** A tensor (N × width) and what it is. */
function writeValue(
  writer: protobuf.Writer,
  name: string,
  width: number,
  type: WrittenType,
  doc: string,
): void {
  text(writer, 1, name);
  message(writer, 2, (kind) => {
    message(kind, 1, (tensor) => {
      integer(tensor, 1, TENSOR_TYPES[type]);
      message(tensor, 2, (shape) => {
        message(shape, 1, (dimension) => text(dimension, 2, "N"));
        message(shape, 1, (dimension) => integer(dimension, 1, width));
      });
    });
  });
  text(writer, 3, doc);
}
