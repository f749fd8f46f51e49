/**
 * Builds a chain of layers from what a model file describes, layer by layer: checks shapes and numbers, folds
 * normalizations into their neighbours in float64, and brings weights into the canonical order (`base/contracts/network.ts`).
 */
import { imageSizes } from "#src/base/contracts/dataset.js";
import type {
  Activation,
  ActivationLayer,
  Conv2dLayer,
  DenseLayer,
  Layer,
  MapOrder,
  MapShape,
  OutputKind,
  Padding,
  Pair,
  Pool2dLayer,
} from "#src/base/contracts/network.js";
import { outputOf, samePadding, sizeOf } from "./chain.js";
import type { BuiltChain, ConvFacts, DenseFacts, PoolFacts } from "./chain-facts.js";
import {
  type Affine,
  affine,
  composed,
  foldBack,
  foldInto,
  NO_PADDING,
  perChannel,
} from "./normalization.js";
import { affinePreprocessing } from "./recipe.js";
import { assertClasses, mapOf, shapeWords, UnitOrder } from "./unit-order.js";
import { finiteCopy } from "./validate.js";

/** Most layers of a network. */
const MAX_LAYERS = 1_000;
export class ChainBuilder {
  readonly #order: UnitOrder;
  readonly #layers: Layer[] = [];
  #input: MapShape | number | undefined;
  /** Normalization that the next layer applies to its inputs. */
  #pending: Affine | undefined;
  #pixels: Affine | undefined;
  #ends: OutputKind | undefined;

  /** @param input the map of an image, its number of pixels, or undefined if the first dense layer decides */
  constructor(path: string, input: MapShape | number | undefined, order: MapOrder) {
    this.#order = new UnitOrder(path, input, order);
    this.#input = input;
  }

  /** What the next layer reads: a map, a number of units, or undefined before the first layer decides. */
  get shape(): MapShape | number | undefined {
    return this.#order.shape;
  }

  /** Number of layers so far. A normalization that is folded is none. */
  get length(): number {
    return this.#layers.length;
  }

  /** @throws NetworkError ERR_NETWORK_LAYER for a size that no layer can have */
  assertSize(name: string, shape: MapShape | number): void {
    this.#order.assertSize(name, shape);
  }

