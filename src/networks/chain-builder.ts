/**
 * Builds a chain of layers from what a model file describes, layer by layer: checks shapes and numbers, folds
 * normalizations into their neighbours in float64, and brings weights into the canonical order (`base/contracts/network.ts`).
 */
import { isDeepStrictEqual } from "node:util";
import type { Assumption } from "#src/base/assumptions.js";
import type {
  Activation,
  ActivationLayer,
  Conv2dLayer,
  DenseLayer,
  Layer,
  MapShape,
  OutputKind,
  Padding,
  Pair,
  Pool2dLayer,
  Preprocessing,
} from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import { MEAN_LIMITS, STD_LIMITS } from "#src/base/options/inputs.js";
import { printable } from "#src/base/text.js";
import {
  type Affine,
  affine,
  channelsLast,
  composed,
  foldBack,
  foldInto,
  NO_PADDING,
  perChannel,
} from "./normalization.js";
import { finiteCopy } from "./validate.js";
import { outputOf, samePadding, sizeOf } from "./windows.js";

/** Most layers of a network. */
const MAX_LAYERS = 1_000;
/** Most numbers of a map, per image: 32 million, 256 MB in float64. */
const MAX_MAP = 2 ** 25;
/** Most classes. Predictions are u16: classes 0 to 65,534, and one spare value. */
const MAX_OUTPUTS = 65_535;
const WHITE = 255;

/** The order in which a framework flattens a map: (channels, rows, columns) or (rows, columns, channels). */
export type MapOrder = "channels-first" | "channels-last";

export interface DenseFacts {
  /** (inputs × outputs) row-major, with inputs in the framework's order. */
  readonly weights: ArrayLike<number>;
  readonly outputs: number;
  /** (outputs). Default: zeros. */
  readonly biases?: ArrayLike<number> | undefined;
}

interface WindowFacts {
  readonly kernel: Pair;
  readonly stride?: Pair | undefined;
  /** `same` is TensorFlow's. Default: none. */
  readonly padding?: Padding | "same" | undefined;
}

export interface ConvFacts extends WindowFacts {
  /** (kernel rows × kernel columns × input channels ÷ groups × channels), row-major. */
  readonly weights: ArrayLike<number>;
  /** Output channels. */
  readonly channels: number;
  /** (channels). Default: zeros. */
  readonly biases?: ArrayLike<number> | undefined;
  readonly dilation?: Pair | undefined;
  readonly groups?: number | undefined;
}

export interface PoolFacts extends WindowFacts {
  /** Whether an average counts the zeros of the padding. Default false. */
  readonly countsPadding?: boolean | undefined;
  /** Whether a last window may reach beyond the padding. Default false. */
  readonly ceil?: boolean | undefined;
}

export interface BuiltChain {
  readonly layers: readonly Layer[];
  /** What the file states about pixels (bytes): undefined if it states nothing. */
  readonly preprocessing: Preprocessing | undefined;
  /** Rows and columns of one image, if the chain needs them. */
  readonly imageSizes: readonly number[] | undefined;
}

/** What a reader of a format that describes layers returns. */
export interface DecodedChain extends BuiltChain {
  /** What the reader assumed, without the preprocessing. */
  readonly assumptions: readonly Assumption[];
  /** Activations that the file states; empty if the file states none, or the reader took them from the option. */
  readonly stated: readonly Activation[];
  /** Reason for the assumption of pixels ÷ 255, to follow its text. */
  readonly pixelsReason?: string | undefined;
  /** Bytes on disk, if there are more files than one. */
  readonly files?: readonly Uint8Array[];
}

/** @throws NetworkError ERR_NETWORK_OUTPUTS for more outputs than there can be classes */
export function assertClasses(path: string, found: number): void {
  if (found > MAX_OUTPUTS) throw new NetworkError("ERR_NETWORK_OUTPUTS", { path, found, limit: MAX_OUTPUTS });
}

