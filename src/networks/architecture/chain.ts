/** Walks an architecture over the arrays of a file: the chain of layers that both state together. */
import type { Activation, MapShape, Preprocessing } from "#src/base/contracts/network.js";
import { shapeText } from "#src/base/errors/define.js";
import { BatchwiseError, type FactsOf, NetworkError } from "#src/base/errors.js";
import { listed, printable, suggest } from "#src/base/text.js";
import { type NamedArray, type NamedArrays, transpose } from "#src/files/formats/arrays.js";
import { ChainBuilder } from "#src/networks/chain-builder.js";
import type { DecodedChain } from "#src/networks/chain-facts.js";
import { batchNormalization } from "#src/networks/normalization.js";
import { isCounter } from "#src/networks/state-dict.js";
import { convWeights } from "#src/networks/weight-order.js";
import { type Architecture, type ArchitectureLayer, type LayerOf, paddingOf, pairOf } from "./schema.js";

/** PyTorch's ε of batch normalizations. */
const EPSILON = 1e-5;

/**
 * Returns the chain of an architecture over named arrays.
 *
 * @param path file of the arrays, for messages
 * @param source where the architecture is, for messages: its file, or `metadata "architecture"`
 * @throws NetworkError ERR_NETWORK_KEYS for an array that does not exist, or that no layer names; ERR_NETWORK_LAYER,
 *   ERR_NETWORK_CHAIN, ERR_NETWORK_NOT_FINITE, ERR_NETWORK_OUTPUTS with the layer's index
 */
export function chainOfArchitecture(
  path: string,
  architecture: Architecture,
  arrays: NamedArrays,
  source: string,
): DecodedChain {
  const walk = new Walk(path, source, architecture, arrays);
  for (const [index, layer] of architecture.layers.entries()) walk.add(layer, index);
  walk.checkUnused();
  return walk.finish();
}

class Walk {
  readonly #path: string;
  readonly #source: string;
  readonly #architecture: Architecture;
  readonly #arrays: NamedArrays;
  readonly #builder: ChainBuilder;
  readonly #used = new Set<string>();
  readonly #stated = new Set<Activation>();

  constructor(path: string, source: string, architecture: Architecture, arrays: NamedArrays) {
    this.#path = path;
    this.#source = source;
    this.#architecture = architecture;
    this.#arrays = arrays;
    const { input, flattening = "channels-first" } = architecture;
    this.#builder = this.#explained(() => new ChainBuilder(path, inputOf(input), flattening));
  }

  /** Adds a layer. Errors name its place and the file to correct. */
  add(layer: ArchitectureLayer, index: number): void {
    const place = `layers[${index}] (${layer.type})`;
    this.#explained(() => this.#build(layer, place));
  }

  /** @throws NetworkError ERR_NETWORK_KEYS for arrays that no layer names, because they may change what it computes */
  checkUnused(): void {
    const { ignored = [] } = this.#architecture;
    for (const name of ignored) this.#array("ignored", name);
    const left = [...this.#arrays].flatMap(([name, { shape, isWhole }]) =>
      this.#used.has(name) || isWhole === true || isCounter(name)
        ? []
        : [`${printable(name)} ${shapeText(shape)}`],
    );
    if (left.length === 0) return;
    throw new NetworkError("ERR_NETWORK_KEYS", {
      path: this.#path,
      expected: `each array in a layer of ${this.#source}`,
      found: `${listed(left)} in none`,
      next: 'name it in a layer, or in "ignored"',
    });
  }

  finish(): DecodedChain {
    const { output, preprocessing, flattening } = this.#architecture;
    return this.#explained(() => {
      if (output !== undefined) this.#builder.end("output", output);
      const stated: Preprocessing | undefined = preprocessing;
      const built = this.#builder.finish();
      const pixelOrder = built.pixelOrder ?? flattening;
      return { ...built, pixelOrder, preprocessing: stated, assumptions: [], stated: [...this.#stated] };
    });
  }

