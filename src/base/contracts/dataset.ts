/** What a labelled image set is, whatever files it came from. */

import type { Assumption } from "#src/base/assumptions.js";
import type { Slab, SlabRing } from "#src/base/slab.js";

export const SPLITS = ["test", "train"] as const;
/** The half of a set: what a network is judged by, or what it was trained on. */
export type Split = (typeof SPLITS)[number];

/** Of one image, in pixels. */
export interface ImageShape {
  /** Its height. */
  readonly rows: number;
  /** Its width. */
  readonly columns: number;
}

/** Images `offset` to `offset + limit` (exclusive) of a set. */
export interface ImageRange {
  /** Index of the first, from 0. */
  readonly offset: number;
  /** How many. */
  readonly limit: number;
}

/** How stored pictures and labels become those that the network expects. */
export interface DatasetView {
  /** Each pixel p becomes 255 − p. */
  readonly invert: boolean;
  /** Rows and columns change places. */
  readonly transpose: boolean;
  /** Whole number that is added to each label. */
  readonly labelOffset: number;
}

/** The view that changes nothing. */
export const AS_STORED: DatasetView = { invert: false, transpose: false, labelOffset: 0 };

/** A set of images that is open: what is known of it, and its images in slabs. u8 pixels, one u8 label each. */
export interface Dataset {
  /** The name that it was opened by, or its file's or folder's, without the path. */
  readonly name: string;
  /** The half that was asked for. */
  readonly split: Split;
  /** Of every image. */
  readonly shape: ImageShape;
  /** Images in the whole set. */
  readonly total: number;
  /**
   * SHA-256, hex, of the image file's bytes as they stand on disk, followed by the label file's where labels are read; or
   * of the one file that has both. Of a set that is read while it is evaluated a manifest may say it; else, of a file longer
   * than 1 MiB, its length and 16 pieces stand in for all of its bytes. Of several pairs of files it is the SHA-256 of
   * theirs, in hex, a line each.
   */
  readonly sha256: string;
  /** Where the labels came from, for messages; undefined where the images have none, and the slabs' labels are 0. */
  readonly labelsPath: string | undefined;
  /** One name a class, in order, where the user gave them. */
  readonly classNames: readonly string[] | undefined;
  /** How pictures and labels were changed on their way into the slabs; `shape` is the changed one. Default: as stored. */
  readonly view?: DatasetView | undefined;
  /** What neither the files nor an option states. Default: nothing. */
  readonly assumptions?: readonly Assumption[] | undefined;
  /** The images of the range in order, in runs of consecutive ones; each run's length but the last's is a multiple of `multiple`. */
  slabs(range: ImageRange, multiple: number): AsyncIterable<Slab>;
  /** Of a set larger than memory: the same in a fixed number of slabs, as many as keep so many lanes of work busy. */
  ring?(range: ImageRange, multiple: number, lanes: number): SlabRing;
}
