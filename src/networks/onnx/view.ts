/** A graph as its tensors' names tie it together: who gives a tensor, who reads it, and which tensors are constants. */
import { OWN_DOMAINS } from "./chain.js";
import { evaluateConstant, type Numbers } from "./constants.js";
import type { Model, Node } from "./model.js";

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
