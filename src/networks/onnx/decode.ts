/** Decodes an ONNX model that is a chain to layers and preprocessing. */
import { finished, type Steps } from "#src/base/abort.js";
import type { Activations, Layer, Preprocessing } from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import { listed, printable } from "#src/base/text.js";
import { assumedBefore, type BuiltChain, type DecodedChain } from "#src/networks/chain-facts.js";
import { assumedIn, pixelOrderIn } from "#src/networks/format.js";
import { readPreprocessing, writtenPreprocessing } from "#src/networks/recipe.js";
import { activationOf, type OrderedGraph, orderedGraph, type Step } from "./chain.js";
import { type Constant, constantFrom, list } from "./constant.js";
import { constantValue, evaluateConstant } from "./constants.js";
import { KEY_PREFIX } from "./encode.js";
import { GraphView } from "./ending.js";
import { attributeOf, readModel, type Value } from "./model.js";
import { applyStep, KEEPERS } from "./operators.js";
import { type ExpectedPixels, expectedPixels } from "./pixels.js";
import { pixelsReason } from "./preprocessing.js";
import type { Given } from "./step.js";
import { Stream } from "./stream.js";

/** Numbers of computed constants beyond the size of the file. Weights are rarely computed, and never much larger. */
const SPARE_NUMBERS = 65_536;
const SHAPE = "Shape";

/**
 * Reads a chain of layers: each node reads constants and the output of one other node. Nodes may be in any order, shapes may be
 * computed, and an activation may be several nodes. A Softmax, LogSoftmax or Sigmoid at the end is left out. A division by 255
 * before the first layer is read as the preprocessing `scale`; without one, the model's properties state it
 * (`batchwise.normalize`, …). Elements are float32, float64, float16 or bfloat16, in any field that onnx.proto has for them.
 * `path` is for messages. `activation` replaces those between layers if the file names them as assumed.
 *
 * Format: onnx/onnx.proto and docs/IR.md in github.com/onnx/onnx.
 *
 * @throws NetworkError ERR_ONNX_*, ERR_NETWORK_LAYER, ERR_NETWORK_CHAIN, ERR_NETWORK_NOT_FINITE, ERR_NETWORK_OUTPUTS;
 *   ERR_NETWORK_FORMAT for a property with an unknown value, ERR_WEIGHTS_SIZE
 */
export function decodeOnnx(...given: Parameters<typeof onnxInSteps>): DecodedChain {
  return finished(onnxInSteps(...given));
}

/** `decodeOnnx` in steps. */
export function* onnxInSteps(path: string, bytes: Uint8Array, activation?: Activations): Steps<DecodedChain> {
  const model = readModel(path, bytes);
  if (model.graphParts !== 1) {
    throw new NetworkError("ERR_ONNX_GRAPH", { path, expected: "one graph", found: `${model.graphParts}` });
  }
  const graph = orderedGraph(path, model);
  const view = new GraphView(path, model);
  const pixels = expectedPixels(view);
  const chain = yield* new Walk(path, graph, pixels, bytes.length + SPARE_NUMBERS).run();
  const stated = readPreprocessing(path, model.metadata, KEY_PREFIX);
  assertOnce(path, stated, chain.preprocessing);
  const assumed = assumedIn(path, model.metadata, KEY_PREFIX);
  const isAssumed = assumed.includes("activation");
  return {
    ...chain,
    layers: isAssumed && activation !== undefined ? withActivation(chain.layers, activation) : chain.layers,
    imageSizes: imageSizesOf(graph.input) ?? chain.imageSizes,
    ...pixelOrderIn(path, model.metadata, KEY_PREFIX),
    preprocessing: undefined,
    ...writtenPreprocessing(chain.preprocessing ?? stated, assumed),
    assumptions: assumedBefore(path, assumed, chain.layers).filter(
      ({ subject }) => subject !== "activation" || activation === undefined,
    ),
    stated: isAssumed ? [] : chain.layers.slice(0, -1).map((layer) => layer.activation),
    pixelsReason: pixelsReason(pixels),
  };
}

/** @throws NetworkError ERR_ONNX_GRAPH if properties of the file require what the graph does itself */
function assertOnce(path: string, stated: Preprocessing | undefined, graph: Preprocessing | undefined): void {
  if (graph === undefined || stated === undefined || stated.kind === "none") return;
  const expected =
    graph.kind === "scale" ? "pixels divided by 255 once" : "unchanged pixels, which the graph requires";
  const found = `${graph.kind === "scale" ? "a division in the graph, and " : ""}${KEY_PREFIX}normalize = ${stated.kind}`;
  throw new NetworkError("ERR_ONNX_GRAPH", { path, expected, found });
}

function withActivation(layers: readonly Layer[], activation: Activations): Layer[] {
  return layers.map((layer, index) => {
    const given = typeof activation === "string" ? activation : activation[index];
    return index < layers.length - 1 && given !== undefined ? { ...layer, activation: given } : layer;
  });
}

/** A size of 1 is a channel, or one axis of flattened pixels. */
function imageSizesOf({ shape = [] }: Value): readonly number[] | undefined {
  const image = shape.slice(1);
  const sizes = image.flatMap((size) => (size === undefined || size === 1 ? [] : [size]));
  return sizes.length === 2 && !image.includes(undefined) ? sizes : undefined;
}

