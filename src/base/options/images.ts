/** Options that name the images, and say how they are read. */

import { CLASS_ORDERS, FITS, PIXEL_MAXIMA, SPLITS } from "#src/base/contracts/dataset.js";
import { LIMITS } from "#src/base/contracts/run.js";
import { FLAG_TYPE, PATH_TYPE, rows, whole, word } from "./define.js";

const WITH_IMAGES = ["evaluate", "show", "inspect", "diagnose", "compare", "bench", "score"] as const;
const WITH_RANGE = ["evaluate", "compare", "bench"] as const;

const NO_LABELS = { key: "labels", values: [false], flag: "--no-labels" } as const;
export const NEEDS_LABELS = { ...NO_LABELS, because: "without labels there is no score" } as const;

/** Options of the images. */
export const DATA_OPTIONS = rows({
  /** What `openDataset` opens, or an open data set with the labels and class names that it has. Default `bundled`. */
  dataset: {
    flag: "--dataset",
    short: "-d",
    value: "<path>",
    type: { kind: "dataset" },
    default: "bundled",
    help: "images: a name, folder, file or glob",
    group: "data",
    commands: [...WITH_IMAGES, "fit"],
    differs: {
      evaluate: { type: { kind: "datasets" }, help: "images: name, folder, file; repeatable" },
      compare: { help: "images: a name, folder or file", defaultText: "the result's" },
      score: { help: "set with the labels: name, folder or file", defaultText: "none" },
      fit: { required: true, help: "training images: a name, folder or file" },
    },
  },
  /** The label file, if `dataset` is an image file. False: predict the images without reading labels. */
  labels: {
    flag: "--labels",
    value: "<file>",
    type: { kind: "labels" },
    help: "labels of an image file, or of a folder",
    group: "data",
    commands: [...WITH_IMAGES, "fit"],
    // A comparison and a fit need labels.
    differs: {
      fit: { type: PATH_TYPE },
      compare: { type: PATH_TYPE },
      score: { type: PATH_TYPE, help: "labels: IDX, .npy, CSV or NDJSON" },
    },
    negation: {
      flag: "--no-labels",
      help: "predict only; read no labels",
      commands: ["evaluate", "bench"],
    },
  },
  /** A file of class names, one per line. */
  classes: {
    flag: "--classes",
    value: "<file>",
    type: PATH_TYPE,
    help: "class names, one per line",
    group: "data",
    commands: [...WITH_IMAGES, "predict"],
  },
  /** `test`, `train` or `val`, for sets that have several. Default `test`. */
  split: {
    flag: "--split",
    value: "<name>",
    type: word(SPLITS),
    default: "test",
    help: "test, train or val",
    group: "data",
    commands: [...WITH_IMAGES, "fit"],
    differs: {
      compare: { defaultText: "the result's" },
      diagnose: { defaultText: "train, if there is one" },
      fit: { default: "train", help: "images to fit to: train, test or val" },
    },
  },
  /** Turn each pixel p into 255 − p, before everything else. Default false. */
  invert: {
    flag: "--invert",
    type: FLAG_TYPE,
    help: "turn each pixel p into 255 - p",
    group: "data",
    commands: [...WITH_IMAGES, "predict"],
  },
  /** Swap rows and columns of each picture. Default false. */
  transpose: {
    flag: "--transpose",
    type: FLAG_TYPE,
    help: "swap rows and columns, as EMNIST needs",
    group: "data",
    commands: [...WITH_IMAGES, "predict"],
  },
  /** Turn each colour into its grey: luma of ITU-R BT.601, as Pillow's convert("L"). Default false. */
  grayscale: {
    flag: "--grayscale",
    type: FLAG_TYPE,
    help: "turn colours into grey",
    group: "data",
    commands: WITH_IMAGES,
  },
  /** Whole number to add to each label, −255 to 255. Default 0. */
  labelOffset: {
    flag: "--label-offset",
    value: "<n>",
    type: whole(...LIMITS.labelOffset),
    default: 0,
    help: "number to add to each label",
    group: "data",
    commands: WITH_IMAGES,
    conflicts: [NEEDS_LABELS],
  },
  /** Column of the label in a table: first, last, none or its name. Default: the column of that name, or an assumed one. */
  labelColumn: {
    flag: "--label-column",
    value: "<column>",
    type: { kind: "text" },
    help: "label of a table: first, last, none, a name",
    group: "data",
    commands: [...WITH_IMAGES, "fit"],
  },
  /** Size of images: of pixels in one row 28x28, 32x32x3, 3x32x32; of pictures 28x28. Default: the file's, or an assumed one. */
  imageShape: {
    flag: "--image-shape",
    value: "<size>",
    type: { kind: "text" },
    help: "size of images: 28x28, 32x32x3",
    group: "data",
    commands: [...WITH_IMAGES, "fit", "predict"],
    differs: { predict: { help: "size of the network's images", defaultText: "the network's" } },
  },
  /** Pixel value of white in tables and arrays. Default: 255, or 1 as an assumption if no first pixel is above it. */
  pixelMax: {
    flag: "--pixel-max",
    value: "<n>",
    type: word(PIXEL_MAXIMA),
    help: "white in tables and arrays: 1 or 255",
    group: "data",
    commands: [...WITH_IMAGES, "fit"],
  },
  /** Pictures of other sizes: resized as Pillow or Keras does, or `mnist`: centred as `predict` does. Default: `pillow` as an assumption. */
  fit: {
    flag: "--fit",
    value: "<how>",
    type: word(FITS),
    help: "resize pictures as pillow, keras; or mnist",
    group: "data",
    commands: [...WITH_IMAGES, "fit", "predict"],
    differs: { predict: { help: "mnist centres; pillow and keras resize", defaultText: "by size" } },
  },
  /** Labels of class folders: text order as in PyTorch and Keras, or the number in the name. Default: `text` as an assumption. */
  classOrder: {
    flag: "--class-order",
    value: "<order>",
    type: word(CLASS_ORDERS),
    help: "class folders: text or numeric",
    group: "data",
    commands: [...WITH_IMAGES, "fit"],
    conflicts: [NEEDS_LABELS],
  },
  /** Column of a table that holds the group of each image, and no pixel. `groups: "column:…"` counts by it. */
  groupColumn: {
    flag: "--group-column",
    value: "<name>",
    type: { kind: "text" },
    help: "column of a table that names a group: no pixel",
    group: "data",
    commands: [...WITH_IMAGES, "fit"],
  },
  /** Hash every byte of the files. Default false: of sets larger than memory, samples of the files are hashed. */
  verify: {
    flag: "--verify",
    type: FLAG_TYPE,
    help: "hash all of large files, not samples",
    group: "data",
    commands: ["evaluate", "inspect", "diagnose", "bench", "score"],
  },
  /** Index of the first image evaluated, counted from 0. Default 0. */
  offset: {
    flag: "--offset",
    value: "<n>",
    type: whole(...LIMITS.offset),
    default: 0,
    help: "first image, counted from 0",
    group: "data",
    commands: WITH_RANGE,
  },
  /** Most images evaluated, at least 1. Default: all from `offset` on. */
  limit: {
    flag: "--limit",
    value: "<n>",
    type: whole(...LIMITS.limit),
    help: "evaluate at most n images",
    group: "data",
    commands: [...WITH_RANGE, "diagnose"],
    differs: { diagnose: { default: 1000, help: "images in the sample" } },
  },
});
