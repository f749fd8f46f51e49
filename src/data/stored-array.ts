/** Arrays in files of any element type: their elements as numbers, pixels and labels. */

import { endianness } from "node:os";
import { DatasetError } from "#src/base/errors.js";
import { decodeElements } from "#src/files/formats/arrays.js";
import { channelsLast, toPixel } from "./reading.js";
import type { Elements } from "./stream/elements.js";

/** Types of elements by NumPy's names, and the arrays of JavaScript that have them. */
export const ARRAY_TYPES = {
  b1: Uint8Array,
  u1: Uint8Array,
  i1: Int8Array,
  u2: Uint16Array,
  i2: Int16Array,
  u4: Uint32Array,
  i4: Int32Array,
  u8: BigUint64Array,
  i8: BigInt64Array,
  f2: undefined,
  f4: Float32Array,
  f8: Float64Array,
} as const;
export type ArrayType = keyof typeof ARRAY_TYPES;

export function isArrayType(name: string): name is ArrayType {
  return Object.hasOwn(ARRAY_TYPES, name);
}

/** An array in a file. Its length was checked against its shape. */
export interface StoredArray {
  /** Name in the file; empty where the file is one array. */
  readonly name: string;
  /** Path of the file with the name, for messages. */
  readonly path: string;
  readonly type: ArrayType;
  readonly littleEndian: boolean;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  readonly isDeflated?: boolean;
  /** Whether of several columns of labels the first is the class, as in QMNIST's files. */
  readonly isFirstColumn?: boolean;
  /** Bytes of the elements from byte `first` on. */
  open(first: number): Promise<Elements>;
}

export interface ArrayPair {
  readonly images: StoredArray;
  /** Undefined where the images are read alone. */
  readonly labels: StoredArray | undefined;
}

/** Labels are bytes in memory. */
export const LABEL_VALUES = 256;
/** Bytes of elements that are converted at once. */
const PIECE_BYTES = 2 ** 20;

function bytesOf({ type }: StoredArray): number {
  return Number(type.slice(1));
}

/** The next `count` elements as numbers. */
export async function readNumbers(
  array: StoredArray,
  elements: Elements,
  count: number,
): Promise<ArrayLike<number>> {
  const bytes = Buffer.from(new ArrayBuffer(count * bytesOf(array)));
  await elements.read(bytes);
  const { type, littleEndian } = array;
  if (type === "f2") return decodeElements(bytes, "float16", littleEndian);
  if (littleEndian !== (endianness() === "LE")) {
    const size = bytesOf(array);
    if (size === 2) bytes.swap16();
    else if (size === 4) bytes.swap32();
    else if (size === 8) bytes.swap64();
  }
  if (type === "i8") return Float64Array.from(new BigInt64Array(bytes.buffer), Number);
  if (type === "u8") return Float64Array.from(new BigUint64Array(bytes.buffer), Number);
  return new ARRAY_TYPES[type](bytes.buffer);
}

interface PixelLayout {
  readonly inputs: number;
  readonly isChannelsFirst: boolean;
  readonly pixelMax: number;
}

/** Pixels from image `first` on, as bytes, channels last. */
export async function openPixels(
  array: StoredArray,
  { inputs, isChannelsFirst, pixelMax }: PixelLayout,
  first: number,
): Promise<Elements> {
  const elements = await array.open(first * inputs * bytesOf(array));
  if (array.type === "u1" && pixelMax === 255 && !isChannelsFirst) return elements;
  const atOnce = Math.max(1, Math.floor(PIECE_BYTES / (inputs * bytesOf(array))));
  const scratch = new Uint8Array(inputs);
  let image = first;
  return {
    ...elements,
    async read(into) {
      for (let at = 0; at < into.length; ) {
        const images = Math.min(atOnce, (into.length - at) / inputs);
        const numbers = await readNumbers(array, elements, images * inputs);
        for (let n = 0; n < images; n++, at += inputs, image++) {
          const from = n * inputs;
          for (let pixel = 0; pixel < inputs; pixel++) {
            const byte = toPixel(numbers[from + pixel]!, pixelMax);
            if (byte < 0) throw pixelFault(array, image, numbers[from + pixel]!, pixelMax);
            scratch[pixel] = byte;
          }
          if (isChannelsFirst) channelsLast(scratch, into, at);
          else into.set(scratch, at);
        }
      }
    },
  };
}

function pixelFault({ path }: StoredArray, index: number, found: number, pixelMax: number): DatasetError {
  const expected = pixelMax === 1 ? "pixels from 0 to 1 that are bytes ÷ 255" : "whole pixels from 0 to 255";
  return new DatasetError("ERR_PIXEL_VALUE", { path, index, expected, found });
}

/** Labels from label `first` on: numbers, the first of QMNIST's eight, or the places of ones. */
export async function openLabels(array: StoredArray, first: number): Promise<Elements> {
  const columns = array.shape[1] ?? 1;
  const elements = await array.open(first * columns * bytesOf(array));
  const { path } = array;
  let index = first;
  return {
    ...elements,
    async read(into) {
      const numbers = await readNumbers(array, elements, into.length * columns);
      for (let n = 0; n < into.length; n++, index++) {
        const from = n * columns;
        const label =
          columns === 1 || array.isFirstColumn ? numbers[from]! : placeOfOne(numbers, from, columns);
        if (label === undefined) {
          const facts = {
            expected: "a single 1 in each row of labels, zeros otherwise",
            found: "another row",
          };
          throw new DatasetError("ERR_DATASET_FORMAT", { path, ...facts, next: `look at row ${index}` });
        }
        if (!(label >= 0 && label < LABEL_VALUES && Number.isInteger(label))) {
          throw new DatasetError("ERR_LABEL_RANGE", { path, index, label, classes: LABEL_VALUES });
        }
        into[n] = label;
      }
    },
  };
}

/** Column of the only 1 in a row of zeros; undefined for another row. */
function placeOfOne(numbers: ArrayLike<number>, from: number, columns: number): number | undefined {
  let place: number | undefined;
  for (let column = 0; column < columns; column++) {
    const value = numbers[from + column]!;
    if (value === 0) continue;
    if (value !== 1 || place !== undefined) return undefined;
    place = column;
  }
  return place;
}
