/** Options of an evaluation: from a command line's strings or a program's values to one frozen, checked object. */

import {
  type Dataset,
  type DatasetView,
  type ImageRange,
  SPLITS,
  type Split,
} from "#src/base/contracts/dataset.js";
import type { Shard } from "#src/base/contracts/journal.js";
import {
  ACTIVATIONS,
  type Activation,
  ENGINES,
  type EngineName,
  type Network,
  NORMALIZATIONS,
  type Normalization,
} from "#src/base/contracts/network.js";
import { DatasetError, UsageError } from "#src/base/errors.js";
import { suggest } from "#src/base/text.js";
import { viewedDataset } from "#src/data/view.js";
import { assertAskedOnce, MEAN_LIMITS, STD_LIMITS } from "#src/networks/recipe.js";

/** More threads than this are a slip of the keyboard. */
export const MAX_THREADS = 1024;
export const MAX_COUNT = 2 ** 32;
const DAY_SECONDS = 86_400;

/** Lowest and highest value of the options that are numbers. */
export const LIMITS = {
  threads: [0, MAX_THREADS],
  batchSize: [1, MAX_COUNT],
  offset: [0, MAX_COUNT],
  limit: [1, MAX_COUNT],
  timeoutSeconds: [0.001, DAY_SECONDS],
  retries: [0, 100],
  /** Accuracies, recalls, and differences of them. */
  share: [0, 1],
  topK: [1, MAX_COUNT],
  // A million of ten classes take some seconds.
  bootstrap: [0, 1_000_000],
  seed: [0, 2 ** 32 - 1],
  jobImages: [1, MAX_COUNT],
  patienceSeconds: [1, DAY_SECONDS],
  mean: MEAN_LIMITS,
  std: STD_LIMITS,
  // Labels are bytes.
  labelOffset: [-255, 255],
} as const satisfies Readonly<Record<string, readonly [low: number, high: number]>>;

export const EXECUTORS = ["local", "bullmq"] as const;

/** A number, or its decimal digits, as a command line has them. */
export type NumberLike = number | string;

/** What `evaluate` takes. Everything has a default; numbers may be given as strings, as a command line does. */
export interface EvaluateInput {
  /** What `openDataset` opens, or an open data set, with whatever labels and class names it has. Default `bundled`. */
  readonly dataset?: string | Dataset | undefined;
  /** The label file, where `dataset` is an image file. False: the images are opened and predicted without labels. */
  readonly labels?: string | false | undefined;
  /** A file of class names, one a line. */
  readonly classes?: string | undefined;
  /** `test` or `train`, of sets that have both. Default `test`. */
  readonly split?: string | undefined;
  /** Refuse to download: names are then opened from the cache, or are an error. Default false. */
  readonly offline?: boolean | undefined;
  /** A name, a file, a folder of .npy files, or a loaded network. Default `bundled`. */
  readonly weights?: string | Network | undefined;
  /** Activation of the hidden layers, for a file that does not state it. Default: the file's, or one that is assumed. */
  readonly activation?: string | undefined;
  /** `scale` (÷ 255) or `none`, for a file that does not state it. Default: the file's, or `scale` as an assumption. */
  readonly normalize?: string | undefined;
  /** Mean that is subtracted from pixels ÷ 255, −10 to 10; `std` stands beside it. */
  readonly mean?: NumberLike | undefined;
  /** Standard deviation that (pixels ÷ 255 − mean) is divided by, 10⁻⁹ to 10; `mean` stands beside it. */
  readonly std?: NumberLike | undefined;
  /** Each pixel p becomes 255 − p, before everything else. Default false. */
  readonly invert?: boolean | undefined;
  /** Rows and columns of each picture change places. Default false. */
  readonly transpose?: boolean | undefined;
  /** Whole number that is added to each label, −255 to 255. Default 0. */
  readonly labelOffset?: NumberLike | undefined;
  /** Refuse to evaluate on assumptions. Default false: they are named in the answer. */
  readonly strict?: boolean | undefined;
  /** `ml-matrix`, `simd`, `onnx` or `reference`; for probabilities `simd` is `ml-matrix`. Default `ml-matrix`. */
  readonly engine?: string | undefined;
  /** Worker threads, up to 1,024; 0 computes on the calling thread. Default: as many as the machine runs at once. */
  readonly threads?: NumberLike | undefined;
  /** Images a batch. Default 100. */
  readonly batchSize?: NumberLike | undefined;
  /** Index of the first image evaluated, from 0. Default 0. */
  readonly offset?: NumberLike | undefined;
  /** Images evaluated at most, from 1. Default: all from `offset` on. */
  readonly limit?: NumberLike | undefined;
  /** `i/n`: evaluate the i-th of n parts of the images alone; the answer's `shard` is what a merge needs. */
  readonly shard?: string | Shard | undefined;
  /** Path of a journal: what it says is done is not done again, what is done is written to it. One process at a time. */
  readonly resume?: string | undefined;
  /**
   * Of one task, 0.001 s to a day: a batch, of `simd` as many as a task has. On the calling thread, and with the engine
   * `onnx`, none can be cut short. Default 30.
   */
  readonly timeoutSeconds?: NumberLike | undefined;
  /** How often a failed batch is run again, 0 to 100. Default 2. */
  readonly retries?: NumberLike | undefined;
  /** Wait for all workers before the first batch, so that `timing.evaluateMs` has no start in it. Default false. */
  readonly warm?: boolean | undefined;
  /** Compute each image's probabilities, and the result's `scores` of them. Default false. */
  readonly probabilities?: boolean | undefined;
  /** The k of the top-k accuracy, from 1; above the classes it is these. Asks for probabilities. Default 5. */
  readonly topK?: NumberLike | undefined;
  /** Ask for probabilities by what they say: log loss, Brier score, calibration. Default false. */
  readonly calibration?: boolean | undefined;
  /** Resamples of the bootstrap interval of macro F1, up to a million. Default 0: none. */
  readonly bootstrap?: NumberLike | undefined;
  /** Of the bootstrap: 0 to 2³² − 1. Default 1. */
  readonly seed?: NumberLike | undefined;
}

