/**
 * Layers as nodes of ONNX, opset 13. ONNX has maps as (channels, rows, columns) and flattens them in that order: weights are
 * brought into it, so that no node moves numbers.
 */
import type {
  Activation,
  Conv2dLayer,
  DenseLayer,
  Layer,
  MapShape,
  OutputKind,
  Padding,
  Pool2dLayer,
} from "#src/base/contracts/network.js";
import { isOneAxis } from "#src/networks/chain.js";
import { channelsFirst, isCeil, isSameMap, outputsFirst } from "#src/networks/weight-order.js";

export const INPUT = "images";
export const OUTPUT = "logits";

/** Value of an attribute: a list is of whole numbers. */
export type AttributeValue = { readonly float: number } | readonly number[] | number;

export interface WrittenNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

export interface WrittenTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Floats of the model's type, or a list of int64. */
  readonly data: Float64Array | readonly number[];
}

export interface WrittenGraph {
  readonly nodes: readonly WrittenNode[];
  readonly tensors: readonly WrittenTensor[];
  /** Shape of one image. */
  readonly input: readonly number[];
  readonly output: string;
}

const ENDS: Readonly<Record<Exclude<OutputKind, "logits" | "scores">, string>> = {
  softmax: "Softmax",
  "log-softmax": "LogSoftmax",
  sigmoid: "Sigmoid",
};

/** Returns layers as a graph. The last operation of the file that they come from is a node too. */
export function graphOf(layers: readonly Layer[]): WrittenGraph {
  const writer = new LayerWriter(imageOf(layers));
  for (const [index, layer] of layers.entries()) writer.layer(layer, index === layers.length - 1);
  return writer.graph;
}

/** Shape of one image: (inputs), (1, rows, columns), or (rows, columns, channels). */
export function imageShapeOf(layers: readonly Layer[]): readonly number[] {
  const image = imageOf(layers);
  if (typeof image === "number") return [image];
  const { rows, columns, channels } = image;
  return channels === 1 ? [1, rows, columns] : [rows, columns, channels];
}

/** The map that the first layer reads, if activations alone come before it; otherwise the number of pixels. */
function imageOf(layers: readonly Layer[]): MapShape | number {
  const first = layers.find(({ kind }) => kind !== "activation") ?? layers[0];
  return first !== undefined && "input" in first ? first.input : (first?.inputs ?? 0);
}

class LayerWriter {
  readonly #nodes: WrittenNode[] = [];
  readonly #tensors: WrittenTensor[] = [];
  readonly #image: readonly number[];
  /** What the current tensor holds: (N, channels, rows, columns), or (N, units). */
  #shape: MapShape | number;
  #current = INPUT;
  #number = 0;

  constructor(image: MapShape | number) {
    this.#shape = image;
    if (typeof image === "number") this.#image = [image];
    else if (image.channels === 1) this.#image = [1, image.rows, image.columns];
    else {
      this.#image = [image.rows, image.columns, image.channels];
      this.#add("Transpose", "channels", [], { perm: [0, 3, 1, 2] });
    }
  }

