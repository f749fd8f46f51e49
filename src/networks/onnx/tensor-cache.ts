/** The tensors of a model, decoded once each however many nodes read them, so that what is one in the file stays one. */
import { type NamedArray, transpose } from "#src/files/formats/arrays.js";
import type { Tensor } from "./model.js";
import { floatsOf } from "./tensor.js";

export class TensorCache {
  readonly #path: string;
  readonly #decoded = new Map<Tensor, NamedArray>();
  readonly #transposed = new Map<Tensor, NamedArray>();
  readonly #zeros = new Map<number, NamedArray>();

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws NetworkError ERR_ONNX_EXTERNAL, ERR_ONNX_TENSOR, ERR_WEIGHTS_SIZE. */
  floats(tensor: Tensor): NamedArray {
    return known(this.#decoded, tensor, () => floatsOf(this.#path, tensor));
  }

  /** Of a tensor of two dimensions. */
  transposed(tensor: Tensor): NamedArray {
    return known(this.#transposed, tensor, () => {
      const { shape, data } = this.floats(tensor);
      const [rows, columns] = shape;
      const turned = new Float64Array(data.length);
      transpose(data, columns, turned);
      return { shape: [columns, rows], data: turned };
    });
  }

  zeros(length: number): NamedArray {
    return known(this.#zeros, length, () => ({ shape: [length], data: new Float64Array(length) }));
  }
}

function known<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
}
