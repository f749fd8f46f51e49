/** Orders the nodes of an ONNX graph, so that each comes after those that it reads, and recognizes activations of several nodes. */
import type { Activation } from "#src/base/contracts/network.js";
import { OTHER_ENGINE } from "#src/base/errors/network-codes.js";
import { NetworkError } from "#src/base/errors.js";
import { listed, printable } from "#src/base/text.js";
import type { Constant } from "./constant.js";
import { attributeOf, type Graph, type Model, type Node, type Tensor, type Value } from "./model.js";

/** First version in which Gemm and Add broadcast as today (onnx/docs/Changelog.md). */
const OLDEST_OPSET = 7;
/** Names of the domain of ONNX's own operators. */
export const OWN_DOMAINS: ReadonlySet<string> = new Set(["", "ai.onnx"]);

export interface Step {
  readonly node: Node;
  /** Name for messages: the node's, or its output's if it has none. */
  readonly name: string;
  /** Name of the node's output. Other outputs are not used. */
  readonly output: string;
}

export interface OrderedGraph {
  /** Version of ONNX's own operators. */
  readonly opset: number;
  readonly input: Value;
  readonly output: Value;
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** Each after the steps that it reads; otherwise in the order of the file. */
  readonly steps: readonly Step[];
}

/**
 * Returns a graph of one input and one output in order. ONNX demands that order, but some exporters write nodes from the end
 * to the start.
 *
 * @throws NetworkError ERR_ONNX_OPSET, ERR_ONNX_GRAPH, ERR_ONNX_NODE.
 */
export function orderedGraph(path: string, { opsets, graph }: Model): OrderedGraph {
  const opset = checkedOpset(path, opsets);
  const initializers = initializersOf(path, graph);
  // Before IR version 4, constants were among the inputs too.
  const input = only(
    path,
    "input",
    graph.inputs.filter(({ name }) => !initializers.has(name)),
  );
  const output = only(path, "output", graph.outputs);
  const read = new Set([output.name, ...graph.nodes.flatMap(({ inputs }) => inputs)]);
  const given = new Set([...initializers.keys(), input.name]);
  const steps = graph.nodes.map((node) => stepOf(path, node, read, given));
  return {
    opset,
    input,
    output,
    initializers,
    steps: sorted(path, steps, [...initializers.keys(), input.name]),
  };
}

/** Checks a node by itself, and adds its output to the names of tensors that are given. */
function stepOf(path: string, node: Node, read: ReadonlySet<string>, given: Set<string>): Step {
  const name = printable(node.name || node.outputs[0] || node.operator);
  const [output, ...more] = node.outputs;
  if (!output || more.some((other) => other !== "" && read.has(other))) {
    throw nodeFault(path, name, "one output", listed(node.outputs) || "none");
  }
  if (given.has(output)) {
    throw nodeFault(path, name, "a new name for each output", `"${printable(output)}" twice`);
  }
  given.add(output);
  if (!OWN_DOMAINS.has(node.domain)) {
    const found = `node "${name}" of the domain "${printable(node.domain)}"`;
    throw new NetworkError("ERR_ONNX_OPSET", { path, expected: "only operators of ONNX itself", found });
  }
  return { node, name, output };
}

/** Kahn's order: of all steps whose inputs are known, the first one of the file. */
function sorted(path: string, steps: readonly Step[], known: readonly string[]): Step[] {
  const readers = new Map<string, number[]>();
  const waits = steps.map(({ node }, index) => {
    const inputs = new Set(node.inputs.filter((input) => input !== ""));
    for (const input of inputs) {
      const others = readers.get(input);
      if (others === undefined) readers.set(input, [index]);
      else others.push(index);
    }
    return inputs.size;
  });
  const ready = waits.flatMap((count, index) => (count === 0 ? [index] : []));
  const give = (name: string) => {
    for (const index of readers.get(name) ?? []) {
      waits[index]! -= 1;
      if (waits[index] === 0) insert(ready, index);
    }
  };
  for (const name of known) give(name);
  const order: Step[] = [];
  const given = new Set(known);
  for (let index = ready.shift(); index !== undefined; index = ready.shift()) {
    const step = steps[index]!;
    order.push(step);
    given.add(step.output);
    give(step.output);
  }
  const [stuck] = steps.filter((_, index) => waits[index]! > 0);
  if (stuck === undefined) return order;
  const unknown = stuck.node.inputs.find((input) => input !== "" && !given.has(input)) ?? "";
  const found = `"${printable(unknown)}", which no node before it gives; does the graph have a cycle?`;
  throw nodeFault(path, stuck.name, "inputs that nodes before it give", found);
}

/** Keeps the list in order. In a file that is in order, a new index goes to the end. */
function insert(list: number[], index: number): void {
  let at = list.length;
  while (at > 0 && list[at - 1]! > index) at -= 1;
  list.splice(at, 0, index);
}

function checkedOpset(path: string, opsets: Model["opsets"]): number {
  const expected = `opset ${OLDEST_OPSET} or newer of ONNX's own operators`;
  // Exporters import other domains too, even if no node uses them.
  const version = opsets.find(({ domain }) => OWN_DOMAINS.has(domain))?.version;
  if (version !== undefined && version >= OLDEST_OPSET) return version;
  const found = version === undefined ? "none" : `${version}`;
  throw new NetworkError("ERR_ONNX_OPSET", { path, expected, found });
}

