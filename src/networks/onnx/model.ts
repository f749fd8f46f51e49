/** Reads the messages of an ONNX model that a chain of layers needs (onnx/onnx.proto in github.com/onnx/onnx). */
import { MAX_DIMENSIONS } from "#src/files/formats/arrays.js";
import { Message } from "./message.js";
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

/** Most numbers of one attribute: axes, pads, or the values of a small Constant. */
const MAX_ATTRIBUTE_NUMBERS = 65_536;
/** Most fields of all messages of a model that is run whole: enough for a graph of 20,000 nodes. */
export const MAX_WHOLE_FIELDS = 500_000;
/** Most bytes that are read of a string. */
const MAX_LABEL_BYTES = 64;
/** Most levels of graphs within graphs that are read. */
const MAX_GRAPH_DEPTH = 16;

export interface Model {
  readonly opsets: readonly Opset[];
  readonly metadata: ReadonlyMap<string, string>;
  /** All graphs of the file as one: protobuf merges a message that occurs more than once. */
  readonly graph: Graph;
  /** Number of parts of the graph: 1 in every file that an exporter wrote. */
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
  /** AttributeProto.AttributeType; 0 if it is not stated. */
  type: number;
  float?: number;
  integer?: number;
  /** The first bytes of a string, one character each. */
  text?: string;
  tensor?: Tensor;
  readonly floats: number[];
  readonly integers: number[];
  /** Names that the nodes of an inner graph (of If or Loop) read; some may be tensors of the outer graph. */
  readonly innerReads: string[];
}

export interface Tensor {
  name: string;
  readonly dimensions: number[];
  /** TensorProto.DataType. */
  type: number;
  external: boolean;
  /** Place of external data: `location`, `offset`, `length` and more. */
  place?: Map<string, string>;
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
  /** TensorProto.DataType of a tensor; undefined for other values. */
  type?: number;
  /** Sizes; undefined for a dimension of any size. The whole shape is undefined for any rank. */
  shape?: readonly (number | undefined)[];
}

/** Reads a model. `limit` bounds the number of fields. @throws NetworkError ERR_ONNX_MALFORMED, ERR_ONNX_LIMIT */
export function readModel(path: string, bytes: Uint8Array, limit?: number): Model {
  const opsets: Opset[] = [];
  const metadata = new Map<string, string>();
  const graph: Graph = { nodes: [], initializers: [], inputs: [], outputs: [] };
  let graphParts = 0;
  const message = Message.ofFile(path, bytes, limit);
  for (const field of message.fields()) {
    if (field === MODEL.graph) {
      graphParts += 1;
      readGraph(message.message(), graph);
    } else if (field === MODEL.opsetImport) opsets.push(readOpset(message.message()));
    else if (field === MODEL.metadataProps) metadata.set(...readProperty(message.message()));
  }
  return { opsets, metadata, graph, graphParts };
}

function readOpset(message: Message): Opset {
  const opset: Opset = { domain: "", version: 0 };
  for (const field of message.fields()) {
    if (field === OPERATOR_SET.domain) opset.domain = message.text();
    else if (field === OPERATOR_SET.version) opset.version = message.integer();
  }
  return opset;
}

function readProperty(message: Message): [key: string, value: string] {
  const property: [string, string] = ["", ""];
  for (const field of message.fields()) {
    if (field === PROPERTY.key) property[0] = message.text();
    else if (field === PROPERTY.value) property[1] = message.text();
  }
  return property;
}

function readGraph(message: Message, graph: Graph): void {
  for (const field of message.fields()) {
    if (field === GRAPH.node) graph.nodes.push(readNode(message.message()));
    else if (field === GRAPH.initializer) graph.initializers.push(readTensor(message.message()));
    else if (field === GRAPH.input) graph.inputs.push(readValue(message.message()));
    else if (field === GRAPH.output) graph.outputs.push(readValue(message.message()));
  }
}

function readNode(message: Message): Node {
  const node: Node = { name: "", operator: "", domain: "", inputs: [], outputs: [], attributes: [] };
  for (const field of message.fields()) {
    if (field === NODE.input) node.inputs.push(message.text());
    else if (field === NODE.output) node.outputs.push(message.text());
    else if (field === NODE.name) node.name = message.text();
    else if (field === NODE.opType) node.operator = message.text();
    else if (field === NODE.domain) node.domain = message.text();
    else if (field === NODE.attribute) node.attributes.push(readAttribute(message.message()));
  }
  return node;
}

/** Returns the attribute of a name; the last of several, as for protobuf's fields. */
export function attributeOf(node: Node, name: string): Attribute | undefined {
  return node.attributes.findLast((attribute) => attribute.name === name);
}

