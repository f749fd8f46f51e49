/** Writes a network as an ONNX model for every runtime: nothing newer than opset 13. */
import protobuf from "protobufjs/minimal.js";
import type { Normalization } from "#src/base/contracts/network.js";
import { assumedMetadata, pixelOrderMetadata } from "#src/networks/format.js";
import { preprocessingMetadata } from "#src/networks/recipe.js";
import { encodeElements, type WritableNetwork, type WrittenType } from "#src/networks/tensors.js";
import { float, integer, message, raw, text } from "./message.js";
import {
  ATTRIBUTE,
  ATTRIBUTE_TYPE,
  DATA_TYPE,
  DIMENSION,
  GRAPH,
  MODEL,
  NODE,
  OPERATOR_SET,
  PROPERTY,
  SHAPE,
  TENSOR,
  TENSOR_TYPE,
  TYPE,
  VALUE_INFO,
} from "./proto.js";
import { type AttributeValue, graphOf, INPUT, type WrittenNode, type WrittenTensor } from "./write-layers.js";

/** Prefix of Batchwise's keys among a model's properties. */
export const KEY_PREFIX = "batchwise.";
/** IR version of 2021, with opset 13: onnx 1.10 and onnxruntime 1.10 have them. */
const IR_VERSION = 8;
const OPSET = 13;
const BYTES = "Pixels as they are, 0 to 255";
/** Description of the input. Whitening is in the first layer. */
const INPUTS: Readonly<Record<Normalization, string>> = {
  none: BYTES,
  scale: "Pixels, divided by 255",
  standardize:
    "Pixels, divided by 255, less the mean, divided by the standard deviation that the properties name",
  "whiten-zca": BYTES,
  "whiten-pca": BYTES,
};
/**
 * Returns the network as an ONNX model: input `images` (N × inputs, or maps), which are pixels after preprocessing; output
 * `logits` (N × outputs); initializers W1 (inputs × outputs), b1 … Preprocessing and activations are named in the model's
 * properties too. The same network gives the same bytes.
 *
 * @throws NetworkError ERR_NETWORK_F32 if a weight is not finite in float32
 */
export function encodeOnnx(network: WritableNetwork, type: WrittenType = "float32"): Uint8Array {
  const activations = network.layers.map(({ activation }) => activation).join(",");
  const writer = protobuf.Writer.create();
  integer(writer, MODEL.irVersion, IR_VERSION);
  text(writer, MODEL.producerName, "batchwise");
  message(writer, MODEL.graph, (graph) => {
    const { nodes, tensors, input, output } = graphOf(network.layers);
    for (const node of nodes) writeNode(graph, node);
    text(graph, GRAPH.name, "network");
    for (const tensor of tensors)
      message(graph, GRAPH.initializer, (inner) => writeTensor(inner, tensor, type));
    const { outputs } = network.layers[network.layers.length - 1]!;
    const order = input.length === 3 && input[0] !== 1 ? "channels last" : "row by row";
    message(graph, GRAPH.input, (value) =>
      writeValue(value, INPUT, input, type, `${INPUTS[network.preprocessing.kind]}; ${order}.`),
    );
    message(graph, GRAPH.output, (value) =>
      writeValue(value, output, [outputs], type, "One a class; the largest is the answer."),
    );
  });
  message(writer, MODEL.opsetImport, (opset) => integer(opset, OPERATOR_SET.version, OPSET));
  const metadata: readonly (readonly [key: string, value: string])[] = [
    ...Object.entries(preprocessingMetadata(network.preprocessing, KEY_PREFIX)),
    ...Object.entries(pixelOrderMetadata(network, KEY_PREFIX)),
    ...Object.entries(assumedMetadata(network.assumptions ?? [], KEY_PREFIX)),
    [`${KEY_PREFIX}activations`, activations],
  ];
  for (const [key, value] of metadata) {
    message(writer, MODEL.metadataProps, (property) => {
      text(property, PROPERTY.key, key);
      text(property, PROPERTY.value, value);
    });
  }
  return Uint8Array.from(writer.finish());
}

