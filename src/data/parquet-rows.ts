/** Rows of Parquet files to pixels and labels: pictures in a frame, or lists of numbers. */

import { basename } from "node:path";
import type { DatasetReading, ImageShape } from "#src/base/contracts/dataset.js";
import { DatasetError } from "#src/base/errors.js";
import { isUint8Array } from "#src/base/realm.js";
import { printable } from "#src/base/text.js";
import { type OpenFile, openRegularFileNow } from "#src/files/read-file.js";
import { fault, type ParquetFile, type ParquetRow, readRows, rowName } from "./parquet-file.js";
import { probeLists, readLists } from "./parquet-lists.js";
import { frameInto, frameOf, type PictureOptions, probed } from "./pictures/frame.js";
import { channelsLast, imageLayout, pixelMaxOf } from "./reading.js";
import type { GivenFacts } from "./stream/idx-set.js";

/** Rows that are looked at before the run. */
const FIRST_ROWS = 64;
const LABEL_VALUES = 256;

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
  /** As of `DatasetFacts`. */
  readonly isFraction?: boolean;
  readonly rows: typeof readRows;
  readonly place: Place;
  readonly assumptions: NonNullable<GivenFacts["assumptions"]>;
}

/** The layout of images, by rows of the first group. */
export async function layoutOf(shard: Shard, source: string, options: ParquetOptions): Promise<Layout> {
  const group = shard.starts.findIndex((start, n) => (shard.starts[n + 1] ?? 0) > start);
  const file = openRegularFileNow(shard.path, shard.stamp);
  try {
    return shard.images.kind === "pictures"
      ? await pictureLayout(shard, await readRows(shard, file, group, false), source, options)
      : await listLayout(shard, await probeLists(shard, file, group), source, options);
  } finally {
    await file.close();
  }
}

async function pictureLayout(
  { path }: Shard,
  rows: readonly ParquetRow[],
  source: string,
  options: ParquetOptions,
): Promise<Layout> {
  const step = Math.max(1, Math.floor(rows.length / FIRST_ROWS));
  const probes = [];
  for (const [index, { image }] of rows.entries()) {
    if (index % step === 0) probes.push(await probed(pictureOf(image, path, index), rowName(path, index)));
  }
  const frame = frameOf(probes, source, options);
  return {
    ...frame,
    rows: readRows,
    place: (image, from, index, out, at) =>
      frameInto(frame, pictureOf(image, from, index), rowName(from, index), out, at),
  };
}

function listLayout(
  { path }: Shard,
  { sizes, inputs, firsts }: Awaited<ReturnType<typeof probeLists>>,
  source: string,
  { fit, imageShape, pixelMax: given }: ParquetOptions,
): Layout {
  if (fit !== undefined) throw fault(path, "pictures for --fit", "lists of pixels", "leave out --fit");
  const stated = sizes.length > 1 ? sizes.join("x") : undefined;
  const layout = imageLayout({ path, source, inputs, stated, given: imageShape });
  const { pixelMax, assumptions } = pixelMaxOf(firsts, source, given);
  return {
    shape: layout.shape,
    isFraction: pixelMax === 1,
    assumptions: [...layout.assumptions, ...assumptions],
    async rows(file, handle, group, labelled) {
      const pixels = await readLists(file, handle, group, { sizes, inputs, pixelMax });
      const rows = await readRows(file, handle, group, labelled);
      return rows.map(({ label }, n) => ({ label, image: pixels.subarray(n * inputs, (n + 1) * inputs) }));
    },
    place(image, from, index, out, at) {
      const bytes = pictureOf(image, from, index);
      if (layout.isChannelsFirst) channelsLast(bytes, out, at);
      else out.set(bytes, at);
    },
  };
}

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