  /** Adds the file to correct to errors of the builder. */
  #explained<T>(build: () => T): T {
    try {
      return build();
    } catch (error) {
      if (!(error instanceof BatchwiseError)) throw error;
      const { code } = error;
      if (code !== "ERR_NETWORK_LAYER" && code !== "ERR_NETWORK_CHAIN") throw error;
      // Both codes take `next`.
      const more = {
        ...(error.facts as FactsOf<"ERR_NETWORK_LAYER">),
        next: `correct it in ${this.#source}`,
      };
      throw new NetworkError(code as "ERR_NETWORK_LAYER", more, { cause: error });
    }
  }

  #build(layer: ArchitectureLayer, place: string): void {
    const builder = this.#builder;
    switch (layer.type) {
      case "conv2d":
        this.#convolution(layer, place);
        break;
      case "dense":
        this.#dense(layer, place);
        break;
      case "batch-normalization":
        this.#normalization(layer, place);
        break;
      case "max-pool":
      case "average-pool":
        this.#pool(layer, place);
        break;
      case "global-max-pool":
        builder.globalPool(place, "max");
        break;
      case "global-average-pool":
        builder.globalPool(place, "average");
        break;
      case "flatten":
        builder.flatten(place);
        break;
      case "reshape": {
        const [rows, columns, channels] = layer.shape;
        builder.reshape(place, { rows, columns, channels });
        break;
      }
      case "pad": {
        const padding = paddingOf(layer.padding);
        if (padding === "same") throw this.#fault(place, "numbers as padding", '"same"');
        builder.pad(place, padding ?? { top: 0, left: 0, bottom: 0, right: 0 });
        break;
      }
      default:
        this.#activation(layer, place);
        break;
    }
  }

  #convolution(layer: LayerOf<"conv2d">, place: string): void {
    const array = this.#array(place, layer.weights, 4);
    const isFirst = (this.#architecture.convWeights ?? "oihw") === "oihw";
    const { groups = 1 } = layer;
    const [a = 0, b = 0, c = 0, d = 0] = array.shape;
    // Keras' DepthwiseConv2D has (rows, columns, inputs, multiplier): in memory (rows, columns, 1, outputs).
    const { shape } = this.#builder;
    const isOfMap = typeof shape === "object" && shape.channels === groups;
    const isDepthwise = !isFirst && groups > 1 && c === groups && isOfMap;
    const channels = isFirst ? a : isDepthwise ? c * d : d;
    const inputs = isFirst ? b : isDepthwise ? 1 : c;
    if (typeof shape === "object" && shape.channels !== inputs * groups) {
      const perGroup = groups > 1 ? ` in ${groups} groups` : "";
      const order = isFirst ? "oihw" : "hwio";
      const found = `${printable(layer.weights)} ${shapeText(array.shape)}, ${order}, for ${inputs * groups}`;
      throw this.#fault(place, `weights for ${shape.channels} channels${perGroup}`, found);
    }
    this.#builder.conv2d(place, {
      weights: isFirst ? convWeights(array.data, array.shape) : array.data,
      channels,
      kernel: isFirst ? [c, d] : [a, b],
      biases: this.#vector(place, layer.bias, channels),
      stride: pairOf(layer.stride),
      padding: paddingOf(layer.padding),
      dilation: pairOf(layer.dilation),
      groups,
      paddingValue: layer.paddingValue,
    });
  }

  #dense(layer: LayerOf<"dense">, place: string): void {
    const { shape } = this.#builder;
    if (typeof shape === "object" && shape.rows * shape.columns > 1) {
      const found = `a map of ${shape.rows} × ${shape.columns} × ${shape.channels}`;
      throw this.#fault(place, '{"type": "flatten"} before it', found);
    }
    const array = this.#array(place, layer.weights, 2);
    const isTurned = (this.#architecture.denseWeights ?? "outputs-inputs") === "outputs-inputs";
    const [a = 0, b = 0] = array.shape;
    const [inputs, outputs] = isTurned ? [b, a] : [a, b];
    const expected = typeof shape === "object" ? shape.channels : shape;
    if (expected !== undefined && inputs !== expected) {
      const order = isTurned ? "outputs × inputs" : "inputs × outputs";
      const found = `${printable(layer.weights)} ${shapeText(array.shape)}, ${order}`;
      throw this.#fault(place, `weights for ${expected} inputs`, found);
    }
    let weights = array.data;
    if (isTurned) {
      const turned = new Float64Array(weights.length);
      transpose(weights, inputs, turned);
      weights = turned;
    }
    this.#builder.dense(place, { weights, outputs, biases: this.#vector(place, layer.bias, outputs) });
  }

  #normalization(layer: LayerOf<"batch-normalization">, place: string): void {
    const mean = this.#array(place, layer.mean).data;
    const vector = (name: string | undefined) => this.#vector(place, name, mean.length);
    const variance = vector(layer.variance) ?? mean;
    const [gamma, beta] = [vector(layer.weights), vector(layer.bias)];
    const { epsilon = EPSILON } = layer;
    const negative = variance.find((one) => one + epsilon <= 0);
    if (negative !== undefined) {
      const found = `${negative} in ${printable(layer.variance)}, with ε ${epsilon}`;
      throw this.#fault(place, "variances above 0", found);
    }
    const { scale, shift } = batchNormalization({ gamma, beta, mean, variance, epsilon });
    this.#builder.normalize(place, scale, shift);
  }

  #pool(layer: LayerOf<"max-pool"> | LayerOf<"average-pool">, place: string): void {
    const padding = paddingOf(layer.padding);
    const countsPadding = layer.type === "average-pool" && (layer.countsPadding ?? padding !== "same");
    this.#builder.pool2d(place, layer.type === "max-pool" ? "max" : "average", {
      kernel: pairOf(layer.size) ?? [1, 1],
      stride: pairOf(layer.stride),
      padding,
      ceil: layer.ceil,
      countsPadding,
    });
  }

  #activation(layer: ActivationOf, place: string): void {
    if (layer.type !== "identity") this.#stated.add(layer.type);
    this.#builder.activation(place, layer.type, this.#numbersOf(layer, place));
  }

  #numbersOf(layer: ActivationOf, place: string): ArrayLike<number> | undefined {
    switch (layer.type) {
      case "leaky-relu":
        return layer.slope === undefined ? undefined : [layer.slope];
      case "prelu":
        return typeof layer.slopes === "string" ? this.#array(place, layer.slopes).data : layer.slopes;
      case "elu":
        return layer.alpha === undefined ? undefined : [layer.alpha];
      case "hard-sigmoid":
        return [layer.alpha ?? 1 / 6, layer.beta ?? 0.5];
      case "hard-tanh": {
        const { low = -1, high = 1 } = layer;
        if (low > high) throw this.#fault(place, "low at most high", `${low} and ${high}`);
        return [low, high];
      }
      default:
        return undefined;
    }
  }

  /** An array by name, of `rank` dimensions if that is given. */
  #array(place: string, name: string, rank?: number): NamedArray {
    const array = this.#arrays.get(name);
    if (array === undefined) {
      const suggestion = suggest(name, [...this.#arrays.keys()]);
      const hint = suggestion === undefined ? "" : `; did you mean ${printable(suggestion)}?`;
      throw new NetworkError("ERR_NETWORK_KEYS", {
        path: this.#path,
        expected: `the array "${printable(name)}" of ${place} in ${this.#source}`,
        found: `${listed([...this.#arrays.keys()])}${hint}`,
      });
    }
    if (rank !== undefined && array.shape.length !== rank) {
      const found = `${printable(name)} ${shapeText(array.shape)}`;
      throw this.#fault(place, `weights of ${rank} dimensions`, found);
    }
    this.#used.add(name);
    return array;
  }

  /** A list of numbers: shape (length), or a matrix with one row or one column. */
  #vector(place: string, name: string | undefined, length: number): Float64Array | undefined {
    if (name === undefined) return undefined;
    const { shape, data } = this.#array(place, name);
    if (shape.every((size) => size === 1 || size === length) && data.length === length) return data;
    throw this.#fault(place, `${length} numbers in ${printable(name)}`, `shape ${shapeText(shape)}`);
  }

  #fault(layer: string, expected: string, found: string): NetworkError {
    return new NetworkError("ERR_NETWORK_LAYER", { path: this.#path, layer, expected, found });
  }
}

/** Layers that are activations. */
type ActivationOf = LayerOf<Activation | "prelu">;

function inputOf(input: Architecture["input"]): MapShape | number | undefined {
  if (typeof input !== "object") return input;
  const [rows, columns, channels = 1] = input;
  return { rows, columns, channels };
}
