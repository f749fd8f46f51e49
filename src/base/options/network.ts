/** Options that name the network, and state what its file may not; options of its files. */

import { ACTIVATIONS, FITTED_NORMALIZATIONS, NORMALIZATIONS } from "#src/base/contracts/network.js";
import { decimals, each, FLAG_TYPE, PATH_TYPE, rows, word } from "./define.js";

/** Pixels ÷ 255 lie between 0 and 1; some trainings used other values on purpose. Values beyond these belong to bytes. */
export const MEAN_LIMITS = [-10, 10] as const;
export const STD_LIMITS = [1e-9, 10] as const;
/** What `batchwise fit` takes, so that every file that it writes can be read. */
export const EPSILON_LIMITS = [1e-6, 1_000] as const;

const WITH_NETWORK = ["evaluate", "show", "inspect", "diagnose", "predict", "bench"] as const;
/** Commands that read a network's file, and so what the file may not state. */
const WITH_FACTS = [...WITH_NETWORK, "compare", "convert"] as const;

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