function readAttribute(message: Message): Attribute {
  const attribute: Attribute = {
    name: "",
    type: ATTRIBUTE_TYPE.undefined,
    floats: [],
    integers: [],
    innerReads: [],
  };
  for (const field of message.fields()) {
    if (field === ATTRIBUTE.name) attribute.name = message.text();
    else if (field === ATTRIBUTE.float) attribute.float = message.float();
    else if (field === ATTRIBUTE.integer) attribute.integer = message.integer();
    else if (field === ATTRIBUTE.string) attribute.text = readLabel(message.bytes());
    else if (field === ATTRIBUTE.tensor) attribute.tensor = readTensor(message.message());
    else if (field === ATTRIBUTE.graph || field === ATTRIBUTE.graphs)
      attribute.innerReads.push(...innerReads(message.message()));
    else if (field === ATTRIBUTE.floats) attribute.floats.push(...readFloats(message));
    else if (field === ATTRIBUTE.integers) attribute.integers.push(...readIntegers(message));
    else if (field === ATTRIBUTE.type) attribute.type = message.integer();
  }
  return attribute;
}

/** Strings are names of a few letters; those of other operators may be whole files. */
function readLabel(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, MAX_LABEL_BYTES)).toString("latin1");
}

export function readTensor(message: Message): Tensor {
  const tensor: Tensor = { name: "", dimensions: [], type: DATA_TYPE.undefined, external: false };
  for (const field of message.fields()) {
    if (field === TENSOR.dims) tensor.dimensions.push(...readDimensions(message));
    else if (field === TENSOR.dataType) tensor.type = message.integer();
    else if (field === TENSOR.floatData) tensor.floats = message.bytes();
    else if (field === TENSOR.int32Data) tensor.int32s = message.message();
    else if (field === TENSOR.int64Data) tensor.int64s = message.message();
    else if (field === TENSOR.name) tensor.name = message.text();
    else if (field === TENSOR.rawData) tensor.raw = message.bytes();
    else if (field === TENSOR.doubleData) tensor.doubles = message.bytes();
    else if (field === TENSOR.externalData) {
      tensor.external = true;
      tensor.place ??= new Map();
      tensor.place.set(...readProperty(message.message()));
    } else if (field === TENSOR.dataLocation) tensor.external ||= message.integer() !== 0;
  }
  return tensor;
}

/** Returns the inputs of all nodes of a graph and of the graphs within it. */
function innerReads(graph: Message, depth = 1): string[] {
  const names: string[] = [];
  if (depth > MAX_GRAPH_DEPTH) return names;
  for (const field of graph.fields()) {
    if (field !== GRAPH.node) continue;
    const node = graph.message();
    for (const inner of node.fields()) {
      if (inner === NODE.input) names.push(node.text());
      else if (inner === NODE.attribute) names.push(...attributeReads(node.message(), depth));
    }
  }
  return names;
}

function attributeReads(attribute: Message, depth: number): string[] {
  const names: string[] = [];
  for (const field of attribute.fields()) {
    if (field === ATTRIBUTE.graph || field === ATTRIBUTE.graphs)
      names.push(...innerReads(attribute.message(), depth + 1));
  }
  return names;
}

/** Reads numbers: one per field, or all in one packed field. Writers do both. */
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

/** Reads dimensions: one per field, or all in one packed field. Writers do both. */
function readDimensions(message: Message): number[] {
  return message.packed
    ? message.message().packedIntegers(MAX_DIMENSIONS, "dimensions of a tensor")
    : [message.integer()];
}

/** Reads a ValueInfoProto: a name and a type. Only types of tensors are read. */
function readValue(message: Message): Value {
  const value: Value = { name: "" };
  for (const field of message.fields()) {
    if (field === VALUE_INFO.name) value.name = message.text();
    else if (field === VALUE_INFO.type) readType(message.message(), value);
  }
  return value;
}

function readType(message: Message, value: Value): void {
  for (const field of message.fields()) {
    if (field !== TYPE.tensorType) continue;
    const tensor = message.message();
    value.type = DATA_TYPE.undefined;
    for (const inner of tensor.fields()) {
      if (inner === TENSOR_TYPE.elementType) value.type = tensor.integer();
      else if (inner === TENSOR_TYPE.shape) value.shape = readShape(tensor.message());
    }
  }
}

/** Dimensions of a TensorShapeProto; undefined for one without a number, which may be of any size. */
function readShape(message: Message): (number | undefined)[] {
  const shape: (number | undefined)[] = [];
  for (const field of message.fields()) {
    if (field !== SHAPE.dim) continue;
    const dimension = message.message();
    let size: number | undefined;
    for (const inner of dimension.fields()) if (inner === DIMENSION.value) size = dimension.integer();
    shape.push(size);
  }
  return shape;
}
