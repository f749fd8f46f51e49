/** End of a graph: the kind of its outputs, and the tensor of the logits from which they are made. */

import type { OutputKind } from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import { OWN_DOMAINS } from "./chain.js";
import { type Constant, type Numbers, product } from "./constant.js";
import { evaluateConstant } from "./constants.js";
import type { Model, Node } from "./model.js";

export interface Ending {
  /** Kind of the output; `ranks` of classes are not scores; undefined if the graph does not show it. */
  readonly kind: OutputKind | "ranks" | undefined;
  /** Tensor that the last softmax or sigmoid reads, in any shape; undefined if the output itself is the logits. */
  readonly logits?: string | undefined;
}

const UNKNOWN: Ending = { kind: undefined };

/** Operators that change an output's shape or type. As (N, classes, 1 …), it keeps the order of its numbers. */
const RESHAPERS: ReadonlySet<string> = new Set([
  ...["Flatten", "Reshape", "Squeeze", "Unsqueeze", "Identity", "Cast", "Transpose", "Dropout"],
]);
/** Operators that sum products with weights: their outputs are logits. */
const PRODUCTS: ReadonlySet<string> = new Set([
  ...["Gemm", "MatMul", "Conv", "ConvTranspose", "Einsum", "BatchNormalization", "LayerNormalization"],
  ...["QLinearMatMul", "QLinearConv", "ConvInteger", "MatMulInteger"],
]);
/** Operators whose outputs are logits if all inputs are logits or constants. */
const MIXERS: ReadonlySet<string> = new Set([
  ...["Add", "Sub", "Mul", "Div", "Sum", "Mean", "Max", "Min", "Concat", "Neg", "Clip", "Slice", "Gather"],
  ...["GlobalAveragePool", "GlobalMaxPool", "AveragePool", "MaxPool"],
  ...["ReduceMean", "ReduceMax", "ReduceSum"],
  ...["Relu", "LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "Gelu", "Softplus"],
  ...["QuantizeLinear", "DequantizeLinear"],
]);
/** Operators that give classes, or scores in another order than that of the classes. */
const RANKS: ReadonlySet<string> = new Set(["ArgMax", "ArgMin", "TopK", "OneHot"]);

/** Operators that make probabilities of logits. */
const ENDS: ReadonlySet<string> = new Set(["Softmax", "LogSoftmax", "Sigmoid"]);

const DRAWS: ReadonlySet<string> = new Set([
  ...["RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial"],
]);
const DROPOUT: ReadonlySet<string> = new Set(["Dropout"]);

/** Returns the ending of one of a graph's outputs. Operators: onnx/docs/Operators.md in github.com/onnx/onnx. */
export function endingOf(view: GraphView, output: string): Ending {
  const node = giver(view, output);
  if (node === undefined) return UNKNOWN;
  const [first] = node.inputs;
  if (isOneOf(node, RANKS)) return { kind: "ranks" };
  const before = isOneOf(node, ENDS) ? giver(view, first ?? "") : undefined;
  if (before !== undefined && isOneOf(before, RANKS)) return { kind: "ranks" };
  if (isOneOf(node, new Set(["Softmax"]))) return { kind: "softmax", logits: first };
  if (isOneOf(node, new Set(["LogSoftmax"]))) return { kind: "log-softmax", logits: first };
  if (isOneOf(node, new Set(["Sigmoid"]))) return { kind: "sigmoid", logits: first };
  const decomposed = softmaxOf(view, node) ?? logSoftmaxOf(view, node);
  if (decomposed !== undefined) return decomposed;
  return areLogits(view, output, new Set()) ? { kind: "logits" } : UNKNOWN;
}

/** True if a tensor depends on a node that draws random numbers. A few test runs could miss rare changes. */
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

/** True for a dropout with `training_mode`, its third input since opset 12, and a ratio other than 0. */
function isTrainingDropout(view: GraphView, node: Node): boolean {
  const [, ratio, mode] = node.inputs.map((input) => view.constant(input)?.[0]);
  return isOneOf(node, DROPOUT) && mode !== undefined && mode !== 0 && ratio !== 0;
}

/** Returns the node that computes a tensor, before nodes that only reshape. */
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

/** Softmax as e^z ÷ Σ e^z, as tf2onnx, keras2onnx and PaddlePaddle write it. */
function softmaxOf(view: GraphView, { operator, inputs }: Node): Ending | undefined {
  if (operator !== "Div") return undefined;
  const [exponentials, sums] = inputs;
  const exp = view.giverOf(exponentials ?? "");
  const sum = view.giverOf(sums ?? "");
  const isSoftmax =
    exp?.operator === "Exp" && sum?.operator === "ReduceSum" && sum.inputs[0] === exponentials;
  return isSoftmax ? { kind: "softmax", logits: exp.inputs[0] } : undefined;
}

/** Log softmax, or z − log Σ e^z. */
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
  if (node === undefined || seen.has(name)) return view.array(name) !== undefined || seen.has(name);
  seen.add(name);
  if (isOneOf(node, PRODUCTS)) return true;
  if (isOneOf(node, RESHAPERS)) return areLogits(view, node.inputs[0] ?? "", seen);
  if (!isOneOf(node, MIXERS)) return view.array(name) !== undefined;
  return node.inputs.every((input) => input === "" || areLogits(view, input, seen));
}

