/** The layers of a network: their order, their activations, the sizes of their maps and windows. */
import type { EngineSource, OnnxModel } from "#src/base/contracts/engine.js";
import type {
  Activation,
  Activations,
  DenseLayer,
  Layer,
  MapShape,
  Network,
  Padding,
  Pair,
} from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";

/** Widths of a layer, from which the order of layers follows: each reads what the one before it gives. */
interface Shaped {
  readonly inputs: number;
  readonly outputs: number;
}

/** Most steps of the search. Real networks take a few; a longer search has several results or a hostile file. */
const MAX_STEPS = 10_000;

export function chains(layers: readonly Shaped[]): boolean {
  return layers.every(({ inputs }, index) => index === 0 || layers[index - 1]!.outputs === inputs);
}

/**
 * Returns the only order in which all layers chain; `several` if there is more than one, or if the search gave up before it
 * could decide; `none` if there is none.
 *
 * Layers are the edges of a graph whose points are widths, and an order is a walk over each edge once (Euler's).
 */
export function orderByShape<T extends Shaped>(layers: readonly T[]): T[] | "several" | "none" {
  const reading = new Map<number, T[]>();
  for (const layer of layers) reading.set(layer.inputs, [...(reading.get(layer.inputs) ?? []), layer]);

  const found: T[][] = [];
  const chain: T[] = [];
  const used = new Set<T>();
  let steps = 0;
  const search = (candidates: readonly T[]): void => {
    if (chain.length === layers.length) found.push([...chain]);
    for (const layer of candidates) {
      if (used.has(layer)) continue;
      steps += 1;
      if (found.length > 1 || steps > MAX_STEPS) return;
      used.add(layer);
      chain.push(layer);
      search(reading.get(layer.outputs) ?? []);
      chain.pop();
      used.delete(layer);
    }
  };
  search(firstCandidates(layers));
  if (found.length > 1 || steps > MAX_STEPS) return "several";
  return found[0] ?? "none";
}

/** A walk with two different ends begins at the width that more layers read than give. */
function firstCandidates<T extends Shaped>(layers: readonly T[]): readonly T[] {
  const surplus = new Map<number, number>();
  for (const { inputs, outputs } of layers) {
    surplus.set(inputs, (surplus.get(inputs) ?? 0) + 1);
    surplus.set(outputs, (surplus.get(outputs) ?? 0) - 1);
  }
  const starts = layers.filter(({ inputs }) => (surplus.get(inputs) ?? 0) > 0);
  return starts.length > 0 ? starts : layers;
}

/** Arrays by name, with their shapes only. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

export interface LayerPlan {
  readonly inputs: number;
  readonly outputs: number;
  /** Name of the array (inputs × outputs), or (outputs × inputs) if it is transposed. */
  readonly weights: string;
  readonly transposed: boolean;
  /** Name of the array (outputs) or (1 × outputs); none means zeros. */
  readonly biases: string | undefined;
}

/** Checks the shape of a bias: (outputs), or (1, outputs). @throws NetworkError ERR_NETWORK_CHAIN */
export function checkVector(path: string, layer: string, shape: readonly number[], outputs: number): void {
  const [rows, columns] = shape.length === 1 ? [1, shape[0]] : shape;
  if (shape.length < 1 || shape.length > 2 || rows !== 1 || columns !== outputs) {
    throw new NetworkError("ERR_NETWORK_CHAIN", { path, layer, expected: `(${outputs},)`, found: shape });
  }
}

/** Widths from the inputs to the outputs: `[784, 50, 100, 10]`, or `[784, 10]` for a model whose layers are not known. */
export function layerSizes(network: Pick<Network, "layers"> | Pick<OnnxModel, "input" | "output">): number[] {
  if ("input" in network) {
    return [network.input.shape.reduce((product, size) => product * size, 1), network.output.classes];
  }
  const { layers } = network;
  return [layers[0]!.inputs, ...layers.map(({ outputs }) => outputs)];
}

