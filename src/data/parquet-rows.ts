/** Rows of Parquet files to pixels and labels: pictures in a frame, or lists of numbers. */

import { basename } from "node:path";
import type { DatasetReading, ImageShape } from "#src/base/contracts/dataset.js";
import { DatasetError } from "#src/base/errors.js";
import { isUint8Array } from "#src/base/realm.js";
import { printable } from "#src/base/text.js";
import { type OpenFile, openRegularFileNow } from "#src/files/read-file.js";
import { type ParquetFile, type ParquetRow, readRows } from "./parquet-file.js";
import { frameInto, frameOf, type PictureOptions, probed } from "./pictures/frame.js";
import { channelsLast, imageLayout, pixelMaxOf } from "./reading.js";
import type { GivenFacts } from "./stream/idx-set.js";

/** Rows that are looked at before the run. */
const FIRST_ROWS = 64;
const LABEL_VALUES = 256;
const WHITE = 255;
/** Distance of a number × 255 from a byte. */
const TOLERANCE = 1e-3 * WHITE;

export interface ParquetOptions extends DatasetReading, PictureOptions {
  readonly verify?: boolean | undefined;
}

export interface Shard extends ParquetFile {
  readonly stamp: OpenFile["stamp"];
  readonly sizeBytes: number;
}

/** Fills `out` from `at` on with the pixels of row `index` of a file. */
type Place = (
  image: unknown,
  path: string,
  index: number,
  out: Uint8Array,
  at: number,
) => void | Promise<void>;

export interface Layout {
  readonly shape: ImageShape;
  readonly place: Place;
  readonly assumptions: NonNullable<GivenFacts["assumptions"]>;
}

/** The layout of images, by rows of the first group. */
export async function layoutOf(shard: Shard, source: string, options: ParquetOptions): Promise<Layout> {
  const { path } = shard;
  const group = shard.starts.findIndex((start, n) => (shard.starts[n + 1] ?? 0) > start);
  const file = openRegularFileNow(path, shard.stamp);
  let rows: readonly ParquetRow[];
  try {
    rows = await readRows(shard, file, group, false);
  } finally {
    await file.close();
  }
  const step = Math.max(1, Math.floor(rows.length / FIRST_ROWS));
  const firsts = rows.flatMap(({ image }, index) => (index % step === 0 ? [{ image, index }] : []));
  if (shard.images.kind === "pictures") {
    const probes = [];
    for (const { image, index } of firsts)
      probes.push(await probed(pictureOf(image, path, index), rowName(path, index)));
    const frame = frameOf(probes, source, options);
    return {
      ...frame,
      place: (image, from, index, out, at) =>
        frameInto(frame, pictureOf(image, from, index), rowName(from, index), out, at),
    };
  }
  const { fit } = options;
  if (fit !== undefined) throw fault(path, "pictures for --fit", "lists of pixels", "leave out --fit");
  const sizes = sizesOf(rows[0]?.image);
  const inputs = sizes.reduce((product, size) => product * size, 1);
  const layout = imageLayout({
    path,
    source,
    inputs,
    stated: sizes.length > 1 ? sizes.join("x") : undefined,
    given: options.imageShape,
  });
  const { pixelMax, assumptions } = pixelMaxOf(
    firsts.flatMap(({ image }) => numbersOf(image)),
    source,
    options.pixelMax,
  );
  return {
    shape: layout.shape,
    assumptions: [...layout.assumptions, ...assumptions],
    place(image, from, index, out, at) {
      const bytes = pixelBytes(numbersOf(image), inputs, pixelMax, rowName(from, index));
      if (layout.isChannelsFirst) channelsLast(bytes, out, at);
      else out.set(bytes, at);
    },
  };
}

const rowName = (path: string, index: number) => `${path}: row ${index}`;

function pictureOf(image: unknown, path: string, index: number): Uint8Array {
  if (isUint8Array(image) && image.length > 0) return image;
  const next =
    'write pictures into the file: datasets\' cast_column("image", Image(decode=False)) shows what it holds';
  throw fault(
    rowName(path, index),
    "the bytes of a picture",
    image === null || image === undefined ? "none" : "something else",
    next,
  );
}

/** Lengths of nested lists. */
function sizesOf(image: unknown): readonly number[] {
  return isList(image) ? [image.length, ...(isList(image[0]) ? sizesOf(image[0]) : [])] : [];
}

const isList = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || ArrayBuffer.isView(value);

function numbersOf(image: unknown): number[] {
  if (!isList(image)) return [Number(image ?? Number.NaN)];
  return Array.from(image, (item) => (isList(item) ? numbersOf(item) : Number(item ?? Number.NaN))).flat();
}

/** Pixels as bytes; numbers up to 1 are parts of white. */
function pixelBytes(numbers: readonly number[], inputs: number, pixelMax: number, path: string): Uint8Array {
  if (numbers.length !== inputs)
    throw fault(path, `${inputs} pixels`, `${numbers.length}`, "all images must have one size");
  const scale = WHITE / pixelMax;
  return Uint8Array.from(numbers, (number) => {
    const byte = Math.round(number * scale);
    if (byte >= 0 && byte <= WHITE && Math.abs(number * scale - byte) <= (scale === 1 ? 0 : TOLERANCE))
      return byte;
    const expected = pixelMax === WHITE ? "whole pixels from 0 to 255" : "pixels that are bytes ÷ 255";
    throw fault(path, expected, `${number}`, "save bytes, before anything is normalized");
  });
}

/** @throws DatasetError ERR_DATASET_FORMAT, ERR_LABEL_RANGE */
export function labelOf(
  value: unknown,
  path: string,
  index: number,
  classNames: readonly string[] | undefined,
): number {
  if (typeof value === "string") {
    const label = classNames?.indexOf(value) ?? -1;
    if (label >= 0) return label;
    const next = "set --classes FILE, with the names in the order of the network's outputs";
    throw fault(
      rowName(path, index),
      classNames === undefined ? "a number as label" : "a label among the class names",
      `"${printable(value)}"`,
      next,
    );
  }
  const label = typeof value === "bigint" ? Number(value) : value;
  if (typeof label !== "number" || !Number.isInteger(label)) {
    throw fault(
      rowName(path, index),
      "a whole number as label",
      `${value ?? "none"}`,
      "set --label-column NAME, or --no-labels",
    );
  }
  if (label >= 0 && label < LABEL_VALUES) return label;
  throw new DatasetError("ERR_LABEL_RANGE", { path: basename(path), index, label, classes: LABEL_VALUES });
}

export function fault(path: string, expected: string, found: string, next: string): DatasetError {
  return new DatasetError("ERR_DATASET_FORMAT", { path, expected, found, next });
}
