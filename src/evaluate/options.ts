/** Checks the options of an evaluation, from a command line or a program, and makes one frozen object of them. */

import type { Dataset, DatasetReading, DatasetView, ImageRange, Split } from "#src/base/contracts/dataset.js";
import type { EngineName } from "#src/base/contracts/engine.js";
import type { Shard } from "#src/base/contracts/journal.js";
import type { Activations, Network, Normalization, PerChannel } from "#src/base/contracts/network.js";
import { MAX_COUNT } from "#src/base/contracts/run.js";
import { DatasetError, UsageError } from "#src/base/errors.js";
import type { SLICE_OPTIONS } from "#src/base/options/answer.js";
import type { Given } from "#src/base/options/define.js";
import type { DATA_OPTIONS } from "#src/base/options/images.js";
import { NETWORK_OPTIONS } from "#src/base/options/network.js";
import type { EXECUTOR_OPTIONS } from "#src/base/options/redis.js";
import type { RUN_OPTIONS, SCORE_OPTIONS } from "#src/base/options/run.js";
import { assertTogether, EVALUATE_OPTIONS } from "#src/base/options/table.js";
import { checkedValue, parseShard } from "#src/base/options/values.js";
import { viewedDataset } from "#src/data/view.js";
import { checkedPreprocessing } from "#src/networks/recipe.js";

/** Options of `evaluate`. Every option has a default. Numbers may be strings, as on a command line. */
export interface EvaluateInput
  extends Given<typeof DATA_OPTIONS>,
    Given<typeof NETWORK_OPTIONS>,
    Given<typeof RUN_OPTIONS>,
    Given<typeof SCORE_OPTIONS> {}

/** Options of `evaluate` that count some images alone, or each group of them. */
export interface SliceInput extends Given<typeof SLICE_OPTIONS> {}

/** Who computes: options that `evaluate` takes besides those of the evaluation. */
export interface ExecutorInput extends Given<typeof EXECUTOR_OPTIONS> {}

export interface EvaluateOptions extends DatasetView, DatasetReading {
  readonly dataset: string | Dataset;
  readonly labels: string | false | undefined;
  readonly classes: string | undefined;
  readonly split: Split;
  readonly verify: boolean;
  readonly offline: boolean;
  readonly weights: string | Network;
  readonly activation: Activations | undefined;
  readonly architecture: string | undefined;
  readonly normalize: Normalization | undefined;
  readonly mean: PerChannel | undefined;
  readonly std: PerChannel | undefined;
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
  /** True if probabilities are requested by their own option, or by one that needs them. */
  readonly probabilities: boolean;
  readonly topK: number | undefined;
  readonly bootstrap: number;
  readonly seed: number;
}

/**
 * Checks the options and fills in their defaults. An error names the option as the command line writes it.
 *
 * @throws UsageError ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE, ERR_USAGE
 */
export function resolveOptions(input: EvaluateInput, availableThreads: number): EvaluateOptions {
  assertTogether(EVALUATE_OPTIONS, { ...input });
  assertOpens(input);
  const { engine, split, threads, batchSize, offset, limit, timeoutSeconds, retries } = EVALUATE_OPTIONS;
  const scored = resolveScores(input);
  const wanted = checkedValue(engine, input.engine ?? engine.default);
  const view = resolveView(input);
  const { dataset = EVALUATE_OPTIONS.dataset.default } = input;
  return Object.freeze({
    // An open set gets its view here, so that every caller has it.
    dataset: typeof dataset === "string" ? dataset : viewedDataset(dataset, view),
    ...view,
    labels: input.labels,
    classes: input.classes,
    ...resolveDataReading(input),
    split: checkedValue(split, input.split ?? split.default),
    verify: input.verify ?? false,
    offline: input.offline ?? false,
    weights: input.weights ?? EVALUATE_OPTIONS.weights.default,
    ...resolveReading(input),
    strict: input.strict ?? false,
    // The logits of simd are float32: its predictions are proven to equal float64's, its probabilities would not.
    engine: wanted === "simd" && scored.probabilities ? "ml-matrix" : wanted,
    threads: checkedValue(threads, input.threads ?? availableThreads),
    batchSize: checkedValue(batchSize, input.batchSize ?? batchSize.default),
    offset: checkedValue(offset, input.offset ?? offset.default),
    limit: checkedValue(limit, input.limit ?? MAX_COUNT),
    shard: input.shard === undefined ? undefined : parseShard(input.shard),
    resume: input.resume,
    timeoutMs: 1000 * checkedValue(timeoutSeconds, input.timeoutSeconds ?? timeoutSeconds.default),
    retries: checkedValue(retries, input.retries ?? retries.default),
    warm: input.warm ?? false,
    ...scored,
  });
}

