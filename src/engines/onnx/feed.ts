/** Pixels → the tensor that a model reads. A byte has 256 values, so preprocessing is a table of that many numbers. */
import type { ModelInput, ModelInputType } from "#src/base/contracts/onnx-model.js";
import type { Preprocessing } from "#src/base/contracts/preprocessing.js";
import type { Runtime, RuntimeTensor, TensorData } from "./runtime.js";

const BYTE_VALUES = 256;
const WHITE = 255;
/** IEEE 754 binary16: fraction bits, bias, bits of infinity. */
const FRACTION_BITS = 10;
const BIAS = 15;
const FLOAT16_INFINITY = 0x7c00;

/** pixels (count × inputs) u8 → tensor (rows, …shape), count ≤ rows; images that are missing are black. Valid until the next call. */
export type Feed = (pixels: Uint8Array, count: number, rows: number) => RuntimeTensor;

export function createFeed(
  { Tensor }: Pick<Runtime, "Tensor">,
  { type, shape }: Pick<ModelInput, "type" | "shape">,
  preprocessing: Preprocessing,
): Feed {
  const inputs = shape.reduce((product, size) => product * size, 1);
  const table = byteTable(type, preprocessing);
  let values = arrayOf(type, 0);
  return (pixels, count, rows) => {
    if (values.length < rows * inputs) values = arrayOf(type, rows * inputs);
    const filled = count * inputs;
    for (let n = 0; n < filled; n++) values[n] = table[pixels[n]];
    values.fill(table[0], filled, rows * inputs);
    return new Tensor(type, values.subarray(0, rows * inputs), [rows, ...shape]);
  };
}

/** What each byte becomes: entries in the input's own type, float16 as its bits. */
export function byteTable(type: ModelInputType, preprocessing: Preprocessing): TensorData {
  const table = arrayOf(type, BYTE_VALUES);
  for (let byte = 0; byte < BYTE_VALUES; byte++) {
    const value = preprocessed(byte, preprocessing);
    table[byte] = type === "float16" ? float16Bits(value) : value;
  }
  return table;
}

function preprocessed(byte: number, preprocessing: Preprocessing): number {
  switch (preprocessing.kind) {
    case "scale":
      return byte / WHITE;
    case "standardize":
      return (byte / WHITE - preprocessing.mean) / preprocessing.std;
    case "none":
    case "whiten-zca":
    case "whiten-pca":
      // Whitening is in the first layer already, which reads bytes.
      return byte;
  }
}

function arrayOf(type: ModelInputType, length: number): TensorData {
  switch (type) {
    case "float32":
      return new Float32Array(length);
    case "float64":
      return new Float64Array(length);
    case "float16":
      return new Uint16Array(length);
    case "uint8":
      return new Uint8Array(length);
  }
}

/** The bits of the nearest binary16; infinity beyond the largest. Node 20 has no Float16Array. */
function float16Bits(value: number): number {
  const magnitude = Math.abs(value);
  // From the smallest normal exponent down, numbers are equally far apart.
  const exponent = Math.max(1 - BIAS, Math.floor(Math.log2(magnitude)));
  const steps = Math.round(magnitude / 2 ** (exponent - FRACTION_BITS));
  // A normal number's steps begin at 2^10, its implicit one, which so carries into the exponent.
  const bits = Math.min(FLOAT16_INFINITY, steps + ((exponent + BIAS - 1) << FRACTION_BITS));
  return value < 0 ? bits | 0x8000 : bits;
}
