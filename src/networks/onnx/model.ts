/** The messages of an ONNX model, as much of them as a chain of layers needs (onnx/onnx.proto in github.com/onnx/onnx). */
import { MAX_DIMENSIONS } from "#src/files/formats/arrays.js";
import { Message } from "./message.js";

/** Numbers of one attribute: axes, pads, or the values of a small Constant. */
const MAX_ATTRIBUTE_NUMBERS = 65_536;
/** Graphs within graphs that are looked into. */
const MAX_GRAPH_DEPTH = 16;

export interface Model {
  readonly opsets: readonly Opset[];
  readonly metadata: ReadonlyMap<string, string>;
  /** All graphs of the file as one: protobuf merges the parts of a message that is there more than once. */
  readonly graph: Graph;
  /** Parts that the graph came in: 1 in every file that an exporter wrote. */
  readonly graphParts: number;
}

export interface Opset {
  /** Empty for ONNX's own operators. */
  domain: string;
  version: number;
}

export interface Graph {
  readonly nodes: Node[];
  readonly initializers: Tensor[];
  readonly inputs: Value[];
  readonly outputs: Value[];
}

export interface Node {
  name: string;
  operator: string;
  domain: string;
  readonly inputs: string[];
  readonly outputs: string[];
  readonly attributes: Attribute[];
}

export interface Attribute {
  name: string;
  /** AttributeProto.AttributeType; 0 where it is not said. */
  type: number;
  float?: number;
  integer?: number;
  tensor?: Tensor;
  readonly floats: number[];
  readonly integers: number[];
  /** Names that the nodes of an inner graph read, which If and Loop have; some may be tensors of the outer one. */
  readonly innerReads: string[];
}

export interface Tensor {
  name: string;
  readonly dimensions: number[];
  /** TensorProto.DataType. */
  type: number;
  external: boolean;
  /** Little-endian; views of the file. Only one of these is filled. */
  raw?: Uint8Array;
  floats?: Uint8Array;
  doubles?: Uint8Array;
  /** Varints; elements of float16 are the bits of one. */
  int32s?: Message;
  int64s?: Message;
}

export interface Value {
  name: string;
  /** TensorProto.DataType of a tensor; undefined for what is none. */
  type?: number;
  /** A number, or undefined for a dimension of any size; undefined in all for any rank. */
  shape?: readonly (number | undefined)[];
}

/** `limit` bounds the fields that are read. @throws NetworkError ERR_ONNX_MALFORMED, ERR_ONNX_LIMIT. */
export function readModel(path: string, bytes: Uint8Array, limit?: number): Model {
  const opsets: Opset[] = [];
  const metadata = new Map<string, string>();
  const graph: Graph = { nodes: [], initializers: [], inputs: [], outputs: [] };
  let graphParts = 0;
  const message = Message.ofFile(path, bytes, limit);
  for (const field of message.fields()) {
    if (field === 7) {
      graphParts += 1;
      readGraph(message.message(), graph);
    } else if (field === 8) opsets.push(readOpset(message.message()));
    else if (field === 14) metadata.set(...readProperty(message.message()));
  }
  return { opsets, metadata, graph, graphParts };
}

function readOpset(message: Message): Opset {
  const opset: Opset = { domain: "", version: 0 };
  for (const field of message.fields()) {
    if (field === 1) opset.domain = message.text();
    else if (field === 2) opset.version = message.integer();
  }
  return opset;
}

function readProperty(message: Message): [key: string, value: string] {
  const property: [string, string] = ["", ""];
  for (const field of message.fields()) {
    if (field === 1 || field === 2) property[field - 1] = message.text();
  }
  return property;
}

function readGraph(message: Message, graph: Graph): void {
  for (const field of message.fields()) {
    if (field === 1) graph.nodes.push(readNode(message.message()));
    else if (field === 5) graph.initializers.push(readTensor(message.message()));
    else if (field === 11) graph.inputs.push(readValue(message.message()));
    else if (field === 12) graph.outputs.push(readValue(message.message()));
  }
}

function readNode(message: Message): Node {
  const node: Node = { name: "", operator: "", domain: "", inputs: [], outputs: [], attributes: [] };
  for (const field of message.fields()) {
    if (field === 1) node.inputs.push(message.text());
    else if (field === 2) node.outputs.push(message.text());
    else if (field === 3) node.name = message.text();
    else if (field === 4) node.operator = message.text();
    else if (field === 7) node.domain = message.text();
    else if (field === 5) node.attributes.push(readAttribute(message.message()));
  }
  return node;
}

