/**
 * Tensors that a model reads, made of pixels; and its inputs and outputs by their metadata. A byte has 256 values, so
 * preprocessing is a table.
 */

import { MODEL_INPUT_TYPES, type ModelInput, type ModelInputType } from "#src/base/contracts/engine.js";
import type { Preprocessing } from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import { listed, printable } from "#src/base/text.js";
import { channelsOf, numberOf } from "#src/networks/recipe.js";
import type { Runtime, RuntimeTensor, TensorData, ValueMetadata } from "./runtime.js";

const BYTE_VALUES = 256;
const WHITE = 255;
/** Red, green and blue. */
const COLOURS = 3;
/** IEEE 754 binary16: fraction bits, bias, bits of infinity. */
const FRACTION_BITS = 10;
const BIAS = 15;
const FLOAT16_INFINITY = 0x7c00;

/** Pixels (count, inputs) u8 → tensor (rows, …shape), count ≤ rows; missing images are black. Valid until the next call. */
export type Feed = (pixels: Uint8Array, count: number, rows: number) => RuntimeTensor;

export function createFeed(
  { Tensor }: Pick<Runtime, "Tensor">,
  { type, shape, order }: Pick<ModelInput, "type" | "shape" | "order">,
  preprocessing: Preprocessing,
): Feed {
  const inputs = shape.reduce((product, size) => product * size, 1);
  const fill =
    order === "channels-first" || channelsOf(preprocessing) > 1
      ? colourFiller(type, preprocessing, inputs, order === "channels-first")
      : greyFiller(type, preprocessing);
  let values = arrayOf(type, 0);
  return (pixels, count, rows) => {
    if (values.length < rows * inputs) values = arrayOf(type, rows * inputs);
    fill(values, pixels, count * inputs);
    // Missing images are black. Every filler makes the same of equal images.
    if (count < rows)
      fill(values.subarray(count * inputs), BLACK(inputs * (rows - count)), (rows - count) * inputs);
    return new Tensor(type, values.subarray(0, rows * inputs), [rows, ...shape]);
  };
}

/** Writes `length` values from as many bytes. */
type Fill = (values: TensorData, pixels: Uint8Array, length: number) => void;

const BLACK = (length: number) => new Uint8Array(length);

function greyFiller(type: ModelInputType, preprocessing: Preprocessing): Fill {
  const table = byteTable(type, preprocessing);
  return (values, pixels, length) => {
    for (let n = 0; n < length; n++) values[n] = table[pixels[n]!]!;
  };
}

/** Bytes lie channels last. Each channel has its own table. */
function colourFiller(
  type: ModelInputType,
  preprocessing: Preprocessing,
  inputs: number,
  isChannelsFirst: boolean,
): Fill {
  const tables = Array.from({ length: COLOURS }, (_, channel) => byteTable(type, preprocessing, channel));
  const places = inputs / COLOURS;
  const [step, next] = isChannelsFirst ? [1, places] : [COLOURS, 1];
  return (values, pixels, length) => {
    for (let image = 0; image < length; image += inputs) {
      for (const [channel, table] of tables.entries()) {
        let to = image + channel * next;
        for (let from = image + channel; from < image + inputs; from += COLOURS, to += step) {
          values[to] = table[pixels[from]!]!;
        }
      }
    }
  };
}

/** Table of what each byte of a channel becomes, in the input's own type; float16 as its bits. */
export function byteTable(type: ModelInputType, preprocessing: Preprocessing, channel = 0): TensorData {
  const table = arrayOf(type, BYTE_VALUES);
  for (let byte = 0; byte < BYTE_VALUES; byte++) {
    const value = preprocessed(byte, preprocessing, channel);
    table[byte] = type === "float16" ? float16Bits(value) : value;
  }
  return table;
}