  /** @throws NetworkError ERR_NETWORK_CHAIN, ERR_NETWORK_NOT_FINITE, ERR_NETWORK_LAYER */
  dense(name: string, { weights, outputs, biases }: DenseFacts): void {
    const shape = this.#order.shape;
    if (typeof shape === "object" && shape.rows * shape.columns > 1) {
      // Keras' and PyTorch's way: the same product at each place.
      this.conv2d(name, { weights, channels: outputs, biases, kernel: [1, 1] });
      return;
    }
    const inputs = shape === undefined ? weights.length / outputs : sizeOf(shape);
    if (outputs < 1 || inputs < 1 || weights.length !== inputs * outputs) {
      throw this.#order.chainFault(name, `(${inputs}, ${outputs})`, [weights.length / outputs, outputs]);
    }
    this.#checkBiases(name, biases, outputs);
    this.#order.assertSize(name, outputs);
    this.#input ??= inputs;
    const arranged = this.#order.rows(weights, outputs);
    const layer: DenseLayer = {
      kind: "dense",
      ...{ inputs, outputs, activation: "identity" },
      weights: finiteCopy(this.#order.path, name, arranged),
      biases: finiteCopy(this.#order.path, name, biases ?? new Float64Array(outputs)),
    };
    this.#push(name, this.#take(name, layer), outputs);
  }

  /** @throws NetworkError ERR_NETWORK_CHAIN, ERR_NETWORK_NOT_FINITE, ERR_NETWORK_LAYER */
  conv2d(name: string, facts: ConvFacts): void {
    const input = this.#order.map(name);
    const { weights, channels, kernel, biases, stride = [1, 1], dilation = [1, 1], groups = 1 } = facts;
    const { paddingValue = 0 } = facts;
    const padding = this.#padding(facts.padding, input, kernel, stride, dilation);
    if (input.channels % groups !== 0 || channels % groups !== 0 || channels < 1) {
      throw this.#order.layerFault(
        name,
        `${groups} groups of equal size`,
        `${input.channels} → ${channels} channels`,
      );
    }
    const expected = [...kernel, input.channels / groups, channels];
    if (weights.length !== expected.reduce((product, size) => product * size, 1)) {
      throw this.#order.chainFault(name, `(${expected.join(", ")})`, [weights.length]);
    }
    this.#checkBiases(name, biases, channels);
    const output = outputOf({ input, kernel, stride, dilation, padding, channels });
    this.#order.assertSize(name, output);
    const layer: Conv2dLayer = {
      kind: "conv2d",
      ...{ inputs: sizeOf(input), outputs: sizeOf(output), activation: "identity" },
      ...{ input, output, kernel, stride, dilation, padding, groups, paddingValue },
      weights: finiteCopy(this.#order.path, name, weights),
      biases: finiteCopy(this.#order.path, name, biases ?? new Float64Array(channels)),
    };
    this.#push(name, this.#take(name, layer), output);
  }

  /** @throws NetworkError ERR_NETWORK_LAYER */
  pool2d(name: string, kind: "max" | "average", facts: PoolFacts): void {
    this.#settle(name);
    const input = this.#order.map(name);
    const { kernel, stride = kernel, countsPadding = false, ceil = false } = facts;
    const padding = this.#padding(facts.padding, input, kernel, stride, [1, 1]);
    this.#order.assertWindows(name, kernel, padding);
    const window = { input, kernel, stride, dilation: [1, 1], padding, channels: input.channels } as const;
    const output = outputOf({ ...window, ceil });
    const layer: Pool2dLayer = {
      kind: `${kind}-pool`,
      ...{ inputs: sizeOf(input), outputs: sizeOf(output), activation: "identity" },
      ...{ input, output, kernel, stride, padding, countsPadding },
    };
    this.#push(name, layer, output);
  }

  /** The largest or the average of each channel. @throws NetworkError ERR_NETWORK_LAYER */
  globalPool(name: string, kind: "max" | "average"): void {
    const { rows, columns } = this.#order.map(name);
    this.pool2d(name, kind, { kernel: [rows, columns] });
  }

  /** Adds zeros around a map. @throws NetworkError ERR_NETWORK_LAYER */
  pad(name: string, padding: Padding): void {
    this.#settle(name);
    this.#perChannel(name, affine(this.#order.map(name).channels), padding);
  }

  /** @param numbers as `activationNumbers` of a layer; slopes of `prelu` also one per unit @throws NetworkError ERR_NETWORK_LAYER */
  activation(name: string, activation: Activation, numbers?: ArrayLike<number>): void {
    if (activation === "identity") return;
    this.#assertOpen(name);
    this.#settle(name);
    const ordered = numbers && activation === "prelu" ? this.#order.perUnit(name, numbers) : numbers;
    const arranged = ordered && finiteCopy(this.#order.path, name, ordered);
    const last = this.#layers.at(-1);
    const given = arranged === undefined ? { activation } : { activation, activationNumbers: arranged };
    if (last !== undefined && last.activation === "identity") {
      this.#layers[this.#layers.length - 1] = { ...last, ...given };
      return;
    }
    if (this.#order.shape === undefined) throw this.#order.layerFault(name, "a layer before it", "none");
    const size = sizeOf(this.#order.shape);
    const layer: ActivationLayer = { kind: "activation", inputs: size, outputs: size, ...given };
    this.#push(name, layer, this.#order.shape);
  }

  /**
   * States that the file itself computes x · scale + shift from the bytes 0 to 255, before all layers. Calls add up.
   *
   * @throws NetworkError ERR_NETWORK_LAYER after a layer
   */
  pixels(name: string, scale: number, shift: number): void {
    if (this.#layers.length > 0 || this.#pending !== undefined) {
      throw this.#order.layerFault(name, "a scaling of pixels before all layers", "layers before it");
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
      scale: finiteCopy(this.#order.path, name, this.#order.perUnit(name, scale)),
      shift: finiteCopy(this.#order.path, name, this.#order.perUnit(name, shift)),
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
    this.#order.flatten();
  }

  /** Makes units to a map, or a map to another, if the elements keep their order. @throws NetworkError ERR_NETWORK_LAYER */
  reshape(name: string, shape: MapShape): void {
    if (!this.#order.reshape(name, shape)) return;
    if (this.#layers.length === 0) this.#input = shape;
  }

  /** The last operation, which engines leave out. @throws NetworkError ERR_NETWORK_LAYER if there is one already */
  end(name: string, kind: OutputKind): void {
    this.#assertOpen(name);
    this.#settle(name);
    this.#ends = kind;
  }

  /** @throws NetworkError ERR_NETWORK_LAYER, ERR_NETWORK_OUTPUTS */
  finish(): BuiltChain {
    this.#settle("output");
    this.flatten("output");
    const last = this.#layers.at(-1);
    if (last === undefined) throw this.#order.layerFault("output", "at least one layer", "none");
    if (this.#order.flattened !== undefined) {
      throw this.#order.layerFault("output", "one number per class", shapeWords(this.#order.flattened));
    }
    assertClasses(this.#order.path, last.outputs);
    const isEnded = this.#ends !== undefined && this.#ends !== "logits";
    const layers = isEnded ? [...this.#layers.slice(0, -1), { ...last, ends: this.#ends }] : this.#layers;
    const map = mapOf(this.#input);
    return {
      layers,
      preprocessing: this.#pixels && affinePreprocessing(this.#order.path, this.#pixels),
      imageSizes: map && imageSizes(map),
      // Layers behind a map are in our order. A list of pixels stays in the framework's, by its convention only.
      pixelOrder: map && "channels-last",
      likelyPixelOrder: this.#order.order,
    };
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
    const shape = this.#order.shape;
    if (shape === undefined) throw this.#order.layerFault(name, "a layer before it", "none");
    if (given.scale.length > (typeof shape === "object" ? shape.channels : shape)) {
      throw this.#order.layerFault(name, "numbers per channel", "numbers per element");
    }
    const layer = perChannel(shape, given, padding);
    this.#push(name, layer, typeof shape === "object" ? layer.output : shape);
  }

  #push(name: string, layer: Layer, shape: MapShape | number): void {
    this.#assertOpen(name);
    if (this.#layers.length === MAX_LAYERS) {
      throw this.#order.layerFault(name, `at most ${MAX_LAYERS} layers`, "more");
    }
    this.#order.assertSize(name, shape);
    this.#layers.push(layer);
    this.#order.set(name, shape);
  }

  #assertOpen(name: string): void {
    if (this.#ends === undefined) return;
    throw this.#order.layerFault(name, `no layer after the ${this.#ends} at the end`, "one");
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

  #checkBiases(name: string, biases: ArrayLike<number> | undefined, outputs: number): void {
    if (biases !== undefined && biases.length !== outputs) {
      throw this.#order.chainFault(`${name} bias`, `(${outputs},)`, [biases.length]);
    }
  }
}
