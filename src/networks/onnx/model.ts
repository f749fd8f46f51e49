/** The messages of an ONNX model, as much of them as a chain of layers needs (onnx/onnx.proto in github.com/onnx/onnx). */
import { NetworkError } from "../../errors.js";
import { MAX_DIMENSIONS } from "../arrays.js";
import { Message } from "./message.js";

export interface Model {
  readonly opsets: readonly Opset[];
  readonly metadata: ReadonlyMap<string, string>;
  readonly graph: Graph;
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

/** @throws NetworkError ERR_ONNX_MALFORMED, ERR_ONNX_LIMIT, ERR_ONNX_GRAPH. */
export function readModel(path: string, bytes: Uint8Array): Model {
  const opsets: Opset[] = [];
  const metadata = new Map<string, string>();
  const graphs: Graph[] = [];
  const message = Message.ofFile(path, bytes);
  for (const field of message.fields()) {
    if (field === 7) graphs.push(readGraph(message.message()));
    else if (field === 8) opsets.push(readOpset(message.message()));
    else if (field === 14) metadata.set(...readProperty(message.message()));
  }
  const [graph] = graphs;
  if (graph === undefined || graphs.length > 1) {
    throw new NetworkError("ERR_ONNX_GRAPH", { path, expected: "one graph", found: `${graphs.length}` });
  }
  return { opsets, metadata, graph };
}

function readOpset(message: Message): Opset {
  const opset: Opset = { domain: "", version: 0 };
  for (const field of message.fields()) {
    if (field === 1) opset.domain = message.text();
    else if (field === 2) opset.version = message.integer();
  }
  return opset;
}

export function readProperty(message: Message): [key: string, value: string] {
  const property: [string, string] = ["", ""];
  for (const field of message.fields()) {
    if (field === 1 || field === 2) property[field - 1] = message.text();
  }
  return property;
}

function readGraph(message: Message): Graph {
  const graph: Graph = { nodes: [], initializers: [], inputs: [], outputs: [] };
  for (const field of message.fields()) {
    if (field === 1) graph.nodes.push(readNode(message.message()));
    else if (field === 5) graph.initializers.push(readTensor(message.message()));
    else if (field === 11) graph.inputs.push(readValue(message.message()));
    else if (field === 12) graph.outputs.push(readValue(message.message()));
  }
  return graph;
}

export function readNode(message: Message): Node {
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
  const attribute: Attribute = { name: "", type: 0 };
  for (const field of message.fields()) {
    if (field === 1) attribute.name = message.text();
    else if (field === 2) attribute.float = message.float();
    else if (field === 3) attribute.integer = message.integer();
    else if (field === 5) attribute.tensor = readTensor(message.message());
    else if (field === 20) attribute.type = message.integer();
  }
  return attribute;
}

export function readTensor(message: Message): Tensor {
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

/** One dimension a field, or all in one: both are written. */
function readDimensions(message: Message): number[] {
  return message.packed
    ? message.message().packedIntegers(MAX_DIMENSIONS, "dimensions of a tensor")
    : [message.integer()];
}

/** ValueInfoProto: a name and a type, of which only tensors are looked into. */
export function readValue(message: Message): Value {
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