export class ChainBuilder {
  readonly #path: string;
  readonly #order: MapOrder;
  readonly #layers: Layer[] = [];
  #input: MapShape | number | undefined;
  #shape: MapShape | number | undefined;
  /** Map that was flattened channels first, and whose units no dense layer has read yet. */
  #flattened: MapShape | undefined;
  /** Normalization that the next layer applies to its inputs. */
  #pending: Affine | undefined;
  #pixels: Affine | undefined;
  #ends: OutputKind | undefined;

  /** @param input the map of an image, its number of pixels, or undefined if the first dense layer decides */
  constructor(path: string, input: MapShape | number | undefined, order: MapOrder) {
    this.#path = path;
    this.#order = order;
    this.#input = input;
    this.#shape = input;
    if (input !== undefined) this.assertSize("input", input);
  }

  /** What the next layer reads: a map, a number of units, or undefined before the first layer decides. */
  get shape(): MapShape | number | undefined {
    return this.#shape;
  }

  /** Number of layers so far. A normalization that is folded is none. */
  get length(): number {
    return this.#layers.length;
  }

  /** @throws NetworkError ERR_NETWORK_CHAIN, ERR_NETWORK_NOT_FINITE, ERR_NETWORK_LAYER */
  dense(name: string, { weights, outputs, biases }: DenseFacts): void {
    const shape = this.#shape;
    if (typeof shape === "object" && shape.rows * shape.columns > 1) {
      // Keras' and PyTorch's way: the same product at each place.
      this.conv2d(name, { weights, channels: outputs, biases, kernel: [1, 1] });
      return;
    }
    const inputs = shape === undefined ? weights.length / outputs : sizeOf(shape);
    if (outputs < 1 || inputs < 1 || weights.length !== inputs * outputs) {
      throw this.#chainFault(name, `(${inputs}, ${outputs})`, [weights.length / outputs, outputs]);
    }
    this.#checkBiases(name, biases, outputs);
    this.assertSize(name, outputs);
    this.#input ??= inputs;
    const arranged = this.#arranged(weights, outputs);
    const layer: DenseLayer = {
      kind: "dense",
      ...{ inputs, outputs, activation: "identity" },
      weights: finiteCopy(this.#path, name, arranged),
      biases: finiteCopy(this.#path, name, biases ?? new Float64Array(outputs)),
    };
    this.#push(name, this.#take(name, layer), outputs);
  }

  /** @throws NetworkError ERR_NETWORK_CHAIN, ERR_NETWORK_NOT_FINITE, ERR_NETWORK_LAYER */
  conv2d(name: string, facts: ConvFacts): void {
    const input = this.#map(name);
    const { weights, channels, kernel, biases, stride = [1, 1], dilation = [1, 1], groups = 1 } = facts;
    const padding = this.#padding(facts.padding, input, kernel, stride, dilation);
    if (input.channels % groups !== 0 || channels % groups !== 0 || channels < 1) {
      throw this.#layerFault(
        name,
        `${groups} groups of equal size`,
        `${input.channels} → ${channels} channels`,
      );
    }
    const expected = [...kernel, input.channels / groups, channels];
    if (weights.length !== expected.reduce((product, size) => product * size, 1)) {
      throw this.#chainFault(name, `(${expected.join(", ")})`, [weights.length]);
    }
    this.#checkBiases(name, biases, channels);
    const output = outputOf({ input, kernel, stride, dilation, padding, channels });
    this.assertSize(name, output);
    const layer: Conv2dLayer = {
      kind: "conv2d",
      ...{ inputs: sizeOf(input), outputs: sizeOf(output), activation: "identity" },
      ...{ input, output, kernel, stride, dilation, padding, groups, paddingValue: 0 },
      weights: finiteCopy(this.#path, name, weights),
      biases: finiteCopy(this.#path, name, biases ?? new Float64Array(channels)),
    };
    this.#push(name, this.#take(name, layer), output);
  }

  /** @throws NetworkError ERR_NETWORK_LAYER */
  pool2d(name: string, kind: "max" | "average", facts: PoolFacts): void {
    this.#settle(name);
    const input = this.#map(name);
    const { kernel, stride = kernel, countsPadding = false, ceil = false } = facts;
    const padding = this.#padding(facts.padding, input, kernel, stride, [1, 1]);
    const output = outputOf({
      ...{ input, kernel, stride, dilation: [1, 1], padding, channels: input.channels },
      ceil,
    });
    const layer: Pool2dLayer = {
      kind: `${kind}-pool`,
      ...{ inputs: sizeOf(input), outputs: sizeOf(output), activation: "identity" },
      ...{ input, output, kernel, stride, padding, countsPadding },
    };
    this.#push(name, layer, output);
  }

  /** The largest or the average of each channel. @throws NetworkError ERR_NETWORK_LAYER */
  globalPool(name: string, kind: "max" | "average"): void {
    const { rows, columns } = this.#map(name);
    this.pool2d(name, kind, { kernel: [rows, columns] });
  }

  /** Adds zeros around a map. @throws NetworkError ERR_NETWORK_LAYER */
  pad(name: string, padding: Padding): void {
    this.#settle(name);
    this.#perChannel(name, affine(this.#map(name).channels), padding);
  }

  /** @param numbers as `activationNumbers` of a layer; slopes of `prelu` also one per unit @throws NetworkError ERR_NETWORK_LAYER */
  activation(name: string, activation: Activation, numbers?: ArrayLike<number>): void {
    if (activation === "identity") return;
    this.#assertOpen(name);
    this.#settle(name);
    const ordered = numbers && activation === "prelu" ? this.#perUnit(name, numbers) : numbers;
    const arranged = ordered && finiteCopy(this.#path, name, ordered);
    const last = this.#layers.at(-1);
    const given = arranged === undefined ? { activation } : { activation, activationNumbers: arranged };
    if (last !== undefined && last.activation === "identity") {
      this.#layers[this.#layers.length - 1] = { ...last, ...given };
      return;
    }
    if (this.#shape === undefined) throw this.#layerFault(name, "a layer before it", "none");
    const size = sizeOf(this.#shape);
    const layer: ActivationLayer = { kind: "activation", inputs: size, outputs: size, ...given };
    this.#push(name, layer, this.#shape);
  }

  /**
   * States that the file itself computes x · scale + shift from the bytes 0 to 255, before all layers. Calls add up.
   *
   * @throws NetworkError ERR_NETWORK_LAYER after a layer
   */
  pixels(name: string, scale: number, shift: number): void {
    if (this.#layers.length > 0 || this.#pending !== undefined) {
      throw this.#layerFault(name, "a scaling of pixels before all layers", "layers before it");
    }
    const given = { scale: Float64Array.of(scale), shift: Float64Array.of(shift) };
    this.#pixels = composed(this.#pixels ?? affine(1), given);
  }

  /**
   * x · scale + shift per channel of a map, or per unit; one number serves all.
   *
   * @throws NetworkError ERR_NETWORK_CHAIN, ERR_NETWORK_NOT_FINITE
   */
  normalize(name: string, scale: ArrayLike<number>, shift: ArrayLike<number>): void {
    this.#assertOpen(name);
    const given: Affine = {
      scale: finiteCopy(this.#path, name, this.#perUnit(name, scale)),
      shift: finiteCopy(this.#path, name, this.#perUnit(name, shift)),
    };
    const last = this.#layers.at(-1);
    const isOpen = this.#pending === undefined && last?.activation === "identity";
    const isWeighted = last?.kind === "dense" || last?.kind === "conv2d";
    if (isOpen && isWeighted && [1, last.biases.length].includes(given.scale.length)) {
      this.#layers[this.#layers.length - 1] = foldBack(last, given);
      return;
    }
    this.#pending = this.#pending === undefined ? given : composed(this.#pending, given);
  }

  /** Makes a map to units, in the framework's order. */
  flatten(_name: string): void {
    if (typeof this.#shape !== "object") return;
    const map = this.#shape;
    const isMoved = this.#order === "channels-first" && map.channels > 1 && map.rows * map.columns > 1;
    if (isMoved) this.#flattened = map;
    this.#shape = sizeOf(map);
  }

  /** Makes units to a map, or a map to another, if the elements keep their order. @throws NetworkError ERR_NETWORK_LAYER */
  reshape(name: string, shape: MapShape): void {
    const now = this.#shape;
    if (isDeepStrictEqual(now, shape)) return;
    const size = now === undefined ? sizeOf(shape) : sizeOf(now);
    const isPlain = shape.channels === 1 || shape.rows * shape.columns === 1;
    const keepsOrder =
      this.#order === "channels-last"
        ? this.#flattened === undefined
        : isPlain && (typeof now !== "object" || now.channels === 1 || now.rows * now.columns === 1);
    const restores = this.#flattened !== undefined && isDeepStrictEqual(this.#flattened, shape);
    if (size !== sizeOf(shape) || !(restores || (keepsOrder && this.#flattened === undefined))) {
      throw this.#layerFault(
        name,
        "a reshape that keeps the order of the elements",
        `${text(now)} to ${text(shape)}`,
      );
    }
    if (this.#pending !== undefined) this.#settle(name);
    this.#flattened = undefined;
    this.#shape = shape;
    if (this.#layers.length === 0) this.#input = shape;
  }

  /** The last operation, which engines leave out. @throws NetworkError ERR_NETWORK_LAYER if there is one already */
  end(name: string, kind: OutputKind): void {
    this.#assertOpen(name);
    this.#ends = kind;
  }

  /** @throws NetworkError ERR_NETWORK_LAYER, ERR_NETWORK_OUTPUTS */
  finish(): BuiltChain {
    if (this.#pending !== undefined) this.#settle("output");
    this.flatten("output");
    const last = this.#layers.at(-1);
    if (last === undefined) throw this.#layerFault("output", "at least one layer", "none");
    if (this.#flattened !== undefined) {
      throw this.#layerFault("output", "one number per class", text(this.#flattened));
    }
    assertClasses(this.#path, last.outputs);
    const isEnded = this.#ends !== undefined && this.#ends !== "logits";
    const layers = isEnded ? [...this.#layers.slice(0, -1), { ...last, ends: this.#ends }] : this.#layers;
    const input = this.#input;
    return {
      layers,
      preprocessing: this.#preprocessing(),
      imageSizes: typeof input === "object" ? [input.rows, input.columns] : undefined,
    };
  }

  /** The preprocessing x · scale + shift = (x ÷ 255 − mean) ÷ std. */
  #preprocessing(): Preprocessing | undefined {
    if (this.#pixels === undefined) return undefined;
    const [scale = 1, shift = 0] = [this.#pixels.scale[0], this.#pixels.shift[0]];
    if (scale === 1 && shift === 0) return { kind: "none" };
    if (shift === 0 && (scale === 1 / WHITE || scale === Math.fround(1 / WHITE))) return { kind: "scale" };
    const std = 1 / (scale * WHITE);
    const mean = -shift * std;
    const isKnown =
      std >= STD_LIMITS[0] && std <= STD_LIMITS[1] && mean >= MEAN_LIMITS[0] && mean <= MEAN_LIMITS[1];
    if (isKnown) return { kind: "standardize", mean, std };
    throw this.#layerFault(
      "input",
      `pixels of a mean ${MEAN_LIMITS.join(" to ")} and a deviation ${STD_LIMITS.join(" to ")}`,
      `${mean} and ${std}`,
    );
  }

  /** Folds the waiting normalization into a layer that reads it, or gives it a layer of its own. */
  #take<L extends DenseLayer | Conv2dLayer>(name: string, layer: L): L {
    if (this.#pending === undefined) return layer;
    const folded = foldInto(this.#pending, layer);
    if (folded === undefined) this.#settle(name);
    else this.#pending = undefined;
    return folded ?? layer;
  }

  /** Gives the waiting normalization a layer of its own. */
  #settle(name: string): void {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending !== undefined) this.#perChannel(name, pending);
  }

  #perChannel(name: string, given: Affine, padding?: Padding): void {
    const shape = this.#shape;
    if (shape === undefined) throw this.#layerFault(name, "a layer before it", "none");
    if (given.scale.length > (typeof shape === "object" ? shape.channels : shape)) {
      throw this.#layerFault(name, "numbers per channel", "numbers per element");
    }
    const layer = perChannel(shape, given, padding);
    this.#push(name, layer, typeof shape === "object" ? layer.output : shape);
  }

  #push(name: string, layer: Layer, shape: MapShape | number): void {
    this.#assertOpen(name);
    if (this.#layers.length === MAX_LAYERS) {
      throw this.#layerFault(name, `at most ${MAX_LAYERS} layers`, "more");
    }
    this.assertSize(name, shape);
    this.#layers.push(layer);
    this.#shape = shape;
  }

  #assertOpen(name: string): void {
    if (this.#ends === undefined) return;
    throw this.#layerFault(name, `no layer after the ${this.#ends} at the end`, "one");
  }

  #map(name: string): MapShape {
    if (typeof this.#shape === "object") return this.#shape;
    throw this.#layerFault(name, "rows, columns and channels before it", text(this.#shape));
  }

  #padding(
    padding: Padding | "same" | undefined,
    input: MapShape,
    kernel: Pair,
    stride: Pair,
    dilation: Pair,
  ): Padding {
    return padding === "same" ? samePadding(input, kernel, stride, dilation) : (padding ?? NO_PADDING);
  }

  /** Rows of weights in the order of our units. */
  #arranged(rows: ArrayLike<number>, columns: number): ArrayLike<number> {
    const map = this.#flattened;
    this.#flattened = undefined;
    return map === undefined ? rows : channelsLast(rows, map, columns);
  }

  /** Numbers per channel or unit, in the order of our units; one number serves all. */
  #perUnit(name: string, numbers: ArrayLike<number>): ArrayLike<number> {
    const shape = this.#shape;
    if (numbers.length === 1) return numbers;
    const expected = typeof shape === "object" ? shape.channels : shape;
    const isPerElement = typeof shape === "object" && numbers.length === sizeOf(shape);
    if (numbers.length !== expected && !isPerElement) {
      throw this.#chainFault(name, `(${expected ?? 1},)`, [numbers.length]);
    }
    const map = this.#flattened ?? (isPerElement && this.#order === "channels-first" ? shape : undefined);
    return map === undefined ? numbers : channelsLast(numbers, map, 1);
  }

  #checkBiases(name: string, biases: ArrayLike<number> | undefined, outputs: number): void {
    if (biases !== undefined && biases.length !== outputs) {
      throw this.#chainFault(`${name} bias`, `(${outputs},)`, [biases.length]);
    }
  }

  /** @throws NetworkError ERR_NETWORK_LAYER for a map of a size that no layer can have */
  assertSize(name: string, shape: MapShape | number): void {
    const sizes = typeof shape === "object" ? [shape.rows, shape.columns, shape.channels] : [shape];
    const isCount = sizes.every((size) => Number.isSafeInteger(size) && size > 0);
    if (!isCount || sizeOf(shape) > MAX_MAP) {
      throw this.#layerFault(name, `1 to ${MAX_MAP} numbers per image`, text(shape));
    }
  }

  #chainFault(layer: string, expected: string, found: readonly number[]): NetworkError {
    return new NetworkError("ERR_NETWORK_CHAIN", {
      ...{ path: this.#path, layer: printable(layer), expected, found },
    });
  }

  #layerFault(layer: string, expected: string, found: string): NetworkError {
    return new NetworkError("ERR_NETWORK_LAYER", {
      ...{ path: this.#path, layer: printable(layer), expected, found },
    });
  }
}

function text(shape: MapShape | number | undefined): string {
  if (shape === undefined) return "an input of unknown size";
  return typeof shape === "object"
    ? `${shape.rows} × ${shape.columns} × ${shape.channels}`
    : `${shape} units`;
}

/** PyTorch's and ONNX's weights (outputs, inputs ÷ groups, rows, columns) in our order (rows, columns, inputs, outputs). */
export function convWeights(oihw: ArrayLike<number>, shape: readonly number[]): Float64Array {
  const [outputs = 0, inputs = 0, rows = 0, columns = 0] = shape;
  const weights = new Float64Array(outputs * inputs * rows * columns);
  let from = 0;
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) {
      for (let at = 0; at < rows * columns; at++) {
        weights[(at * inputs + i) * outputs + o] = oihw[from++]!;
      }
    }
  }
  return weights;
}