/** Follows the stream from the input to the output. Tensors that do not depend on images are computed on the way. */
class Walk {
  readonly #path: string;
  readonly #graph: OrderedGraph;
  readonly #stream: Stream;
  readonly #constants = new Map<string, Constant>();
  /** Number of nodes that read the values of each tensor. */
  readonly #readers = new Map<string, number>();
  /** Numbers that may still be computed or given to layers: a file of a few bytes must not fill the memory. */
  #budget: number;
  readonly #limit: number;
  #current: string;
  /** Shapes of the tensors of the stream so far. */
  readonly #shapes = new Map<string, readonly number[]>();

  constructor(path: string, graph: OrderedGraph, pixels: ExpectedPixels, limit: number) {
    this.#path = path;
    this.#graph = graph;
    this.#limit = limit;
    this.#budget = limit;
    this.#stream = new Stream(path, graph, pixels);
    this.#current = graph.input.name;
    this.#enter(graph.input.name);
    for (const [name, tensor] of graph.initializers) this.#constants.set(name, constantFrom(path, tensor));
    for (const { node } of graph.steps) {
      if (node.operator === SHAPE) continue;
      for (const name of new Set(node.inputs)) this.#readers.set(name, (this.#readers.get(name) ?? 0) + 1);
    }
  }

  /** @throws NetworkError ERR_ONNX_GRAPH, ERR_ONNX_NODE, ERR_ONNX_OPERATOR, ERR_ONNX_TENSOR, ERR_ONNX_LIMIT */
  *run(): Steps<BuiltChain> {
    const { output } = this.#graph;
    const steps = this.#graph.steps.filter((step) => !this.#isConstant(step));
    const last = steps.findLastIndex(({ node }) => !KEEPERS.has(node.operator));
    for (let n = 0; n < steps.length; ) {
      const step = steps[n]!;
      if (this.#isConstant(step)) n += 1;
      else n += this.#follow(steps, n, n === last);
      yield;
    }
    if (this.#current !== output.name) {
      const found = `"${printable(output.name)}", which the last node does not give`;
      throw this.#stream.graphFault(`the output "${printable(this.#current)}"`, found);
    }
    return yield* this.#stream.finish(steps.at(-1));
  }

  /** Computes a step that does not depend on images, or reads only their shape. */
  #isConstant({ name, node, output }: Step): boolean {
    if (node.operator === "Constant") {
      const value = constantValue(this.#path, node);
      if (value === undefined) {
        throw this.#nodeFault(name, "a constant with a tensor as value", "a different value");
      }
      this.#constants.set(output, value);
      return true;
    }
    const shape = node.operator === SHAPE ? this.#shapeOf(node.inputs[0] ?? "") : undefined;
    if (shape !== undefined) {
      const [start, end] = ["start", "end"].map((key) => attributeOf(node, key)?.integer);
      this.#constants.set(output, list(shape.slice(start ?? 0, end)));
      return true;
    }
    if (!node.inputs.every((input) => input === "" || this.#constants.has(input))) return false;
    const value = evaluateConstant(this.#path, node, (input) => this.#constants.get(input));
    if (value === undefined) return false;
    this.#spend(value.shape);
    this.#constants.set(output, value);
    return true;
  }

  #shapeOf(name: string): readonly number[] | undefined {
    return this.#shapes.get(name) ?? this.#constants.get(name)?.shape;
  }

  /** Goes on to a tensor. NaN stands for the number of images. */
  #enter(name: string): void {
    this.#current = name;
    const { sizes, batch } = this.#stream;
    if (sizes !== undefined) this.#shapes.set(name, [batch ?? Number.NaN, ...sizes]);
  }

  /** Adds the step at `n`, or several that are one activation. Returns their number. */
  #follow(steps: readonly Step[], n: number, isLast: boolean): number {
    const step = steps[n]!;
    const inputs = withoutLast(step.node.inputs);
    const isForked = (this.#readers.get(this.#current) ?? 0) > 1;
    if (isForked || FUNCTIONS.has(step.node.operator)) {
      const constant = (name: string) => this.#constants.get(name);
      const found = activationOf(steps.slice(n), this.#current, constant, this.#readers);
      if (found !== undefined) {
        this.#stream.activation(step, found.activation);
        this.#enter(found.output);
        return found.count;
      }
    }
    const computed = inputs.filter((input) => !this.#constants.has(input));
    if (computed.length !== 1 || computed[0] !== this.#current) {
      throw this.#nodeFault(
        step.name,
        `"${printable(this.#current)}" and constants as inputs`,
        listed(inputs) || "none",
      );
    }
    applyStep(this.#stream, { ...step, constants: inputs.map((name) => this.#given(name)), isLast });
    this.#enter(step.output);
    return 1;
  }

  #given(name: string): Given | undefined {
    const constant = this.#constants.get(name);
    if (constant === undefined) return undefined;
    this.#spend(constant.shape);
    const { shape, type } = constant;
    return {
      ...{ name, shape, type },
      get data() {
        return constant.data;
      },
    };
  }

  #spend(shape: readonly number[]): void {
    this.#budget -= shape.reduce((product, size) => product * size, 1);
    if (this.#budget >= 0) return;
    const what = "numbers of constants that nodes share or compute";
    throw new NetworkError("ERR_ONNX_LIMIT", { path: this.#path, what, limit: this.#limit });
  }

  #nodeFault(node: string, expected: string, found: string): NetworkError {
    return new NetworkError("ERR_ONNX_NODE", { path: this.#path, node, expected, found });
  }
}

/** All operators that can be the first of an activation of several nodes. */
const FUNCTIONS: ReadonlySet<string> = new Set(["Exp", "Neg", "Erf", "Abs"]);

/** An empty name at the end is an optional input that was left out. */
function withoutLast(inputs: readonly string[]): readonly string[] {
  return inputs.at(-1) === "" ? inputs.slice(0, -1) : inputs;
}