function preprocessed(byte: number, preprocessing: Preprocessing, channel: number): number {
  switch (preprocessing.kind) {
    case "scale":
      return byte / WHITE;
    case "standardize":
      return (byte / WHITE - numberOf(preprocessing.mean, channel)) / numberOf(preprocessing.std, channel);
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

/** Returns the bits of the nearest binary16; infinity beyond the largest. Node.js 20 has no Float16Array. */
function float16Bits(value: number): number {
  const magnitude = Math.abs(value);
  // From the smallest normal exponent down, numbers have equal distances.
  const exponent = Math.max(1 - BIAS, Math.floor(Math.log2(magnitude)));
  const steps = Math.round(magnitude / 2 ** (exponent - FRACTION_BITS));
  // The steps of a normal number begin at 2^10, its implicit one, which carries into the exponent.
  const bits = Math.min(FLOAT16_INFINITY, steps + ((exponent + BIAS - 1) << FRACTION_BITS));
  return value < 0 ? bits | 0x8000 : bits;
}

const LAYOUTS =
  "(N, pixels), (N, rows, columns), or (N, channels, rows, columns) or (N, rows, columns, channels) of 1 or 3 channels";
const LOGIT_TYPES: readonly (string | undefined)[] = ["float32", "float64", "float16"];
/** Most numbers of one run's input: 512 MiB of float64. */
const MAX_RUN_ELEMENTS = 2 ** 26;

/**
 * Returns the only input, which takes images. The first dimension is the batch, of a fixed or of any size.
 *
 * @throws NetworkError ERR_ONNX_GRAPH
 */
export function inputOf(path: string, inputs: readonly ValueMetadata[]): ModelInput {
  const [input, ...more] = inputs;
  if (input === undefined || more.length > 0) {
    const found = `${inputs.length}: ${listed(inputs.map(({ name }) => name))}`;
    throw fault(path, "one input, of images", inputs.length === 0 ? "none" : found);
  }
  const type = MODEL_INPUT_TYPES.find((one) => one === input.type);
  if (type === undefined) {
    throw fault(path, `an input of ${MODEL_INPUT_TYPES.join(", ")}`, input.type ?? "no tensor");
  }
  const [batch, ...dimensions] = input.shape ?? [];
  const shape = dimensions.filter((size) => typeof size === "number");
  if (shape.length < dimensions.length || !isLayout(shape) || batch === 0) {
    throw fault(path, `an input ${LAYOUTS}, all but N of sizes that are said`, shapeOf(input));
  }
  const images = typeof batch === "number" ? batch : undefined;
  if (shape.reduce((product, size) => product * size, images ?? 1) > MAX_RUN_ELEMENTS) {
    throw fault(path, `an input of at most ${MAX_RUN_ELEMENTS} pixels a run`, shapeOf(input));
  }
  return { name: input.name, type, shape, batch: images, ...orderOf(shape) };
}

/** Returns the outputs whose shape may be (N, classes). An unknown shape may be any. */
export function logitCandidates(path: string, outputs: readonly ValueMetadata[]): readonly string[] {
  const candidates = outputs.filter(
    ({ isTensor, type, shape = [] }) =>
      isTensor && LOGIT_TYPES.includes(type) && (shape.length === 0 || shape.length === 2),
  );
  if (candidates.length > 0) return candidates.map(({ name }) => name);
  throw noLogits(path, outputs.map((output) => `${printable(output.name)} ${shapeOf(output)}`).join(", "));
}

/** True if a tensor is (rows, classes) apart from dimensions of 1: before a last Flatten it is (rows, classes, 1, 1). */
export function isRows(dims: readonly number[], rows: number, classes: number): boolean {
  const isMore = (size: number) => size !== 1;
  const sizes = dims.filter(isMore);
  const expected = [rows, classes].filter(isMore);
  return sizes.length === expected.length && sizes.every((size, axis) => size === expected[axis]);
}

export function noLogits(path: string, found: string): NetworkError {
  return fault(path, "an output (N, classes) of floats", found);
}

function isLayout(shape: readonly number[]): boolean {
  if (!shape.every((size) => size > 0)) return false;
  const [first = 0, , third = 0] = shape;
  // With a single channel it does not matter whether it comes first or last.
  return (
    shape.length === 1 ||
    shape.length === 2 ||
    (shape.length === 3 && [1, COLOURS].some((one) => one === first || one === third))
  );
}

/** Where the channels of a coloured image are; empty for grey images and lists of pixels. */
function orderOf(shape: readonly number[]): Pick<ModelInput, "order"> {
  const [first, , third] = shape;
  if (shape.length < 3 || first === 1 || third === 1) return {};
  return { order: first === COLOURS ? "channels-first" : "channels-last" };
}

function shapeOf({ shape = [], type = "no tensor" }: ValueMetadata): string {
  const sizes = shape.map((size) => (typeof size === "number" ? `${size}` : printable(size) || "?"));
  return `(${sizes.join(", ")}) of ${type}`;
}

function fault(path: string, expected: string, found: string): NetworkError {
  return new NetworkError("ERR_ONNX_GRAPH", { path, expected, found });
}
