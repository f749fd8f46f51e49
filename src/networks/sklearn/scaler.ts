/** Scalers of scikit-learn before a classifier: x · scale + shift per pixel, and what their statistics show about the pixels. */
import { PickledArray } from "#src/files/formats/pickle/values.js";
import type { ChainBuilder } from "../chain-builder.js";
import type { LikelyPixels } from "../chain-facts.js";
import type { Estimator } from "./estimator.js";

/** Statistics of the training images: beyond 1 for bytes, at most 1 for pixels ÷ 255. */
const STATISTICS: readonly (readonly [attribute: string, words: string])[] = [
  ["data_max_", "maxima"],
  ["max_abs_", "maxima"],
  ["mean_", "means"],
];

/** Adds x · scale + shift, and the limits of a scaler that clips (sklearn/preprocessing/_data.py, `transform`). */
export function addScaler(builder: ChainBuilder, scaler: Estimator): void {
  const { scale, shift } = affineOf(scaler);
  const name = scaler.type;
  builder.normalize(name, scale, shift);
  if (!scaler.isTrue("clip", false)) return;
  const range = name === "MaxAbsScaler" ? [-1, 1] : rangeOf(scaler);
  builder.activation(`${name}.clip`, "hard-tanh", range);
}

/** @throws NetworkError ERR_NETWORK_LAYER */
function rangeOf(scaler: Estimator): number[] {
  const value = scaler.get("feature_range");
  const range =
    value instanceof PickledArray ? [...scaler.array("feature_range").data] : scaler.items("feature_range");
  const numbers = range.flatMap((one) => (typeof one === "number" ? [one] : []));
  if (numbers.length === 2 && range.length === 2) return numbers;
  throw scaler.fault("feature_range", "two numbers", `${numbers.length}`);
}

function affineOf(scaler: Estimator): { scale: Float64Array; shift: Float64Array } {
  const pixels = (name: string) => scaler.array(name).data;
  switch (scaler.type) {
    case "StandardScaler": {
      // A scaler stores statistics even if its options disable them.
      const means = scaler.isTrue("with_mean", true) ? pixels("mean_") : undefined;
      const deviations = scaler.isTrue("with_std", true) ? pixels("scale_") : undefined;
      const scale = deviations?.map((deviation) => 1 / deviation) ?? new Float64Array([1]);
      const shift = means?.map((mean, n) => -mean / (deviations?.[n] ?? 1)) ?? new Float64Array([0]);
      return { scale, shift };
    }
    case "MinMaxScaler":
      return { scale: pixels("scale_"), shift: pixels("min_") };
    default:
      return { scale: pixels("scale_").map((largest) => 1 / largest), shift: new Float64Array([0]) };
  }
}

/** Pixels of the training images, as the first scaler read them. No file states them: large statistics show bytes. */
export function pixelsOf(scaler: Estimator | undefined): {
  readonly likelyPixels?: LikelyPixels;
  readonly pixelsReason?: string;
} {
  for (const [attribute, words] of STATISTICS) {
    const value = scaler?.get(attribute);
    if (scaler === undefined || value === undefined || value === null) continue;
    const largest = scaler.array(attribute).data.reduce((most, one) => Math.max(most, one), 0);
    const reason = `, since the scaler's ${words} reach ${Number(largest.toPrecision(3))}`;
    return { likelyPixels: largest > 1 ? "none" : "scale", pixelsReason: reason };
  }
  return {};
}