export interface EvaluateOptions extends DatasetView {
  readonly dataset: string | Dataset;
  readonly labels: string | false | undefined;
  readonly classes: string | undefined;
  readonly split: Split;
  readonly offline: boolean;
  readonly weights: string | Network;
  readonly activation: Activation | undefined;
  readonly normalize: Normalization | undefined;
  readonly mean: number | undefined;
  readonly std: number | undefined;
  readonly strict: boolean;
  readonly engine: EngineName;
  readonly threads: number;
  readonly batchSize: number;
  readonly offset: number;
  readonly limit: number;
  readonly shard: Shard | undefined;
  readonly resume: string | undefined;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly warm: boolean;
  /** Asked for by itself, or by an option that needs them. */
  readonly probabilities: boolean;
  readonly topK: number | undefined;
  readonly bootstrap: number;
  readonly seed: number;
}

/** Throws UsageError, naming the option as the command line writes it, what was expected and what was found. */
export function resolveOptions(input: EvaluateInput, availableThreads: number): EvaluateOptions {
  const scored = resolveScores(input);
  const engine = oneOf("engine", ENGINES, input.engine ?? "ml-matrix");
  const view = resolveView(input);
  const { dataset = "bundled" } = input;
  return Object.freeze({
    // An open set gets its view here, so that every road has it.
    dataset: typeof dataset === "string" ? dataset : viewedDataset(dataset, view),
    ...view,
    labels: input.labels,
    classes: input.classes,
    split: oneOf("split", SPLITS, input.split ?? "test"),
    offline: input.offline ?? false,
    weights: input.weights ?? "bundled",
    activation:
      input.activation === undefined ? undefined : oneOf("activation", ACTIVATIONS, input.activation),
    ...resolvePreprocessing(input),
    strict: input.strict ?? false,
    // simd's logits are float32's: its predictions are proven to be float64's, probabilities would not be.
    engine: engine === "simd" && scored.probabilities ? "ml-matrix" : engine,
    threads: integer("--threads", input.threads ?? availableThreads, ...LIMITS.threads),
    batchSize: integer("--batch-size", input.batchSize ?? 100, ...LIMITS.batchSize),
    offset: integer("--offset", input.offset ?? 0, ...LIMITS.offset),
    limit: integer("--limit", input.limit ?? MAX_COUNT, ...LIMITS.limit),
    shard: input.shard === undefined ? undefined : parseShard(input.shard),
    resume: input.resume,
    timeoutMs: 1000 * decimal("--timeout", input.timeoutSeconds ?? 30, ...LIMITS.timeoutSeconds, "seconds"),
    retries: integer("--retries", input.retries ?? 2, ...LIMITS.retries),
    warm: input.warm ?? false,
    ...scored,
  });
}

function resolveView({ invert, transpose, labelOffset, labels }: EvaluateInput): DatasetView {
  const offset = integer("--label-offset", labelOffset ?? 0, ...LIMITS.labelOffset);
  if (labels === false && offset !== 0) {
    throw new UsageError("ERR_USAGE", {
      problem: "--label-offset is asked for with --no-labels; leave one of them out",
    });
  }
  return { invert: invert ?? false, transpose: transpose ?? false, labelOffset: offset };
}

