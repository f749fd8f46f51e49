/** What a labelled image set is, whatever files it came from. */

import type { Assumption } from "#src/base/assumptions.js";
import type { SlabStream } from "#src/base/slab.js";

export const SPLITS = ["test", "train"] as const;
/** The half of a set: the images that a network is judged by, or those it was trained on. */
export type Split = (typeof SPLITS)[number];

/** Size of one image, in pixels. */
export interface ImageShape {
  /** Height. */
  readonly rows: number;
  /** Width. */
  readonly columns: number;
}

/** Images `offset` to `offset + limit` (exclusive) of a set. */
export interface ImageRange {
  /** Index of the first image, from 0. */
  readonly offset: number;
  /** Number of images. */
  readonly limit: number;
}

/** The changes that turn stored pictures and labels into those that the network expects. */
export interface DatasetView {
  /** Each pixel p becomes 255 − p. */
  readonly invert: boolean;
  /** Rows and columns change places. */
  readonly transpose: boolean;
  /** Whole number added to each label. */
  readonly labelOffset: number;
}

/** The view that changes nothing. */
export const AS_STORED: DatasetView = { invert: false, transpose: false, labelOffset: 0 };

/** What a data set is, known from the headers of its files before any pixel is read. */
export interface DatasetFacts {
  /** The name that the set was opened by, or the name of its file or folder, without the path. */
  readonly name: string;
  /** The half that was asked for. */
  readonly split: Split;
  /** Size of every image. */
  readonly shape: ImageShape;
  /** Number of images in the whole set. */
  readonly total: number;
  /** Where the labels came from, for messages; undefined where the images have no labels. */
  readonly labelsPath: string | undefined;
  /** One name per class, in order, where the user gave them. */
  readonly classNames: readonly string[] | undefined;
  /** Changes of pictures and labels on their way into the slabs; `shape` is the changed one. Default: as stored. */
  readonly view?: DatasetView | undefined;
  /** Whether images are inflated as they are read, which takes longer than a small network's forward pass. */
  readonly isDeflated?: boolean | undefined;
  /** What neither the files nor an option states. Default: nothing. */
  readonly assumptions?: readonly Assumption[] | undefined;
}

/** How slabs are cut, and how many of them are in memory. */
export interface SlabPlan {
  /** Each slab has a multiple of this many images; the last slab of the range may have fewer. At least 1. */
  readonly multiple: number;
  /** Tasks under way at once. The stream holds enough slabs to keep them busy. At least 1. */
  readonly lanes: number;
}

/** An open set of images: u8 pixels, and one u8 label each. Facts at once, pixels later. */
export interface Dataset {
  /** Known before any pixel is read. */
  readonly facts: DatasetFacts;
  /**
   * SHA-256, hex, of the image file's bytes followed by the label file's; or of the one file that has both. A manifest may
   * state it. Where images are longer than 64 MiB, and in sets of several pairs of files, a file longer than 1 MiB is
   * represented by its length and 16 pieces. For several pairs it is the SHA-256 of their digests in hex, one per line.
   * Reads the files at the first call.
   */
  sha256(): Promise<string>;
  /** The images of the range in order. Reading begins at once; the caller either iterates to the end or calls `stop`. */
  slabs(range: ImageRange, plan: SlabPlan): SlabStream;
}
