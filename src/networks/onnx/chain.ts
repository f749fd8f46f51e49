/** Reads an ONNX graph as a chain: each node reads the output of the node before it and constants. */

import { OTHER_ENGINE } from "#src/base/errors/network-codes.js";
import { NetworkError } from "#src/base/errors.js";
import { listed, printable } from "#src/base/text.js";
import { attributeOf, type Graph, type Model, type Node, type Tensor, type Value } from "./model.js";

/** First version in which Gemm and Add broadcast as today (onnx/docs/Changelog.md). */
const OLDEST_OPSET = 7;
/** Names of the domain of ONNX's own operators. */
export const OWN_DOMAINS: ReadonlySet<string> = new Set(["", "ai.onnx"]);

export interface Step {
  readonly node: Node;
  /** Name for messages: the node's, or its output's if it has none. */
  readonly name: string;
  /** A tensor for each input of the node, in order; undefined for the output of the node before. */
  readonly constants: readonly (Tensor | undefined)[];
}

export interface Chain {
  readonly input: Value;
  readonly steps: readonly Step[];
}

/**
 * Returns the steps of a chain. ONNX demands that each node comes after the nodes that it reads, so a chain has the order of
 * the list, and no cycles.
 *
 * @throws NetworkError ERR_ONNX_OPSET, ERR_ONNX_GRAPH, ERR_ONNX_OPERATOR, ERR_ONNX_NODE.
 */
export function chainOf(path: string, { opsets, graph }: Model): Chain {
  checkOpsets(path, opsets);
  const constants = constantsOf(path, graph);
  // Before IR version 4, constants were among the inputs too.
  const input = only(
    path,
    "input",
    graph.inputs.filter(({ name }) => !constants.has(name)),
  );
  const output = only(path, "output", graph.outputs);
  const given = new Set([...constants.keys(), input.name]);
  const steps: Step[] = [];
  let current = input.name;
  for (const node of graph.nodes) {
    const name = printable(node.name || node.outputs[0] || node.operator);
    const [given1, ...more] = node.outputs;
    if (!given1 || more.some((other) => other !== "")) {
      throw nodeFault(path, name, "one output", listed(node.outputs) || "none");
    }
    if (given.has(given1))
      throw nodeFault(path, name, "a new name for each output", `"${printable(given1)}" twice`);
    given.add(given1);
    if (!OWN_DOMAINS.has(node.domain)) {
      const found = `node "${name}" of the domain "${printable(node.domain)}"`;
      throw new NetworkError("ERR_ONNX_OPSET", { path, expected: "only operators of ONNX itself", found });
    }
    if (node.operator === "Constant") {
      constants.set(given1, constantOf(path, name, node));
      continue;
    }
    steps.push({ node, name, constants: constantInputs(path, name, node, { constants, given, current }) });
    current = given1;
  }
  if (current !== output.name) {
    const found = `"${printable(output.name)}", which the last node does not give`;
    const expected = `the output "${printable(current)}"`;
    throw new NetworkError("ERR_ONNX_GRAPH", { path, expected, found, next: OTHER_ENGINE });
  }
  return { input, steps };
}

function checkOpsets(path: string, opsets: Model["opsets"]): void {
  const expected = `opset ${OLDEST_OPSET} or newer of ONNX's own operators`;
  // Exporters import other domains too, even if no node uses them.
  const version = opsets.find(({ domain }) => OWN_DOMAINS.has(domain))?.version;
  if (version === undefined || !(version >= OLDEST_OPSET)) {
    throw new NetworkError("ERR_ONNX_OPSET", {
      path,
      expected,
      found: version === undefined ? "none" : `${version}`,
    });
  }
}

function constantsOf(path: string, { initializers }: Graph): Map<string, Tensor> {
  const constants = new Map<string, Tensor>();
  for (const tensor of initializers) {
    if (tensor.name === "" || constants.has(tensor.name)) {
      const found = tensor.name === "" ? "one without" : `"${printable(tensor.name)}" twice`;
      throw new NetworkError("ERR_ONNX_GRAPH", {
        path,
        expected: "initializers with different names",
        found,
      });
    }
    constants.set(tensor.name, tensor);
  }
  return constants;
}

function only(path: string, what: string, values: readonly Value[]): Value {
  const [value] = values;
  if (value !== undefined && values.length === 1) return value;
  const found = values.length === 0 ? "none" : `${values.length}: ${listed(values.map(({ name }) => name))}`;
  throw new NetworkError("ERR_ONNX_GRAPH", { path, expected: `one ${what}`, found, next: OTHER_ENGINE });
}

function constantOf(path: string, name: string, node: Node): Tensor {
  const tensor = attributeOf(node, "value")?.tensor;
  if (tensor === undefined)
    throw nodeFault(path, name, "a constant with a tensor as value", "a different value");
  // Within an attribute, a tensor need not have a name.
  return { ...tensor, name: tensor.name || name };
}

interface Before {
  readonly constants: ReadonlyMap<string, Tensor>;
  /** Names of all tensors that the node may read. */
  readonly given: ReadonlySet<string>;
  /** Output of the node before. */
  readonly current: string;
}

function constantInputs(
  path: string,
  name: string,
  node: Node,
  { constants, given, current }: Before,
): (Tensor | undefined)[] {
  const [output] = node.outputs;
  const unknown = node.inputs.find((input) => input !== "" && (!given.has(input) || input === output));
  if (unknown !== undefined) {
    const found = `"${printable(unknown)}", which no node before it gives; does the graph have a cycle?`;
    throw nodeFault(path, name, "inputs that nodes before it give", found);
  }
  // An empty name at the end is an optional input that was left out.
  const inputs = node.inputs.at(-1) === "" ? node.inputs.slice(0, -1) : node.inputs;
  const computed = inputs.filter((input) => !constants.has(input));
  if (computed.length !== 1 || computed[0] !== current) {
    throw nodeFault(path, name, `"${printable(current)}" and constants as inputs`, listed(inputs) || "none");
  }
  return inputs.map((input) => constants.get(input));
}

function nodeFault(path: string, node: string, expected: string, found: string): NetworkError {
  return new NetworkError("ERR_ONNX_NODE", { path, node, expected, found });
}