/** @throws UsageError ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE, ERR_USAGE */
export function resolvePreprocessing({
  normalize,
  mean,
  std,
}: Pick<EvaluateInput, "normalize" | "mean" | "std">): Pick<EvaluateOptions, "normalize" | "mean" | "std"> {
  const asked = {
    normalize: normalize === undefined ? undefined : oneOf("normalization", NORMALIZATIONS, normalize),
    mean: mean === undefined ? undefined : channelNumber("--mean", mean, LIMITS.mean),
    std: std === undefined ? undefined : channelNumber("--std", std, LIMITS.std),
  };
  assertAskedOnce(asked);
  return asked;
}

/** The number of the one channel that images have. */
function channelNumber(option: string, given: NumberLike, limits: readonly [number, number]): number {
  if (typeof given === "number" || !given.includes(",")) return decimal(option, given, ...limits);
  throw new UsageError("ERR_OPTION_VALUE", {
    option,
    expected: "one number, since the images have one channel",
    found: given,
  });
}

/** What is asked for beyond counts. Throws UsageError where there are no labels to hold it against. */
function resolveScores(
  input: EvaluateInput,
): Pick<EvaluateOptions, "probabilities" | "topK" | "bootstrap" | "seed"> {
  const topK = input.topK === undefined ? undefined : integer("--top-k", input.topK, ...LIMITS.topK);
  const bootstrap = integer("--bootstrap", input.bootstrap ?? 0, ...LIMITS.bootstrap);
  const seed = integer("--seed", input.seed ?? 1, ...LIMITS.seed);
  const calibration = input.calibration ?? false;
  if (input.labels === false) {
    for (const [option, isAsked] of [
      ["--top-k", topK !== undefined],
      ["--calibration", calibration],
      ["--bootstrap", bootstrap > 0],
      // Predictions that an earlier process made are in no journal.
      ["--shard", input.shard !== undefined],
      ["--resume", input.resume !== undefined],
    ]) {
      const problem = `${option} is asked for with --no-labels, which gives no score`;
      if (isAsked) throw new UsageError("ERR_USAGE", { problem });
    }
  }
  const probabilities = input.probabilities === true || topK !== undefined || calibration;
  return { probabilities, topK, bootstrap, seed };
}

/** One of a registry's names, or an error that suggests the nearest. */
export function oneOf<Name extends string>(what: string, known: readonly Name[], found: string): Name {
  const name = known.find((candidate) => candidate === found);
  if (name !== undefined) return name;
  throw new UsageError("ERR_OPTION_UNKNOWN", { what, found, known, suggestion: suggest(found, known) });
}

/** A whole number in decimal digits: `1e9`, `0x10`, ` 5` and `5.0` are refused. */
export function integer(option: string, given: NumberLike, low: number, high: number): number {
  const value = typeof given === "number" || /^-?\d+$/.test(given) ? Number(given) : Number.NaN;
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw new UsageError("ERR_OPTION_VALUE", {
    option,
    expected: `a whole number from ${low} to ${high}`,
    found: String(given),
  });
}

/** A decimal number such as `0.9352`, within bounds. */
export function decimal(option: string, given: NumberLike, low: number, high: number, unit = ""): number {
  const value = typeof given === "number" || /^-?\d*\.?\d+$/.test(given) ? Number(given) : Number.NaN;
  if (value >= low && value <= high) return value;
  throw new UsageError("ERR_OPTION_VALUE", {
    option,
    expected: `a number ${unit ? `of ${unit} ` : ""}from ${low} to ${high}`,
    found: String(given),
  });
}

// Cuts a run's images into shards, of which each is evaluated by itself.

/** `2/3` is the second of three. Throws UsageError. */
export function parseShard(given: string | Shard): Shard {
  const text = typeof given === "string" ? given : `${given.index}/${given.count}`;
  const [, index, count] = (/^(\d{1,9})\/(\d{1,9})$/.exec(text) ?? []).map(Number);
  if (index >= 1 && index <= count) return { index, count };
  throw new UsageError("ERR_OPTION_VALUE", {
    option: "--shard",
    expected: "i/n with i from 1 to n, such as 2/3",
    found: text,
  });
}

/**
 * Its images: consecutive, and as many as those of the others or one more. Whoever cuts the same range cuts it the same.
 *
 * @throws DatasetError ERR_SHARD_EMPTY where there are fewer images than shards
 */
export function shardOf({ offset, limit }: ImageRange, { index, count }: Shard): ImageRange {
  if (limit < count) throw new DatasetError("ERR_SHARD_EMPTY", { shards: count, images: limit });
  const cut = (shards: number) => offset + Math.floor((limit * shards) / count);
  const first = cut(index - 1);
  return { offset: first, limit: cut(index) - first };
}
