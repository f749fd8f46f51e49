/** Builds layers from the operators of a chain, in order: weights, then biases, then an activation. */

import type { Activation } from "#src/base/contracts/network.js";
import { shapeText } from "#src/base/errors/define.js";
import { OTHER_ENGINE } from "#src/base/errors/network-codes.js";
import { atLeast, NetworkError } from "#src/base/errors.js";
import { lazyArray, type NamedArray, type NamedArrays } from "#src/files/formats/arrays.js";
import type { Step } from "./chain.js";
import type { Tensor, Value } from "./model.js";
import { DATA_TYPE } from "./proto.js";
import { TensorCache } from "./tensor.js";

const MAX_LAYERS = 1_000;
/** Types of an input of pixels as floats. */
const INPUT_TYPES: readonly (number | undefined)[] = [
  DATA_TYPE.float32,
  DATA_TYPE.float64,
  DATA_TYPE.float16,
  DATA_TYPE.bfloat16,
];

interface Draft {
  readonly inputs: number;
  readonly outputs: number;
  readonly weights: NamedArray;
  biases?: NamedArray;
  activation?: Activation;
}

export interface BuiltLayers {
  /** W1 (inputs × outputs), b1 (outputs) …, row-major float64. */
  readonly arrays: NamedArrays;
  /** Activation of every layer except the last. */
  readonly activations: readonly Activation[];
  /** True if the graph itself divides by 255. */
  readonly scaled: boolean;
}

export class LayerBuilder {
  readonly path: string;
  readonly #input: Value;
  readonly #tensors: TensorCache;
  readonly #layers: Draft[] = [];
  #scaled = false;
  #flattened = false;
  #ended = false;

  /** @throws NetworkError ERR_ONNX_GRAPH if the input is not a tensor of floats */
  constructor(path: string, input: Value) {
    this.path = path;
    this.#input = input;
    this.#tensors = new TensorCache(path);
    if (!INPUT_TYPES.includes(input.type)) {
      const found = input.type === undefined ? "no tensor" : `type ${input.type}`;
      throw new NetworkError("ERR_ONNX_GRAPH", {
        path,
        expected: "an input of float32, float64 or float16",
        found,
        next: OTHER_ENGINE,
      });
    }
  }

  weights(step: Step, tensor: Tensor, transposed: boolean): void {
    this.#notEnded(step);
    const weights = this.#matrix(step, tensor, transposed);
    const [inputs, outputs] = atLeast(weights.shape, 2);
    const before = this.#layers.at(-1);
    if (before === undefined) this.#checkInput(step, inputs);
    else if (before.outputs !== inputs) {
      throw this.fault(step, `weights (${before.outputs}, outputs)`, shapeText(weights.shape));
    }
    if (this.#layers.length === MAX_LAYERS) {
      throw new NetworkError("ERR_ONNX_LIMIT", { path: this.path, what: "layers", limit: MAX_LAYERS });
    }
    this.#layers.push({ inputs, outputs, weights });
  }

  biases(step: Step, tensor: Tensor): void {
    const layer = this.#openLayer(step);
    if (layer.biases !== undefined) throw this.fault(step, "one addition per layer", "a second one");
    const array = this.#tensors.floats(tensor);
    const { shape } = array;
    const isRow = shape.length === 1 || (shape.length === 2 && shape[0] === 1);
    if (!isRow || shape.at(-1) !== layer.outputs) {
      throw this.fault(step, `biases (${layer.outputs},)`, shapeText(shape));
    }
    layer.biases = shape.length === 1 ? array : lazyArray([layer.outputs], () => array.data);
  }

  activation(step: Step, activation: Activation): void {
    this.#openLayer(step).activation = activation;
  }

  /** Records the scaling of the pixels: once, before the first layer, with a factor that satisfies `isWanted`. */
  scale(step: Step, tensor: Tensor, isWanted: (factor: number) => boolean): void {
    if (this.#layers.length > 0 || this.#scaled)
      throw this.fault(step, "one scaling, of the input", "a second one");
    const { shape, data } = this.#tensors.floats(tensor);
    // A constant with more dimensions than the pixels would give the pixels as many.
    const rank = this.#flattened ? 2 : (this.#input.shape?.length ?? 2);
    if (data.length !== 1 || shape.length > rank || !isWanted(data[0]!)) {
      throw this.fault(
        step,
        "a division by 255 as the only preprocessing",
        `${shapeText(shape)} of ${data[0]}`,
      );
    }
    this.#scaled = true;
  }

  /** Reshapes to rows of `width` numbers each, if the width is stated. */
  flatten(step: Step, width: number | undefined): void {
    this.#notEnded(step);
    const layer = this.#layers.at(-1);
    const known = layer === undefined ? product(this.#input.shape?.slice(1)) : layer.outputs;
    if (width !== undefined && known !== undefined && width !== known) {
      throw this.fault(step, `rows of ${known}`, `${width}`);
    }
    this.#flattened = true;
  }

  end(step: Step): void {
    this.#openLayer(step);
    this.#ended = true;
  }

  /** Returns the layers. @throws NetworkError ERR_ONNX_GRAPH if there is no layer, or the last has an activation */
  finish(): BuiltLayers {
    const last = this.#layers.at(-1);
    if (last === undefined || last.activation !== undefined) {
      const expected = "logits as the output, or their Softmax";
      const found = last === undefined ? "no layer" : `a last layer with ${last.activation}`;
      throw new NetworkError("ERR_ONNX_GRAPH", { path: this.path, expected, found, next: OTHER_ENGINE });
    }
    const arrays = new Map<string, NamedArray>();
    this.#layers.forEach(({ weights, biases, outputs }, index) => {
      arrays.set(`W${index + 1}`, weights);
      arrays.set(`b${index + 1}`, biases ?? this.#tensors.zeros(outputs));
    });
    const activations = this.#layers.slice(0, -1).map(({ activation = "identity" }) => activation);
    return { arrays, activations, scaled: this.#scaled };
  }

  fault({ name: node }: Step, expected: string, found: string): NetworkError {
    return new NetworkError("ERR_ONNX_NODE", { path: this.path, node, expected, found });
  }

  #notEnded(step: Step): void {
    if (this.#ended) throw this.fault(step, "Softmax as the last operator", "one after it");
  }

  /** Returns the current layer, which has weights and no activation yet. */
  #openLayer(step: Step): Draft {
    this.#notEnded(step);
    const layer = this.#layers.at(-1);
    if (layer !== undefined && layer.activation === undefined) return layer;
    throw this.fault(step, "Gemm or MatMul before it", layer === undefined ? "none" : `${layer.activation}`);
  }

  #checkInput(step: Step, inputs: number): void {
    const { shape } = this.#input;
    if (shape === undefined) return;
    const width = product(shape.slice(1));
    if ((shape.length !== 2 && !this.#flattened) || (width !== undefined && width !== inputs)) {
      const found = `(${shape.map((size) => size ?? "?").join(", ")})`;
      throw this.fault(step, `an input of shape (N, ${inputs})`, found);
    }
  }

  #matrix(step: Step, tensor: Tensor, transposed: boolean): NamedArray {
    const array = this.#tensors.floats(tensor);
    if (array.shape.length !== 2 || array.shape.includes(0)) {
      throw this.fault(step, "weights (inputs, outputs)", shapeText(array.shape));
    }
    return transposed ? this.#tensors.transposed(tensor) : array;
  }
}

/** Undefined if any of them is undefined. */
function product(sizes: readonly (number | undefined)[] | undefined): number | undefined {
  return sizes?.reduce((all, size) => (all === undefined || size === undefined ? undefined : all * size), 1);
}