/** View of a graph by the names of tensors: the node that gives a tensor, the nodes that read it, and constants. */
export class GraphView {
  /** Names of the inputs that are not constants: before IR version 4, constants were among the inputs too. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly #path: string;
  readonly #model: Model;
  readonly #givers = new Map<string, Node>();
  readonly #readers = new Map<string, Node[]>();
  readonly #constants = new Map<string, Constant | undefined>();
  readonly #numbers = new Map<string, Numbers | undefined>();

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

  /** Returns the node whose output a tensor is. Nodes may be in any order. */
  giverOf(name: string): Node | undefined {
    return this.#givers.get(name);
  }

  readersOf(name: string): readonly Node[] {
    return this.#readers.get(name) ?? [];
  }

  /**
   * Returns the numbers of a tensor that does not depend on an input; undefined for others, for unknown operators, and for
   * weights, which are too many to be numbers per pixel.
   */
  constant(name: string): Numbers | undefined {
    if (!this.#numbers.has(name)) {
      const array = this.array(name);
      const isShort = array !== undefined && product(array.shape) <= MOST_NUMBERS;
      this.#numbers.set(name, isShort ? readable(array) : undefined);
    }
    return this.#numbers.get(name);
  }

  /** As `constant`, with the shape. */
  array(name: string): Constant | undefined {
    if (name === "") return undefined;
    if (this.#constants.has(name)) return this.#constants.get(name);
    // A tensor in a cycle is not constant.
    this.#constants.set(name, undefined);
    const tensor = this.#model.graph.initializers.find((one) => one.name === name);
    const source = tensor ?? this.#givers.get(name);
    const array = source && evaluateConstant(this.#path, source, (input) => this.array(input));
    this.#constants.set(name, array);
    return array;
  }
}

/** True if a node's operator is one of these, in ONNX's own domain. */
export function isOneOf({ domain, operator }: Node, operators: ReadonlySet<string>): boolean {
  return OWN_DOMAINS.has(domain) && operators.has(operator);
}

/** Most numbers of a constant that is looked at before the weights: several per pixel of a large image. */
const MOST_NUMBERS = 2 ** 20;

/** A tensor that cannot be read here may be valid for the runtime, so the result is undefined. */
function readable(array: Constant): Numbers | undefined {
  try {
    return array.data;
  } catch (error) {
    if (error instanceof NetworkError) return undefined;
    throw error;
  }
}
