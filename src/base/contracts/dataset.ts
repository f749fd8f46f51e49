/** Contracts of labelled image sets, independent of file formats. */

import type { Assumption } from "#src/base/assumptions.js";
import type { SlabStream } from "#src/base/slab.js";

export const SPLITS = ["test", "train", "val"] as const;
/** Part of a data set: `test` for evaluation, `train` for training, `val` for validation. */
export type Split = (typeof SPLITS)[number];

/** Size of one image. */
export interface ImageShape {
  /** Height, in pixels. */
  readonly rows: number;
  /** Width, in pixels. */
  readonly columns: number;
  /** Bytes per pixel: 1 for grey, 3 for red, green and blue. */
  readonly channels: number;
}

/** Bytes of one image: (rows × columns × channels) u8, row-major, so that the channel varies fastest. */
export function imageBytes({ rows, columns, channels }: ImageShape): number {
  return rows * columns * channels;
}

/** The shape as a list: (rows, columns), and the channels of a coloured image. */
export function imageSizes({ rows, columns, channels }: ImageShape): readonly number[] {
  return channels === 1 ? [rows, columns] : [rows, columns, channels];
}

/** Images from `offset` up to, not including, `offset + limit`. */
export interface ImageRange {
  /** Index of the first image, from 0. */
  readonly offset: number;
  /** Number of images. */
  readonly limit: number;
}

/** Changes of stored images and labels to those that the network expects. */
export interface DatasetView {
  /** Each pixel p becomes 255 − p. */
  readonly invert: boolean;
  /** Rows and columns are swapped. */
  readonly transpose: boolean;
  /** Each colour becomes its grey. */
  readonly grayscale: boolean;
  /** Integer added to each label. */
  readonly labelOffset: number;
}

/** The view that changes nothing. */
export const AS_STORED: DatasetView = {
  invert: false,
  transpose: false,
  grayscale: false,
  labelOffset: 0,
};

/** How pictures of another size become images: resized as Pillow or Keras does, or centred as `predict` does. */
export const FITS = ["pillow", "keras", "mnist"] as const;
/** How pictures of another size are brought to the size of the set. */
export type PictureFit = (typeof FITS)[number];

/** Orders of class folders: `text` is that of torchvision and Keras; by `numeric` the number in a folder's name is its label. */
export const CLASS_ORDERS = ["text", "numeric"] as const;
/** Order of the folders of classes: of their names as texts, or as numbers. */
export type ClassOrder = (typeof CLASS_ORDERS)[number];

/** Facts about images that tables, arrays and pictures may not state, as options state them. */
export interface DatasetReading {
  /** Column of the label in a table: `first`, `last`, `none` or a name. */
  readonly labelColumn?: string | undefined;
  /** Size of an image whose pixels are in one row: `28x28`, `32x32x3`, or `3x32x32` for channels first. */
  readonly imageShape?: string | undefined;
  /** Pixel value of white: `1` or `255`. */
  readonly pixelMax?: PixelMax | undefined;
  /** How pictures of other sizes become images of one size. */
  readonly fit?: PictureFit | undefined;
  /** Order of class folders. */
  readonly classOrder?: ClassOrder | undefined;
  /** Name of a table's column that is no pixel: the group of each image. */
  readonly groupColumn?: string | undefined;
}

/** The options that were given; undefined if there are none. */
export function readingOf(options: DatasetReading): DatasetReading | undefined {
  const { labelColumn, imageShape, pixelMax, fit, classOrder, groupColumn } = options;
  const given = Object.entries({ labelColumn, imageShape, pixelMax, fit, classOrder, groupColumn }).filter(
    ([, value]) => value !== undefined,
  );
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

/** Pixel values of white. */
export const PIXEL_MAXIMA = ["1", "255"] as const;
export type PixelMax = (typeof PIXEL_MAXIMA)[number];

/** Facts about a data set. They come from the headers of its files, before any pixel is read. */
export interface DatasetFacts {
  /** Name that the set was opened by, or the name of its file or folder without the path. */
  readonly name: string;
  /** Requested part of the set. */
  readonly split: Split;
  /** Size of every image. */
  readonly shape: ImageShape;
  /** Number of images in the whole set. */
  readonly total: number;
  /** Path of the labels, for messages; undefined if the images have no labels. */
  readonly labelsPath: string | undefined;
  /** One name per class, in order; undefined unless the user gave them. */
  readonly classNames: readonly string[] | undefined;
  /** Whether the files hold pixels from 0 to 1, which are bytes ÷ 255. Default: they hold bytes. */
  readonly isFraction?: boolean | undefined;
  /** Changes of images and labels while slabs are filled. `shape` includes them. Default: as stored. */
  readonly view?: DatasetView | undefined;
  /** Options that stated what the files do not. Default: none. */
  readonly reading?: DatasetReading | undefined;
  /** Whether `sha256()` is of samples of long files. Default: it is of every byte. */
  readonly isSampled?: boolean | undefined;
  /** Whether images are inflated while they are read. That takes longer than a small network's forward pass. */
  readonly isDeflated?: boolean | undefined;
  /** Assumptions about facts that neither the files nor an option states. Default: none. */
  readonly assumptions?: readonly Assumption[] | undefined;
}

/** Size of slabs, and number of tasks that they serve. */
export interface SlabPlan {
  /** The number of images of each slab is a multiple of this, except in the last slab. At least 1. */
  readonly multiple: number;
  /** Number of tasks at once. The stream holds enough slabs for them. At least 1. */
  readonly lanes: number;
}

/**
 * The hash of a data set in a document. `sha256` is of every byte of the files; it is null if only samples of long files were
 * hashed, which `sampled-sha256` then has, or if a file changed during a run. Equal hashes of either kind mean equal files.
 */
export interface DatasetHash {
  readonly sha256: string | null;
  readonly "sampled-sha256"?: string | undefined;
}

/** @param digest from `Dataset.sha256`; null if the files changed */
export function hashFields({ isSampled = false }: DatasetFacts, digest: string | null): DatasetHash {
  return isSampled && digest !== null ? { sha256: null, "sampled-sha256": digest } : { sha256: digest };
}

/** The hash of either kind; empty if there is none. */
export function hashOf({ sha256, "sampled-sha256": sampled }: DatasetHash): string {
  return sha256 ?? sampled ?? "";
}

/** An open data set: u8 pixels, and one u8 label per image. */
export interface Dataset {
  /** Facts, available before any pixel is read. */
  readonly facts: DatasetFacts;
  /**
   * SHA-256 in hex of the image file's bytes followed by the label file's, or of the one file that has both.
   * A manifest may state it. Unless `verify` was requested, each file over 1 MiB is represented by its length and 16 pieces if
   * the image file is over 16 MiB, or if a pattern or a manifest lists the files: `facts.isSampled` is then true. For several pairs, it is the SHA-256 of their digests in hex, one per line.
   * The first call reads the files. It throws ERR_DATASET_CHANGED if a file is not as it was when the set was opened.
   */
  sha256(): Promise<string>;
  /** Slabs of the range, in order. Reading begins at once. The caller must iterate to the end or call `stop`. */
  slabs(range: ImageRange, plan: SlabPlan): SlabStream;
  /** Names of the images' groups, image by image. Undefined for a set that states none. */
  readonly groups?: ((by: GroupsBy) => AsyncIterable<string>) | undefined;
}

/** Where a set states the group of an image: the table's `groupColumn`, or the folder at a level of a picture's path, from 1. */
export type GroupsBy = "column" | number;

/** State of a file: it differs after the file was written, replaced or removed. Undefined for a pipe, which is in memory. */
export type FileStamp = string | undefined;