function writeNode(graph: protobuf.Writer, { operator, inputs, output, attributes }: WrittenNode): void {
  message(graph, GRAPH.node, (node) => {
    for (const input of inputs) text(node, NODE.input, input);
    text(node, NODE.output, output);
    text(node, NODE.name, `${operator} ${output}`);
    text(node, NODE.opType, operator);
    for (const [name, value] of Object.entries(attributes)) {
      message(node, NODE.attribute, (attribute) => writeAttribute(attribute, name, value));
    }
  });
}

function writeAttribute(writer: protobuf.Writer, name: string, value: AttributeValue): void {
  text(writer, ATTRIBUTE.name, name);
  if (typeof value === "number") integer(writer, ATTRIBUTE.integer, value);
  else if ("float" in value) float(writer, ATTRIBUTE.float, value.float);
  else for (const size of value) integer(writer, ATTRIBUTE.integers, size);
  const kind = typeof value === "number" ? "integer" : "float" in value ? "float" : "integers";
  integer(writer, ATTRIBUTE.type, ATTRIBUTE_TYPE[kind]);
}

function writeTensor(writer: protobuf.Writer, { name, shape, data }: WrittenTensor, type: WrittenType): void {
  const isFloat = "buffer" in data;
  for (const size of shape) integer(writer, TENSOR.dims, size);
  integer(writer, TENSOR.dataType, DATA_TYPE[isFloat ? type : "int64"]);
  text(writer, TENSOR.name, name);
  raw(writer, TENSOR.rawData, isFloat ? encodeElements(name, data, type) : int64s(data));
}

function int64s(values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * 8);
  for (const [index, value] of values.entries()) bytes.writeBigInt64LE(BigInt(value), index * 8);
  return bytes;
}

/** Writes the description of a tensor (N, …sizes). */
function writeValue(
  writer: protobuf.Writer,
  name: string,
  sizes: readonly number[],
  type: WrittenType,
  doc: string,
): void {
  text(writer, VALUE_INFO.name, name);
  message(writer, VALUE_INFO.type, (kind) => {
    message(kind, TYPE.tensorType, (tensor) => {
      integer(tensor, TENSOR_TYPE.elementType, DATA_TYPE[type]);
      message(tensor, TENSOR_TYPE.shape, (shape) => {
        message(shape, SHAPE.dim, (dimension) => text(dimension, DIMENSION.param, "N"));
        for (const size of sizes)
          message(shape, SHAPE.dim, (dimension) => integer(dimension, DIMENSION.value, size));
      });
    });
  });
  text(writer, VALUE_INFO.docString, doc);
}

/** Returns the file with these tensors of its graph added to the outputs. A runtime infers their types. */
export function withOutputs(bytes: Uint8Array, names: readonly string[]): Uint8Array<ArrayBuffer> {
  return appended(bytes, (writer) =>
    message(writer, MODEL.graph, (graph) => {
      for (const name of names) message(graph, GRAPH.output, (value) => text(value, VALUE_INFO.name, name));
    }),
  );
}

/** Returns the file with these properties after its own. */
export function withProperties(
  bytes: Uint8Array,
  properties: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  return appended(bytes, (writer) => {
    for (const [key, value] of Object.entries(properties)) {
      message(writer, MODEL.metadataProps, (property) => {
        text(property, PROPERTY.key, key);
        text(property, PROPERTY.value, value);
      });
    }
  });
}

/**
 * Appends fields to an ONNX file without encoding it again. Protobuf accepts fields in any order, and merges messages of the
 * same field (protobuf.dev/programming-guides/encoding, "Last One Wins").
 */
function appended(bytes: Uint8Array, write: (writer: protobuf.Writer) => void): Uint8Array<ArrayBuffer> {
  const writer = protobuf.Writer.create();
  write(writer);
  const added = writer.finish();
  const whole = new Uint8Array(bytes.length + added.length);
  whole.set(bytes);
  whole.set(added, bytes.length);
  return whole;
}