function initializersOf(path: string, { initializers }: Graph): Map<string, Tensor> {
  const named = new Map<string, Tensor>();
  for (const tensor of initializers) {
    if (tensor.name === "" || named.has(tensor.name)) {
      const found = tensor.name === "" ? "one without" : `"${printable(tensor.name)}" twice`;
      throw new NetworkError("ERR_ONNX_GRAPH", {
        path,
        expected: "initializers with different names",
        found,
      });
    }
    named.set(tensor.name, tensor);
  }
  return named;
}

function only(path: string, what: string, values: readonly Value[]): Value {
  const [value] = values;
  if (value !== undefined && values.length === 1) return value;
  const found = values.length === 0 ? "none" : `${values.length}: ${listed(values.map(({ name }) => name))}`;
  throw new NetworkError("ERR_ONNX_GRAPH", { path, expected: `one ${what}`, found, next: OTHER_ENGINE });
}

export function nodeFault(path: string, node: string, expected: string, found: string): NetworkError {
  return new NetworkError("ERR_ONNX_NODE", { path, node, expected, found });
}

/** Most nodes of one activation; GELU has up to ten. */
const MAX_NODES = 16;
/** Float32 constants differ by 6 · 10⁻⁸; GELU's two forms by 5 · 10⁻⁴. */
const TOLERANCE = 1e-6;

/** Inputs from this size on may overflow in intermediate results. */
const OVERFLOW = 1e3;

const SAMPLES: Float64Array = Float64Array.from([
  ...Array.from({ length: 241 }, (_, n) => (n - 120) / 10),
  ...[-1e4, -1e3, -100, -30, 30, 100, 1e3, 1e4],
]);

type Compute = (x: number, y: number) => number;

const UNARY: ReadonlyMap<string, Compute> = new Map<string, Compute>([
  ["Sigmoid", sigmoid],
  ["Tanh", Math.tanh],
  ["Erf", erf],
  ["Exp", Math.exp],
  ["Log", Math.log],
  ["Abs", Math.abs],
  ["Neg", (x) => -x],
  ["Reciprocal", (x) => 1 / x],
  ["Softplus", softplus],
  ["Identity", (x) => x],
  ["Cast", (x) => x],
]);
const BINARY: ReadonlyMap<string, Compute> = new Map<string, Compute>([
  ["Add", (x, y) => x + y],
  ["Sub", (x, y) => x - y],
  ["Mul", (x, y) => x * y],
  ["Div", (x, y) => x / y],
  ["Pow", (x, y) => x ** y],
]);

const KNOWN: readonly (readonly [activation: Activation, compute: (x: number) => number])[] = [
  ["silu", (x) => x * sigmoid(x)],
  ["gelu", (x) => (x / 2) * (1 + erf(x / Math.SQRT2))],
  ["gelu-tanh", (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))],
  ["softsign", (x) => x / (1 + Math.abs(x))],
  ["softplus", softplus],
  ["sigmoid", sigmoid],
];

export interface FoundActivation {
  readonly activation: Activation;
  /** Number of steps that make it up. */
  readonly count: number;
  /** Name of its output. */
  readonly output: string;
}

/**
 * Returns the activation of the tensor `start` that these steps begin with, if they are one. `constant` gives tensors that do
 * not depend on images; `readers` counts the nodes that read a tensor.
 */
export function activationOf(
  steps: readonly Step[],
  start: string,
  constant: (name: string) => Constant | undefined,
  readers: ReadonlyMap<string, number>,
): FoundActivation | undefined {
  const values = new Map<string, Float64Array>([[start, SAMPLES]]);
  /** Reads of tensors within the function that are still to come. */
  const left = new Map<string, number>([[start, readers.get(start) ?? 0]]);
  for (const [n, { node, output }] of steps.slice(0, MAX_NODES).entries()) {
    const inputs = node.inputs.map((name) => values.get(name) ?? one(constant(name)));
    const computed = compute(node.operator, inputs);
    if (
      computed === undefined ||
      (node.operator === "Cast" && attributeOf(node, "to")?.integer === undefined)
    )
      return undefined;
    for (const name of new Set(node.inputs)) left.set(name, (left.get(name) ?? 1) - 1);
    values.set(output, computed);
    const isClosed = [...left.values()].every((count) => count <= 0);
    left.set(output, readers.get(output) ?? 0);
    const found = isClosed ? KNOWN.find(([, known]) => agrees(computed, known)) : undefined;
    if (found !== undefined) return { activation: found[0], count: n + 1, output };
  }
  return undefined;
}

/** One number for all elements. */
function one(constant: Constant | undefined): Float64Array | undefined {
  if (constant === undefined || constant.shape.some((size) => size !== 1)) return undefined;
  const [value] = constant.data;
  return value === undefined ? undefined : SAMPLES.map(() => value);
}

function compute(operator: string, [x, y]: readonly (Float64Array | undefined)[]): Float64Array | undefined {
  const unary = UNARY.get(operator);
  if (unary !== undefined) return x?.map((value) => unary(value, 0));
  const binary = BINARY.get(operator);
  return binary === undefined || y === undefined ? undefined : x?.map((value, n) => binary(value, y[n]!));
}

function agrees(computed: Float64Array, known: (x: number) => number): boolean {
  return computed.every((value, n) => {
    const x = SAMPLES[n]!;
    // ln(1 + eˣ) overflows where the function does not.
    if (!Number.isFinite(value) && Math.abs(x) >= OVERFLOW) return true;
    return Math.abs(value - known(x)) <= TOLERANCE * Math.max(1, Math.abs(x));
  });
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** Abramowitz and Stegun 7.1.26, within 1.5 · 10⁻⁷. Both functions that are compared use it. */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const series =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return Math.sign(x) * (1 - series * Math.exp(-x * x));
}
