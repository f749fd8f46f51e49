/** Preprocessing of a network: as its file states it, as the user requests it, and as metadata. */
import { basename, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Assumption, AssumptionSubject } from "#src/base/assumptions.js";
import {
  NORMALIZATIONS,
  type Normalization,
  type PerChannel,
  type Preprocessing,
  type Standardizing,
} from "#src/base/contracts/network.js";
import { NetworkError, UsageError } from "#src/base/errors.js";
import type { Given } from "#src/base/options/define.js";
import { EPSILON_LIMITS, MEAN_LIMITS, NETWORK_OPTIONS, STD_LIMITS } from "#src/base/options/network.js";
import { assertTogether } from "#src/base/options/table.js";
import { checkedValue } from "#src/base/options/values.js";
import { printable } from "#src/base/text.js";
import type { LikelyPixels } from "./chain-facts.js";
import { type Metadata, metadataOneOf } from "./format.js";

/** Decimal number as JavaScript or Python writes it. */
const NUMBER = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/;

/** The preprocessing that is assumed if neither a file nor an option states it. */
export const DEFAULT_NORMALIZATION = "scale";

/** The preprocessing that the user requests. */
export interface RequestedPreprocessing {
  /** `scale` (÷ 255), `none`, or `standardize` with `mean` and `std`. */
  readonly normalize?: Normalization | undefined;
  /** Mean of pixels ÷ 255; given together with `std`. */
  readonly mean?: PerChannel | undefined;
  /** Standard deviation of pixels ÷ 255; given together with `mean`. */
  readonly std?: PerChannel | undefined;
}

export interface ChosenPreprocessing {
  readonly preprocessing: Preprocessing;
  /** The assumption, if neither the file nor the user states the preprocessing. */
  readonly assumptions: readonly Assumption[];
}

/** The number of a channel. */
export function numberOf(numbers: PerChannel, channel: number): number {
  return typeof numbers === "number" ? numbers : numbers[channel % numbers.length]!;
}

/** Number of channels that a preprocessing distinguishes; 1 if it treats all alike. */
export function channelsOf(preprocessing: Preprocessing): number {
  if (preprocessing.kind !== "standardize") return 1;
  const { mean, std } = preprocessing;
  return Math.max(...[mean, std].map((one) => (typeof one === "number" ? 1 : one.length)));
}

/** Returns the preprocessing as metadata. Numbers keep every bit of their float64; those of channels have commas between. */
export function preprocessingMetadata(
  { kind, ...numbers }: Preprocessing,
  prefix = "",
): Record<string, string> {
  const entries = Object.entries({ normalize: kind, ...numbers });
  return Object.fromEntries(entries.map(([key, value]) => [prefix + key, String(value)]));
}

/** What the metadata of a file of Batchwise state: a preprocessing, or the one that its writer assumed. */
export function writtenPreprocessing(
  stated: Preprocessing | undefined,
  assumed: readonly AssumptionSubject[],
): { readonly preprocessing?: Preprocessing | undefined; readonly likelyPixels?: LikelyPixels | undefined } {
  if (!assumed.includes("pixels")) return { preprocessing: stated };
  return { likelyPixels: stated?.kind === "none" ? "none" : undefined };
}

/**
 * Reads what `preprocessingMetadata` wrote with this prefix; undefined if nothing states the preprocessing.
 *
 * @throws NetworkError ERR_NETWORK_FORMAT for an unknown kind; ERR_RECIPE for a number that is missing, not a number, or out of
 *   range
 */
export function readPreprocessing(path: string, metadata: Metadata, prefix = ""): Preprocessing | undefined {
  const kind = metadataOneOf(path, NORMALIZATIONS, `${prefix}normalize`, metadata);
  switch (kind) {
    case undefined:
      return undefined;
    case "none":
    case "scale":
      return { kind };
    case "standardize":
      return {
        kind,
        mean: readNumbers(path, metadata, `${prefix}mean`, MEAN_LIMITS),
        std: readNumbers(path, metadata, `${prefix}std`, STD_LIMITS),
      };
    case "whiten-zca":
    case "whiten-pca":
      if (metadata.get(`${prefix}folded`) !== "true") {
        throw fault(path, metadata, `${prefix}folded`, '"true"');
      }
      return {
        kind,
        epsilon: readNumber(path, metadata, `${prefix}epsilon`, EPSILON_LIMITS),
        folded: true,
      };
  }
}

/**
 * Returns the preprocessing of a network's pixels: as its file states it, or as requested, or `likely` as an assumption.
 * `reason` follows the text of the assumption.
 *
 * @throws UsageError as `checkedPreprocessing`
 * @throws NetworkError ERR_NORMALIZE_MISMATCH if the file states one thing and the user requests another;
 *   ERR_NORMALIZE_STATISTICS if neither states the numbers that the preprocessing needs
 */
