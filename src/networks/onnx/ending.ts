/** How a graph ends: what its outputs are, and which tensor holds the logits that they are made of. */

import type { OutputKind } from "#src/base/contracts/network.js";
import { OWN_DOMAINS } from "./chain.js";
import type { Model, Node } from "./model.js";
import { evaluateConstant, type Numbers } from "./tensor.js";

export interface Ending {
  /** What the output is; `ranks` of classes are no scores; undefined where the graph does not tell. */
  readonly kind: OutputKind | "ranks" | undefined;
  /** The tensor that the last softmax or sigmoid reads, in any shape; undefined where the output itself is the logits. */
  readonly logits?: string | undefined;
}

const UNKNOWN: Ending = { kind: undefined };

/** Change an output's shape or type, and the order of its numbers only where the shape is no longer (N, classes, 1 …). */
const RESHAPERS: ReadonlySet<string> = new Set([
  ...["Flatten", "Reshape", "Squeeze", "Unsqueeze", "Identity", "Cast", "Transpose", "Dropout"],
]);
/** Sums of products with weights: whatever is behind these alone is logits. */
const PRODUCTS: ReadonlySet<string> = new Set([
  ...["Gemm", "MatMul", "Conv", "ConvTranspose", "Einsum", "BatchNormalization", "LayerNormalization"],
  ...["QLinearMatMul", "QLinearConv", "ConvInteger", "MatMulInteger"],
]);
/** Give logits where all that they read are logits or constants. */
const MIXERS: ReadonlySet<string> = new Set([
  ...["Add", "Sub", "Mul", "Div", "Sum", "Mean", "Max", "Min", "Concat", "Neg", "Clip", "Slice", "Gather"],
  ...["GlobalAveragePool", "GlobalMaxPool", "AveragePool", "MaxPool"],
  ...["ReduceMean", "ReduceMax", "ReduceSum"],
  ...["Relu", "LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "Gelu", "Softplus"],
  ...["QuantizeLinear", "DequantizeLinear"],
]);
/** Give classes, or scores in an order that is no longer that of the classes. */
const RANKS: ReadonlySet<string> = new Set(["ArgMax", "ArgMin", "TopK", "OneHot"]);

const DRAWS: ReadonlySet<string> = new Set([
  ...["RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial"],
]);
const DROPOUT: ReadonlySet<string> = new Set(["Dropout"]);

/** The ending of one of a graph's outputs. Operators: onnx/docs/Operators.md in github.com/onnx/onnx. */
export function endingOf(view: GraphView, output: string): Ending {
  const node = giver(view, output);
  if (node === undefined) return UNKNOWN;
  const [first] = node.inputs;
  if (isOneOf(node, RANKS)) return { kind: "ranks" };
  if (isOneOf(node, new Set(["Softmax"]))) return { kind: "softmax", logits: first };
  if (isOneOf(node, new Set(["LogSoftmax"]))) return { kind: "log-softmax", logits: first };
  if (isOneOf(node, new Set(["Sigmoid"]))) return { kind: "sigmoid", logits: first };
  const decomposed = softmaxOf(view, node) ?? logSoftmaxOf(view, node);
  if (decomposed !== undefined) return decomposed;
  return areLogits(view, output, new Set()) ? { kind: "logits" } : UNKNOWN;
}

/** Whether a tensor depends on a node that draws random numbers: a few runs can miss one that seldom changes much. */
export function drawsNumbers(view: GraphView, tensor: string): boolean {
  const seen = new Set([tensor]);
  for (const name of seen) {
    const node = view.giverOf(name);
    if (node === undefined) continue;
    if (isOneOf(node, DRAWS) || isTrainingDropout(view, node)) return true;
    const inner = node.attributes.flatMap(({ innerReads }) => innerReads);
    for (const input of [...node.inputs, ...inner]) seen.add(input);
  }
  return false;
}

/** A dropout with `training_mode`, its third input since opset 12, and a ratio other than 0. */
function isTrainingDropout(view: GraphView, node: Node): boolean {
  const [, ratio, mode] = node.inputs.map((input) => view.constant(input)?.[0]);
  return isOneOf(node, DROPOUT) && mode !== undefined && mode !== 0 && ratio !== 0;
}

/** The node behind those that only reshape. */
function giver(view: GraphView, output: string): Node | undefined {
  const seen = new Set<string>();
  let name = output;
  for (;;) {
    const node = view.giverOf(name);
    if (node === undefined || !isOneOf(node, RESHAPERS) || seen.has(name)) return node;
    seen.add(name);
    name = node.inputs[0] ?? "";
  }
}

/** e^z ÷ Σ e^z, as tf2onnx, keras2onnx and PaddlePaddle write it. */
function softmaxOf(view: GraphView, { operator, inputs }: Node): Ending | undefined {
  if (operator !== "Div") return undefined;
  const [exponentials, sums] = inputs;
  const exp = view.giverOf(exponentials ?? "");
  const sum = view.giverOf(sums ?? "");
  const isSoftmax =
    exp?.operator === "Exp" && sum?.operator === "ReduceSum" && sum.inputs[0] === exponentials;
  return isSoftmax ? { kind: "softmax", logits: exp.inputs[0] } : undefined;
}

/** log softmax, or z − log Σ e^z. */
function logSoftmaxOf(view: GraphView, { operator, inputs }: Node): Ending | undefined {
  const [z, subtracted] = inputs;
  if (operator === "Log") {
    const inner = endingOf(view, z ?? "");
    return inner.kind === "softmax" ? { kind: "log-softmax", logits: inner.logits } : undefined;
  }
  if (operator !== "Sub") return undefined;
  const log = giver(view, subtracted ?? "");
  const sum = log?.operator === "Log" ? giver(view, log.inputs[0] ?? "") : log;
  const exp = sum?.operator === "ReduceSum" ? giver(view, sum.inputs[0] ?? "") : undefined;
  const summed =
    sum?.operator === "ReduceLogSumExp" ? sum.inputs[0] : exp?.operator === "Exp" ? exp.inputs[0] : "";
  return summed === z ? { kind: "log-softmax", logits: z } : undefined;
}

function areLogits(view: GraphView, name: string, seen: Set<string>): boolean {
  const node = view.giverOf(name);
  if (node === undefined || seen.has(name)) return view.constant(name) !== undefined || seen.has(name);
  seen.add(name);
  if (isOneOf(node, PRODUCTS)) return true;
  if (isOneOf(node, RESHAPERS)) return areLogits(view, node.inputs[0] ?? "", seen);
  if (!isOneOf(node, MIXERS)) return view.constant(name) !== undefined;
  return node.inputs.every((input) => input === "" || areLogits(view, input, seen));
}

// A graph as its tensors' names tie it together: who gives a tensor, who reads it, and which tensors are constants.

export class GraphView {
  /** Names of the inputs that are no constants: before IR version 4, constants were among the inputs too. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly #path: string;
  readonly #model: Model;
  readonly #givers = new Map<string, Node>();
  readonly #readers = new Map<string, Node[]>();
  readonly #constants = new Map<string, Numbers | undefined>();

  constructor(path: string, model: Model) {
    this.#path = path;
    this.#model = model;
    const { nodes, initializers, inputs, outputs } = model.graph;
    for (const node of nodes) {
      for (const name of node.outputs) if (name !== "") this.#givers.set(name, node);
      // An inner graph may read any tensor of this one.
      const inner = node.attributes.flatMap(({ innerReads }) => innerReads);
      for (const name of new Set([...node.inputs, ...inner])) {
        const readers = this.#readers.get(name);
        if (readers === undefined) this.#readers.set(name, [node]);
        else readers.push(node);
      }
    }
    const given = new Set(initializers.map(({ name }) => name));
    this.inputs = inputs.map(({ name }) => name).filter((name) => !given.has(name));
    this.outputs = outputs.map(({ name }) => name);
  }

  /** The node whose output a tensor is; nodes may stand in any order. */
  giverOf(name: string): Node | undefined {
    return this.#givers.get(name);
  }

  readersOf(name: string): readonly Node[] {
    return this.#readers.get(name) ?? [];
  }

  /** The numbers of a tensor that no input changes; undefined for any other, and for one that is not understood. */
  constant(name: string): Numbers | undefined {
    if (name === "") return undefined;
    if (this.#constants.has(name)) return this.#constants.get(name);
    // A graph that goes in a circle has no constant there.
    this.#constants.set(name, undefined);
    const tensor = this.#model.graph.initializers.find((one) => one.name === name);
    const source = tensor ?? this.#givers.get(name);
    const numbers = source && evaluateConstant(this.#path, source, (input) => this.constant(input));
    this.#constants.set(name, numbers);
    return numbers;
  }
}

/** Whether a node's operator is one of these of ONNX itself. */
export function isOneOf({ domain, operator }: Node, operators: ReadonlySet<string>): boolean {
  return OWN_DOMAINS.has(domain) && operators.has(operator);
}
