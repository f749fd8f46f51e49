/** What an ONNX file says of itself that onnxruntime does not tell: its properties, and what it does to its input. */
import { NetworkError } from "../../errors.js";
import { printable } from "../../printable.js";
import type { Metadata } from "../metadata.js";
import { Message } from "./message.js";
import {
  attributeOf,
  type Node,
  readNode,
  readProperty,
  readTensor,
  readValue,
  type Tensor,
} from "./model.js";
import { isOne255th } from "./operators.js";
import { floatsOf, TENSOR_TYPES } from "./tensor.js";

/** Nodes stand in the order of their work, so that a division of the input is among the first. */
const FIRST_NODES = 16;
const FLOAT_TYPES: readonly number[] = [TENSOR_TYPES.float32, TENSOR_TYPES.float64, TENSOR_TYPES.float16];

export interface OnnxFacts {
  readonly metadata: Metadata;
  /** Whether the graph itself divides its input by 255, and so reads bytes. */
  readonly scaled: boolean;
}

/**
 * Looks at the outside of a model of any operators; its weights are skipped over. `path` is for messages.
 *
 * @throws NetworkError ERR_ONNX_MALFORMED, ERR_ONNX_LIMIT; ERR_ONNX_EXTERNAL, before any runtime would open the other file.
 */
export function readOnnxFacts(path: string, bytes: Uint8Array): OnnxFacts {
  const metadata = new Map<string, string>();
  let scaled = false;
  const message = Message.ofFile(path, bytes);
  for (const field of message.fields()) {
    if (field === 7) scaled = dividesInput(path, message.message());
    else if (field === 14) metadata.set(...readProperty(message.message()));
  }
  return { metadata, scaled };
}

function dividesInput(path: string, graph: Message): boolean {
  const nodes: Node[] = [];
  const inputs: string[] = [];
  const constants = new Map<string, Tensor>();
  for (const field of graph.fields()) {
    if (field === 1 && nodes.length < FIRST_NODES) nodes.push(readNode(graph.message()));
    else if (field === 11) inputs.push(readValue(graph.message()).name);
    else if (field === 5) {
      const tensor = readTensor(graph.message());
      if (tensor.external) {
        throw new NetworkError("ERR_ONNX_EXTERNAL", { path, tensor: printable(tensor.name) });
      }
      constants.set(tensor.name, tensor);
    }
  }
  for (const node of nodes) {
    const tensor = node.operator === "Constant" ? attributeOf(node, "value")?.tensor : undefined;
    if (tensor !== undefined) constants.set(node.outputs[0] ?? "", tensor);
  }
  const input = inputs.find((name) => !constants.has(name)) ?? "";
  const reader = nodes.find((node) => node.inputs.includes(input));
  if (reader === undefined) return false;
  const factor = scalarOf(path, constants.get(reader.inputs.find((name) => name !== input) ?? ""));
  if (reader.operator === "Div") return reader.inputs[0] === input && factor === 255;
  return reader.operator === "Mul" && factor !== undefined && isOne255th(factor);
}

/** The number of a tensor of one, if that is what it is. */
function scalarOf(path: string, tensor: Tensor | undefined): number | undefined {
  if (tensor === undefined || !FLOAT_TYPES.includes(tensor.type)) return undefined;
  if (!tensor.dimensions.every((size) => size === 1)) return undefined;
  return floatsOf(path, tensor).data[0];
}
