/** Data sets in arrays of any element type: images of every usual shape, labels as numbers or as one-hot rows. */

import { endianness } from "node:os";
import type { Assumption } from "#src/base/assumptions.js";
import {
  type Dataset,
  type DatasetReading,
  type ImageShape,
  imageBytes,
} from "#src/base/contracts/dataset.js";
import { shapeText } from "#src/base/errors/define.js";
import { DatasetError } from "#src/base/errors.js";
import { decodeElements } from "#src/files/formats/arrays.js";
import { channelsLast, imageLayout, pixelMaxOf, toPixel } from "./reading.js";
import type { Elements } from "./stream/elements.js";
import type { GivenFacts } from "./stream/idx-set.js";
import { datasetOf, type Part } from "./stream/slab-reader.js";

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

export interface ArraySource extends ArrayPair {
  /** Path of the file, or of that of the images. */
  readonly path: string;
  readonly given: Omit<GivenFacts, "labelsPath">;
  readonly reading?: DatasetReading | undefined;
  readonly assumptions?: readonly Assumption[];
  sha256(): Promise<string>;
}

/** Labels are bytes in memory. */
const LABEL_VALUES = 256;
const COLOURS = 3;
/** Images in which the range of the pixels is looked for. */
const PROBED_IMAGES = 16;
/** Bytes of elements that are converted at once. */
const PIECE_BYTES = 2 ** 20;

/**
 * The set of a pair of arrays.
 *
 * @throws DatasetError ERR_NPZ_ARRAY, ERR_COUNT_MISMATCH, ERR_DATASET_FORMAT; its slabs ERR_PIXEL_VALUE, ERR_LABEL_RANGE
 * @throws UsageError ERR_OPTION_VALUE for an option of the reading
 */
export async function arraysDataset(source: ArraySource): Promise<Dataset> {
  const { images, labels, given, reading = {}, sha256 } = source;
  const layout = layoutOf(source);
  const { shape, isChannelsFirst } = layout;
  const [total = 0] = images.shape;
  if (labels !== undefined) {
    const columns = labels.shape.slice(1).reduce((product, size) => product * size, 1);
    if (
      labels.shape.length > 2 ||
      labels.shape.length === 0 ||
      columns === 0 ||
      columns > LABEL_VALUES ||
      isUnordered(labels)
    ) {
      throw refused(labels, "labels of shape (images,), (images, 1) or (images, classes)");
    }
    if (labels.shape[0] !== total) {
      const facts = {
        imagesPath: images.path,
        images: total,
        labelsPath: labels.path,
        labels: labels.shape[0] ?? 0,
      };
      throw new DatasetError("ERR_COUNT_MISMATCH", facts);
    }
  }
  const inputs = imageBytes(shape);
  const white = await whiteOf(images, inputs, total, given.name, reading.pixelMax);
  const part: Part = {
    count: total,
    async open(first) {
      const pixels = await openPixels(images, { inputs, isChannelsFirst, pixelMax: white.pixelMax }, first);
      const classes = labels && (await openLabels(labels, first));
      return {
        images: pixels,
        labels: classes,
        async finish() {
          await pixels.finish();
          await classes?.finish();
        },
      };
    },
  };
  return datasetOf({
    facts: {
      ...given,
      assumptions: [
        ...(given.assumptions ?? []),
        ...(source.assumptions ?? []),
        ...layout.assumptions,
        ...white.assumptions,
      ],
      labelsPath: labels?.path,
      shape,
      total,
      isDeflated: images.isDeflated ?? false,
    },
    parts: [part],
    sha256,
  });
}

/** Whether the array is in Fortran order, which means nothing in one dimension. */
function isUnordered({ fortranOrder, shape }: StoredArray): boolean {
  return fortranOrder && shape.filter((size) => size !== 1).length > 1;
}

function refused({ path, ...array }: StoredArray, expected: string): DatasetError {
  const found = `${array.type} of shape ${shapeText(array.shape)}${array.fortranOrder ? " in Fortran order" : ""}`;
  return new DatasetError("ERR_NPZ_ARRAY", { path, expected, found });
}

/** (N, P), (N, R, C), (N, R, C, 1 or 3), (N, 1 or 3, R, C). */
function layoutOf({ images, path, given, reading }: ArraySource): ReturnType<typeof imageLayout> {
  const { shape } = images;
  const [, a = 0, b = 0, c = 0] = shape;
  const isColour = (size: number) => size === 1 || size === COLOURS;
  const stated = (rows: number, columns: number, channels: number, isFirst = false) => {
    const image: ImageShape = { rows, columns, channels };
    return { shape: image, isChannelsFirst: isFirst && channels > 1, assumptions: [] };
  };
  if (!shape.includes(0) && !isUnordered(images)) {
    if (shape.length === 2) {
      return imageLayout({ path: images.path, source: given.name, inputs: a, given: reading?.imageShape });
    }
    if (shape.length === 3) return stated(a, b, 1);
    if (shape.length === 4 && isColour(c)) return stated(a, b, c);
    if (shape.length === 4 && isColour(a)) return stated(b, c, a, true);
  }
  const expected =
    "images of shape (images, pixels), (images, rows, columns), (…, channels) or (images, channels, …)";
  throw refused({ ...images, path: images.path || path }, expected);
}

/** The value of white: 255 in bytes, 1 in truth values, otherwise by the first images. */
async function whiteOf(
  images: StoredArray,
  inputs: number,
  total: number,
  source: string,
  given: string | undefined,
): Promise<ReturnType<typeof pixelMaxOf>> {
  if (given === undefined && images.type === "u1") return { pixelMax: 255, assumptions: [] };
  if (given === undefined && images.type === "b1") return { pixelMax: 1, assumptions: [] };
  const elements = await images.open(0);
  try {
    const first = await readNumbers(images, elements, Math.min(total, PROBED_IMAGES) * inputs);
    return pixelMaxOf(first, source, given);
  } finally {
    await elements.close();
  }
}

function bytesOf({ type }: StoredArray): number {
  return Number(type.slice(1));
}

/** The next `count` elements as numbers. */
async function readNumbers(
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
async function openPixels(
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
async function openLabels(array: StoredArray, first: number): Promise<Elements> {
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