/** True for a chain of fully connected layers. */
export function isDense(layers: readonly Layer[]): layers is readonly DenseLayer[] {
  return layers.every(({ kind }) => kind === "dense");
}

/** The layers, if all are fully connected. @throws NetworkError ERR_NETWORK_LAYER */
export function denseLayers(
  { name, layers }: Pick<Network, "name" | "layers">,
  purpose: string,
  next = "export the model to ONNX for other tools",
): readonly DenseLayer[] {
  if (isDense(layers)) return layers;
  const found = layers.find(({ kind }) => kind !== "dense")?.kind ?? "none";
  const expected = `fully connected layers, to ${purpose}`;
  throw new NetworkError("ERR_NETWORK_LAYER", { path: name, layer: "layers", expected, found, next });
}

/** Products of a layer per image. */
export function productsOfLayer(layer: Layer): number {
  if (layer.kind === "dense") return layer.weights.length;
  return layer.kind === "conv2d" ? layer.output.rows * layer.output.columns * layer.weights.length : 0;
}

/** Number of classes: the length of an image's logits. */
export function outputsOf(source: EngineSource): number {
  return "input" in source ? source.output.classes : source[source.length - 1]!.outputs;
}

/** Activation of each layer; null for a whole ONNX model. */
export function activationsOf(network: Network | OnnxModel): readonly Activation[] | null {
  return "layers" in network ? network.layers.map(({ activation }) => activation) : null;
}

/** Activation of the hidden layer with this index, counted from 0; undefined if the option does not state it. */
export function activationAt(activation: Activations | undefined, layer: number): Activation | undefined {
  return typeof activation === "object" ? activation[layer] : activation;
}

/** Numbers of a map, or of a list of units. */
export function sizeOf(shape: MapShape | number): number {
  return typeof shape === "object" ? shape.rows * shape.columns * shape.channels : shape;
}

/** True if the order of a map's axes does not matter. */
export function isOneAxis({ rows, columns, channels }: MapShape): boolean {
  return channels === 1 || rows * columns === 1;
}

interface Window {
  readonly input: MapShape;
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  readonly padding: Padding;
  /** Channels of the output. */
  readonly channels: number;
  /** Whether a last window may reach beyond the padding, if it begins within it. Default false. */
  readonly ceil?: boolean;
}

/** Size of the output. A side is 0 or less if no window fits. */
export function outputOf({ input, kernel, stride, dilation, padding, channels, ceil }: Window): MapShape {
  const side = (size: number, before: number, after: number, axis: 0 | 1): number => {
    const reach = (kernel[axis] - 1) * dilation[axis] + 1;
    const steps = (size + before + after - reach) / stride[axis];
    if (!(kernel[axis] > 0 && stride[axis] > 0 && dilation[axis] > 0 && before >= 0 && after >= 0)) return 0;
    if (ceil !== true) return Math.floor(steps) + 1;
    const count = Math.ceil(steps) + 1;
    // PyTorch's rule: the last window begins within the input or the padding before it.
    return (count - 1) * stride[axis] >= size + before ? count - 1 : count;
  };
  return {
    rows: side(input.rows, padding.top, padding.bottom, 0),
    columns: side(input.columns, padding.left, padding.right, 1),
    channels,
  };
}

/** TensorFlow's padding `same`: the output has ⌈size ÷ stride⌉ rows and columns; an odd rest goes to the end. */
export function samePadding(input: MapShape, kernel: Pair, stride: Pair, dilation: Pair): Padding {
  const total = (size: number, axis: 0 | 1) => {
    const reach = (kernel[axis] - 1) * dilation[axis] + 1;
    return Math.max(0, (Math.ceil(size / stride[axis]) - 1) * stride[axis] + reach - size);
  };
  const [rows, columns] = [total(input.rows, 0), total(input.columns, 1)];
  const [top, left] = [Math.floor(rows / 2), Math.floor(columns / 2)];
  return { top, left, bottom: rows - top, right: columns - left };
}
