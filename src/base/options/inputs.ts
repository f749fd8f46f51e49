/** Options that name the images and the network. */

import { CLASS_ORDERS, FITS, PIXEL_MAXIMA, SPLITS } from "#src/base/contracts/dataset.js";
import { ACTIVATIONS, FITTED_NORMALIZATIONS, NORMALIZATIONS } from "#src/base/contracts/network.js";
import { LIMITS } from "#src/base/contracts/run.js";
import { decimals, each, FLAG_TYPE, PATH_TYPE, rows, whole, word } from "./define.js";

/** Pixels ÷ 255 lie between 0 and 1; some trainings used other values on purpose. Values beyond these belong to bytes. */
export const MEAN_LIMITS = [-10, 10] as const;
export const STD_LIMITS = [1e-9, 10] as const;
/** What `batchwise fit` takes, so that every file that it writes can be read. */
export const EPSILON_LIMITS = [1e-6, 1_000] as const;

const WITH_PIXELS = ["evaluate", "show", "inspect", "diagnose", "compare", "bench"] as const;
const WITH_IMAGES = [...WITH_PIXELS, "score"] as const;
const WITH_NETWORK = ["evaluate", "show", "inspect", "diagnose", "predict", "bench"] as const;
const WITH_RANGE = ["evaluate", "compare", "bench"] as const;
/** Commands that read a network's file, and so what the file may not state. */
const WITH_FACTS = [...WITH_NETWORK, "compare", "convert"] as const;

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
    help: "label file, if --dataset is an image file",
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
    commands: [...WITH_IMAGES, "fit"],
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
    commands: [...WITH_IMAGES, "fit"],
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

const BOTH_NUMBERS = "both numbers standardize the pixels";
const OTHER_KINDS = NORMALIZATIONS.filter((kind) => kind !== "standardize");
const ONLY_STANDARDIZE = {
  key: "normalize",
  values: OTHER_KINDS,
  flag: "--normalize",
  because: "--mean and --std standardize the pixels",
} as const;

/** Options of the network. */
export const NETWORK_OPTIONS = rows({
  /** A name, a file, a folder of .npy files, or a loaded network. Default `bundled`. */
  weights: {
    flag: "--weights",
    short: "-w",
    value: "<path>",
    type: { kind: "weights" },
    default: "bundled",
    help: "network: a name, file or folder",
    group: "network",
    commands: [...WITH_NETWORK, "fit"],
    differs: { fit: { type: PATH_TYPE, required: true, help: "trained weights: a file or folder" } },
  },
  /** Activation of the hidden layers, or of each, for a file that does not state it. Default: the file's, or an assumed one. */
  activation: {
    flag: "--activation",
    value: "<names>",
    type: each(ACTIVATIONS),
    help: "of hidden layers, if unstated: relu, relu,tanh",
    group: "network",
    commands: [...WITH_FACTS, "fit"],
  },
  /** File of the layers, JSON of `schemas/architecture.schema.json`, for a file of arrays that does not state them. */
  architecture: {
    flag: "--architecture",
    value: "<file>",
    type: PATH_TYPE,
    help: "layers in JSON, if the file has arrays alone",
    group: "network",
    commands: [...WITH_FACTS, "fit"],
    conflicts: [
      { key: "activation", flag: "--activation", because: "an architecture states its activations" },
    ],
  },
  /** Preprocessing of the pixels, for a file that does not state it. Default: the file's, or `scale` as an assumption. */
  normalize: {
    flag: "--normalize",
    value: "<how>",
    type: word(NORMALIZATIONS),
    help: "pixels, if unstated: scale, none, standardize",
    group: "network",
    commands: [...WITH_FACTS, "fit"],
    differs: {
      fit: {
        type: word(FITTED_NORMALIZATIONS),
        required: true,
        help: "standardize, whiten-zca or whiten-pca",
      },
    },
  },
  /** Mean to subtract from pixels ÷ 255, −10 to 10; one number, or one for each channel. Needs `std`. */
  mean: {
    flag: "--mean",
    value: "<x>",
    type: decimals(...MEAN_LIMITS),
    help: "mean to subtract from pixels / 255",
    group: "network",
    commands: WITH_FACTS,
    requires: [{ key: "std", flag: "--std", because: `${BOTH_NUMBERS}; --std 1 divides by nothing` }],
    conflicts: [ONLY_STANDARDIZE],
  },
  /** Standard deviation to divide (pixels ÷ 255 − mean) by, 10⁻⁹ to 10; as `mean`. Needs `mean`. */
  std: {
    flag: "--std",
    value: "<x>",
    type: decimals(...STD_LIMITS),
    help: "standard deviation to divide by after --mean",
    group: "network",
    commands: WITH_FACTS,
    requires: [{ key: "mean", flag: "--mean", because: `${BOTH_NUMBERS}; --mean 0 subtracts nothing` }],
    conflicts: [ONLY_STANDARDIZE],
  },
  /** Fail if anything had to be assumed. Default false: the answer names what was assumed. */
  strict: {
    flag: "--strict",
    type: FLAG_TYPE,
    help: "fail if anything had to be assumed",
    group: "network",
    commands: [
      "evaluate",
      "show",
      "inspect",
      "predict",
      "compare",
      "check",
      "convert",
      "fit",
      "bench",
      "score",
    ],
  },
  /** Download nothing: names are opened from the cache, or are an error. Default false. */
  offline: {
    flag: "--offline",
    type: FLAG_TYPE,
    help: "download nothing; use the cache only",
    group: "network",
    commands: [...WITH_FACTS, "check", "report", "fit", "score"],
  },
});

/** Options of single commands. */
export const FILE_OPTIONS = rows({
  architectureTemplate: {
    flag: "--architecture-template",
    type: FLAG_TYPE,
    help: "print a template for --architecture",
    group: "answer",
    commands: ["inspect"],
  },
  /** ε of whitening, 10⁻⁶ to 1,000, as in the training. Default 0.1. */
  epsilon: {
    flag: "--epsilon",
    value: "<x>",
    type: { kind: "decimal", limits: EPSILON_LIMITS },
    default: 0.1,
    help: "epsilon of whitening, as in the training",
    group: "network",
    commands: ["fit"],
  },
  dtype: {
    flag: "--dtype",
    value: "<type>",
    type: word(["float32", "float64"]),
    defaultText: "float32",
    help: "float32 or float64",
    group: "answer",
    commands: ["convert"],
  },
  compress: {
    flag: "--compress",
    type: FLAG_TYPE,
    help: "deflate the arrays of a .npz",
    group: "answer",
    commands: ["convert"],
  },
});