/** The last of several of one name, as protobuf has it with fields. */
export function attributeOf(node: Node, name: string): Attribute | undefined {
  return node.attributes.findLast((attribute) => attribute.name === name);
}

function readAttribute(message: Message): Attribute {
  const attribute: Attribute = { name: "", type: 0, floats: [], integers: [], innerReads: [] };
  for (const field of message.fields()) {
    if (field === 1) attribute.name = message.text();
    else if (field === 2) attribute.float = message.float();
    else if (field === 3) attribute.integer = message.integer();
    else if (field === 5) attribute.tensor = readTensor(message.message());
    else if (field === 6 || field === 11) attribute.innerReads.push(...innerReads(message.message()));
    else if (field === 7) attribute.floats.push(...readFloats(message));
    else if (field === 8) attribute.integers.push(...readIntegers(message));
    else if (field === 20) attribute.type = message.integer();
  }
  return attribute;
}

function readTensor(message: Message): Tensor {
  const tensor: Tensor = { name: "", dimensions: [], type: 0, external: false };
  for (const field of message.fields()) {
    if (field === 1) tensor.dimensions.push(...readDimensions(message));
    else if (field === 2) tensor.type = message.integer();
    else if (field === 4) tensor.floats = message.bytes();
    else if (field === 5) tensor.int32s = message.message();
    else if (field === 7) tensor.int64s = message.message();
    else if (field === 8) tensor.name = message.text();
    else if (field === 9) tensor.raw = message.bytes();
    else if (field === 10) tensor.doubles = message.bytes();
    else if (field === 13) tensor.external = true;
    else if (field === 14) tensor.external ||= message.integer() !== 0;
  }
  return tensor;
}

/** Inputs of all nodes of a graph, and of the graphs within it. */
function innerReads(graph: Message, depth = 1): string[] {
  const names: string[] = [];
  if (depth > MAX_GRAPH_DEPTH) return names;
  for (const field of graph.fields()) {
    if (field !== 1) continue;
    const node = graph.message();
    for (const inner of node.fields()) {
      if (inner === 1) names.push(node.text());
      else if (inner === 5) names.push(...attributeReads(node.message(), depth));
    }
  }
  return names;
}

function attributeReads(attribute: Message, depth: number): string[] {
  const names: string[] = [];
  for (const field of attribute.fields()) {
    if (field === 6 || field === 11) names.push(...innerReads(attribute.message(), depth + 1));
  }
  return names;
}

/** One number a field, or all in one: both are written. */
function readFloats(message: Message): Iterable<number> {
  return message.packed
    ? message.packedFloats(MAX_ATTRIBUTE_NUMBERS, "numbers of an attribute")
    : [message.float()];
}

function readIntegers(message: Message): number[] {
  return message.packed
    ? message.message().packedIntegers(MAX_ATTRIBUTE_NUMBERS, "numbers of an attribute")
    : [message.integer()];
}

/** One dimension a field, or all in one: both are written. */
function readDimensions(message: Message): number[] {
  return message.packed
    ? message.message().packedIntegers(MAX_DIMENSIONS, "dimensions of a tensor")
    : [message.integer()];
}

/** ValueInfoProto: a name and a type, of which only tensors are looked into. */
function readValue(message: Message): Value {
  const value: Value = { name: "" };
  for (const field of message.fields()) {
    if (field === 1) value.name = message.text();
    else if (field === 2) readType(message.message(), value);
  }
  return value;
}

function readType(message: Message, value: Value): void {
  for (const field of message.fields()) {
    if (field !== 1) continue;
    const tensor = message.message();
    value.type = 0;
    for (const inner of tensor.fields()) {
      if (inner === 1) value.type = tensor.integer();
      else if (inner === 2) value.shape = readShape(tensor.message());
    }
  }
}

/** TensorShapeProto: a number in its field 1, or anything else for a dimension of any size. */
function readShape(message: Message): (number | undefined)[] {
  const shape: (number | undefined)[] = [];
  for (const field of message.fields()) {
    if (field !== 1) continue;
    const dimension = message.message();
    let size: number | undefined;
    for (const inner of dimension.fields()) if (inner === 1) size = dimension.integer();
    shape.push(size);
  }
  return shape;
}