/**
 * Rejects what would have no effect on an open data set or a loaded network.
 *
 * @throws UsageError ERR_USAGE
 */
function assertOpens({
  dataset,
  labels,
  classes,
  split,
  weights,
  activation,
  architecture,
}: EvaluateInput): void {
  const refuse = (option: string, subject: string, call: string): never => {
    throw new UsageError("ERR_USAGE", {
      problem: `${option} has no effect on ${subject}: give it to ${call}`,
    });
  };
  if (typeof dataset === "object") {
    const { facts } = dataset;
    const isLabelled = facts.labelsPath !== undefined;
    const given = [
      ["labels", labels !== undefined && (labels !== false || isLabelled)],
      ["classes", classes !== undefined],
      ["split", split !== undefined && split !== facts.split && split !== EVALUATE_OPTIONS.split.default],
    ] as const;
    for (const [option, isIgnored] of given) if (isIgnored) refuse(option, "an open data set", "openDataset");
  }
  if (typeof weights === "object" && architecture !== undefined) {
    refuse("architecture", "a loaded network", "loadNetwork");
  }
  if (typeof weights !== "object" || activation === undefined) return;
  const hidden = weights.layers.slice(0, -1).map((layer) => layer.activation);
  const isStated =
    typeof activation === "string"
      ? hidden.every((one) => one === activation)
      : `${hidden}` === `${activation}`;
  if (!isStated) refuse("activation", "a loaded network", "loadNetwork");
}

function resolveView({ invert, transpose, grayscale, labelOffset }: EvaluateInput): DatasetView {
  const row = EVALUATE_OPTIONS.labelOffset;
  return {
    invert: invert ?? false,
    transpose: transpose ?? false,
    grayscale: grayscale ?? false,
    labelOffset: checkedValue(row, labelOffset ?? row.default),
  };
}

function resolveDataReading(input: EvaluateInput): DatasetReading {
  const { labelColumn, imageShape, pixelMax, fit, classOrder, groupColumn } = input;
  return {
    labelColumn,
    imageShape,
    pixelMax: pixelMax === undefined ? undefined : checkedValue(EVALUATE_OPTIONS.pixelMax, pixelMax),
    fit: fit === undefined ? undefined : checkedValue(EVALUATE_OPTIONS.fit, fit),
    classOrder: classOrder === undefined ? undefined : checkedValue(EVALUATE_OPTIONS.classOrder, classOrder),
    groupColumn,
  };
}

type Reading = Pick<EvaluateOptions, "activation" | "architecture" | "normalize" | "mean" | "std">;

/**
 * Checks what a file of weights may not state.
 *
 * @throws UsageError ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE, ERR_USAGE
 */
export function resolveReading(input: Pick<EvaluateInput, keyof Reading>): Reading {
  const { activation } = NETWORK_OPTIONS;
  return {
    activation: input.activation === undefined ? undefined : checkedValue(activation, input.activation),
    architecture: input.architecture,
    normalize: undefined,
    mean: undefined,
    std: undefined,
    ...checkedPreprocessing(input),
  };
}

function resolveScores(
  input: EvaluateInput,
): Pick<EvaluateOptions, "probabilities" | "topK" | "bootstrap" | "seed"> {
  const rows = EVALUATE_OPTIONS;
  const topK = input.topK === undefined ? undefined : checkedValue(rows.topK, input.topK);
  const bootstrap = checkedValue(rows.bootstrap, input.bootstrap ?? rows.bootstrap.default);
  const seed = checkedValue(rows.seed, input.seed ?? rows.seed.default);
  const probabilities = input.probabilities === true || topK !== undefined || input.calibration === true;
  return { probabilities, topK, bootstrap, seed };
}

/**
 * Cuts a range into shards and returns one of them: consecutive images, and at most one more than in any other shard.
 * The same range is always cut the same way.
 *
 * @throws DatasetError ERR_SHARD_EMPTY if there are fewer images than shards
 */
export function shardOf({ offset, limit }: ImageRange, { index, count }: Shard): ImageRange {
  if (limit < count) throw new DatasetError("ERR_SHARD_EMPTY", { shards: count, images: limit });
  const cut = (shards: number) => offset + Math.floor((limit * shards) / count);
  const first = cut(index - 1);
  return { offset: first, limit: cut(index) - first };
}