  get graph(): WrittenGraph {
    return { nodes: this.#nodes, tensors: this.#tensors, input: this.#image, output: this.#current };
  }

  layer(layer: Layer, isLast: boolean): void {
    this.#number += 1;
    const isPlain = layer.activation === "identity";
    const last = isLast && isPlain ? OUTPUT : undefined;
    if (layer.kind === "dense") this.#dense(layer, last);
    else if (layer.kind === "conv2d") this.#conv(layer);
    else if (layer.kind !== "activation") this.#pool(layer);
    if (!isPlain) this.#activation(layer, isLast && typeof this.#shape === "number");
    if (isLast) {
      this.#channelsLast("places");
      this.#flatten(OUTPUT);
    }
    const ends = isLast ? (layer.ends ?? "logits") : "logits";
    if (ends !== "logits" && ends !== "scores")
      this.#add(ENDS[ends], ends, [], ends === "sigmoid" ? {} : { axis: 1 });
  }

  #dense({ weights, biases, inputs, outputs }: DenseLayer, last: string | undefined): void {
    const map = this.#shape;
    this.#flatten();
    const moved = typeof map === "number" ? weights : channelsFirst(weights, map, outputs);
    const constants = [this.#tensor("W", [inputs, outputs], moved), this.#tensor("b", [outputs], biases)];
    this.#add("Gemm", last ?? `a${this.#number}`, constants);
    this.#shape = outputs;
  }

  #conv(layer: Conv2dLayer): void {
    const { kernel, stride, dilation, groups, padding, output, weights, paddingValue } = layer;
    this.#reshape(layer.input);
    let { biases } = layer;
    if (paddingValue !== 0 && Object.values(padding).some((size) => size > 0)) {
      // ONNX pads with zeros: the value is subtracted first, and its share of the sums added again.
      this.#add("Sub", `p${this.#number}`, [this.#scalar("pad", paddingValue)]);
      biases = biases.map((bias, o) => bias + paddingValue * columnSum(weights, o, output.channels));
    }
    const inputs = layer.input.channels / groups;
    const shape = [output.channels, inputs, ...kernel];
    const constants = [
      this.#tensor("W", shape, outputsFirst(weights, inputs, output.channels)),
      this.#tensor("b", [output.channels], biases),
    ];
    this.#add("Conv", `a${this.#number}`, constants, {
      kernel_shape: kernel,
      strides: stride,
      dilations: dilation,
      pads: padsOf(padding),
      group: groups,
    });
    this.#shape = output;
  }

  #pool(layer: Pool2dLayer): void {
    const { kind, input, kernel, stride, padding, output, countsPadding } = layer;
    this.#reshape(input);
    const isMax = kind === "max-pool";
    const counts = !isMax && countsPadding && Object.values(padding).some((size) => size > 0);
    // Some runtimes leave out a last window behind the input, as PyTorch does; others do not. Uncounted padding serves both.
    const isCeiling = isCeil(layer) && (counts || !leavesOut(layer));
    this.#add(isMax ? "MaxPool" : "AveragePool", `a${this.#number}`, [], {
      kernel_shape: kernel,
      strides: stride,
      pads: padsOf(isCeiling ? padding : reachedPadding(layer)),
      ...(isCeiling && { ceil_mode: 1 }),
      ...(counts && { count_include_pad: 1 }),
    });
    this.#shape = output;
  }

  /** Reorders a map to channels last, the order of its units. The weights of a dense layer are reordered instead. */
  #channelsLast(output: string): void {
    if (typeof this.#shape === "number" || isOneAxis(this.#shape)) return;
    this.#add("Transpose", output, [], { perm: [0, 2, 3, 1] });
  }

  #flatten(output = `f${this.#number}`): void {
    if (typeof this.#shape === "number") return;
    const { rows, columns, channels } = this.#shape;
    this.#add("Flatten", output, [], { axis: 1 });
    this.#shape = rows * columns * channels;
  }

  /** Reshapes units, or another map, to this map. Units are in the order of channels last. */
  #reshape(map: MapShape): void {
    const { rows, columns, channels } = map;
    if (isSameMap(this.#shape, map)) return;
    this.#channelsLast(`l${this.#number}`);
    this.#shape = map;
    const isPlain = isOneAxis(map);
    const sizes = isPlain ? [-1, channels, rows, columns] : [-1, rows, columns, channels];
    this.#add("Reshape", `m${this.#number}`, [this.#tensor("shape", [4], sizes)]);
    if (!isPlain) this.#add("Transpose", `t${this.#number}`, [], { perm: [0, 3, 1, 2] });
  }

  #activation({ activation, activationNumbers: numbers }: Layer, isLast: boolean): void {
    const output = isLast ? OUTPUT : `z${this.#number}`;
    const [first, second] = numbers ?? [];
    const plain = PLAIN[activation];
    if (plain !== undefined) this.#add(plain, output);
    else if (activation === "leaky-relu")
      this.#add("LeakyRelu", output, [], { alpha: { float: first ?? 0.01 } });
    else if (activation === "elu") this.#add("Elu", output, [], { alpha: { float: first ?? 1 } });
    else if (activation === "hard-sigmoid") {
      const attributes = { alpha: { float: first ?? 1 / 6 }, beta: { float: second ?? 0.5 } };
      this.#add("HardSigmoid", output, [], attributes);
    } else if (activation === "prelu") {
      const slopes = numbers ?? Float64Array.of(0.25);
      this.#add("PRelu", output, [this.#slopes(slopes)]);
    } else if (activation === "relu6" || activation === "hard-tanh") {
      const [low, high] = activation === "relu6" ? [0, 6] : [first ?? -1, second ?? 1];
      this.#add("Clip", output, [this.#scalar("low", low), this.#scalar("high", high)]);
    } else this.#product(activation, output);
  }

  /** Slopes: one, or one per unit, channel or element of a map. */
  #slopes(slopes: Float64Array): string {
    const map = this.#shape;
    if (typeof map === "number" || slopes.length === 1)
      return this.#tensor("slopes", [slopes.length], slopes);
    if (slopes.length === map.channels) return this.#tensor("slopes", [slopes.length, 1, 1], slopes);
    return this.#tensor("slopes", [map.channels, map.rows, map.columns], channelsFirst(slopes, map, 1));
  }

  /** SiLU and both forms of GELU, x times a function of x: opset 13 has none of them. */
  #product(activation: Activation, output: string): void {
    const x = this.#current;
    const at = `z${this.#number}`;
    const step = (operator: string, name: string, constants: readonly string[] = []) =>
      this.#add(operator, `${at} ${name}`, constants);
    if (activation === "silu") step("Sigmoid", "sigmoid");
    else {
      if (activation === "gelu") {
        step("Mul", "scaled", [this.#scalar("scale", Math.SQRT1_2)]);
        step("Erf", "erf");
      } else {
        step("Pow", "cube", [this.#scalar("three", 3)]);
        step("Mul", "term", [this.#scalar("factor", 0.044715)]);
        step("Add", "sum", [x]);
        step("Mul", "scaled", [this.#scalar("scale", Math.sqrt(2 / Math.PI))]);
        step("Tanh", "tanh");
      }
      step("Add", "raised", [this.#scalar("one", 1)]);
      step("Mul", "half", [this.#scalar("half", 0.5)]);
    }
    this.#add("Mul", output, [x]);
  }

  #scalar(name: string, value: number): string {
    return this.#tensor(name, [], Float64Array.of(value));
  }

  /** Adds a tensor. Its name is that of the kind and the number of the layer. */
  #tensor(kind: string, shape: readonly number[], data: WrittenTensor["data"]): string {
    const name = `${kind}${this.#number}`;
    this.#tensors.push({ name, shape, data });
    return name;
  }

  /** Adds a node that reads the current tensor, then these. */
  #add(
    operator: string,
    output: string,
    constants: readonly string[] = [],
    attributes: WrittenNode["attributes"] = {},
  ): void {
    this.#nodes.push({ operator, inputs: [this.#current, ...constants], output, attributes });
    this.#current = output;
  }
}

const PLAIN: Readonly<Partial<Record<Activation, string>>> = {
  sigmoid: "Sigmoid",
  relu: "Relu",
  tanh: "Tanh",
  selu: "Selu",
  softplus: "Softplus",
  softsign: "Softsign",
};

/** Whether PyTorch's rule gives fewer windows than the formula of ceil_mode. */
function leavesOut({ input, kernel, stride, padding, output }: Pool2dLayer): boolean {
  const { top, left, bottom, right } = padding;
  const rows = Math.ceil((input.rows + top + bottom - kernel[0]) / stride[0]) + 1;
  const columns = Math.ceil((input.columns + left + right - kernel[1]) / stride[1]) + 1;
  return rows !== output.rows || columns !== output.columns;
}

/** The padding, with the rows and columns at its ends that the last windows need. */
function reachedPadding({ input, kernel, stride, padding, output }: Pool2dLayer): Padding {
  const { top, left, bottom, right } = padding;
  const reach = (outputs: number, axis: 0 | 1) => (outputs - 1) * stride[axis] + kernel[axis];
  return {
    ...padding,
    bottom: Math.max(bottom, reach(output.rows, 0) - input.rows - top),
    right: Math.max(right, reach(output.columns, 1) - input.columns - left),
  };
}

const padsOf = ({ top, left, bottom, right }: Padding): readonly number[] => [top, left, bottom, right];

function columnSum(weights: Float64Array, column: number, columns: number): number {
  let sum = 0;
  for (let n = column; n < weights.length; n += columns) sum += weights[n]!;
  return sum;
}