export function choosePreprocessing(
  path: string,
  stated: Preprocessing | undefined,
  asked: RequestedPreprocessing,
  reason = "",
  likely: LikelyPixels = DEFAULT_NORMALIZATION,
): ChosenPreprocessing {
  checkedPreprocessing(asked);
  const { mean, std } = asked;
  const kind = asked.normalize ?? (mean === undefined ? undefined : "standardize");
  const wanted = mean === undefined || std === undefined ? undefined : standardizing(mean, std);
  if (stated !== undefined) {
    if (kind === undefined || (kind === stated.kind && isSame(stated, wanted))) {
      return { preprocessing: stated, assumptions: [] };
    }
    const found = wanted === undefined ? `--normalize ${kind}` : `--mean ${mean} --std ${std}`;
    throw new NetworkError("ERR_NORMALIZE_MISMATCH", { path, expected: recipeText(stated), found });
  }
  if (wanted !== undefined) return { preprocessing: wanted, assumptions: [] };
  switch (kind) {
    case undefined:
      return { preprocessing: { kind: likely }, assumptions: [pixelsAssumed(path, likely, reason)] };
    case "scale":
    case "none":
      return { preprocessing: { kind }, assumptions: [] };
    default:
      throw new NetworkError("ERR_NORMALIZE_STATISTICS", { path, found: kind });
  }
}

const { normalize: KIND, mean: MEAN, std: STD } = NETWORK_OPTIONS;

/**
 * Checks the words and numbers of a requested preprocessing: `mean` and `std` are given together, with `standardize` or without
 * `normalize`.
 *
 * @throws UsageError ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE, ERR_USAGE
 */
export function checkedPreprocessing({
  normalize,
  mean,
  std,
}: Pick<Given<typeof NETWORK_OPTIONS>, "normalize" | "mean" | "std">): RequestedPreprocessing {
  assertTogether({ normalize: KIND, mean: MEAN, std: STD }, { normalize, mean, std });
  const numbers = {
    mean: mean === undefined ? undefined : checkedValue(MEAN, mean),
    std: std === undefined ? undefined : checkedValue(STD, std),
  };
  const [means, deviations] = [numbers.mean, numbers.std].map((one) =>
    typeof one === "object" ? one.length : 1,
  );
  if (means !== deviations && means !== 1 && deviations !== 1) {
    const expected = `one number, or ${means}, as of --mean`;
    throw new UsageError("ERR_OPTION_VALUE", { option: "--std", expected, found: String(std) });
  }
  return { normalize: normalize === undefined ? undefined : checkedValue(KIND, normalize), ...numbers };
}

/** Text of a preprocessing: its kind and numbers, as options name them. */
function recipeText(preprocessing: Preprocessing): string {
  if (preprocessing.kind !== "standardize") return preprocessing.kind;
  return `standardize, mean ${preprocessing.mean}, std ${preprocessing.std}`;
}

function isSame(stated: Preprocessing, wanted: Standardizing | undefined): boolean {
  if (wanted === undefined) return true;
  return stated.kind === "standardize" && isDeepStrictEqual(stated, wanted);
}

function standardizing(mean: PerChannel, std: PerChannel): Standardizing {
  return { kind: "standardize", mean, std };
}

function pixelsAssumed(path: string, likely: LikelyPixels, reason: string): Assumption {
  return {
    subject: "pixels",
    what: `${likely === "scale" ? "pixels ÷ 255" : "pixels as bytes"}${reason}`,
    source: basename(resolve(path)),
    option: "--normalize",
  };
}

function readNumber(
  path: string,
  metadata: Metadata,
  key: string,
  [low, high]: readonly [number, number],
): number {
  const said = metadata.get(key) ?? "";
  return numberWithin(said, [low, high], () => fault(path, metadata, key, `a number from ${low} to ${high}`));
}

/** One number, or one for each channel with commas between them. */
function readNumbers(
  path: string,
  metadata: Metadata,
  key: string,
  limits: readonly [number, number],
): PerChannel {
  const said = (metadata.get(key) ?? "").split(",");
  const numbers = said.map((one) =>
    numberWithin(one, limits, () => fault(path, metadata, key, `numbers from ${limits.join(" to ")}`)),
  );
  const [only] = numbers;
  return numbers.length === 1 && only !== undefined ? only : numbers;
}

function numberWithin(said: string, [low, high]: readonly [number, number], error: () => Error): number {
  const value = NUMBER.test(said) ? Number(said) : Number.NaN;
  if (value >= low && value <= high) return value;
  throw error();
}

function fault(path: string, metadata: Metadata, key: string, expected: string): NetworkError {
  const said = metadata.get(key);
  const found = said === undefined ? "none" : `"${printable(said)}"`;
  return new NetworkError("ERR_RECIPE", { path, key, expected, found });
}

/** Largest value of a pixel's byte. */
const WHITE = 255;

/**
 * The preprocessing x · scale + shift = (x ÷ 255 − mean) ÷ std of bytes x, from single numbers.
 *
 * @throws NetworkError ERR_NETWORK_LAYER beyond the limits of mean and std
 */
export function affinePreprocessing(
  path: string,
  pixels: { readonly scale: Float64Array; readonly shift: Float64Array },
): Preprocessing {
  const [scale = 1, shift = 0] = [pixels.scale[0], pixels.shift[0]];
  if (scale === 1 && shift === 0) return { kind: "none" };
  if (shift === 0 && (scale === 1 / WHITE || scale === Math.fround(1 / WHITE))) return { kind: "scale" };
  const std = 1 / (scale * WHITE);
  const mean = -shift * std;
  const isWithin = (x: number, [low, high]: readonly [number, number]) => x >= low && x <= high;
  if (isWithin(std, STD_LIMITS) && isWithin(mean, MEAN_LIMITS)) return standardizing(mean, std);
  const expected = `pixels of a mean ${MEAN_LIMITS.join(" to ")} and a deviation ${STD_LIMITS.join(" to ")}`;
  throw new NetworkError("ERR_NETWORK_LAYER", {
    path,
    layer: "input",
    expected,
    found: `${mean} and ${std}`,
  });
}
