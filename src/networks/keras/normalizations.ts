/** Layers of Keras that scale and shift: BatchNormalization, Rescaling and Normalization. */
import { valueText } from "#src/base/text.js";
import type { NamedArray } from "#src/files/formats/arrays.js";
import { batchNormalization } from "#src/networks/normalization.js";
import { type Build, type KerasChain, refusePlanar } from "./chain.js";
import type { KerasLayer, Settings } from "./config.js";

/** keras.backend.epsilon(), which bounds the deviation of `Normalization` from below. */
const SMALLEST_DEVIATION = 1e-7;

export const normalizeBatch: Build = (layer, chain) => {
  const { settings, name } = layer;
  refusePlanar(layer, chain);
  refuseAxis(settings, chain);
  const roles = [
    ...(settings.flag("scale", true) ? ["gamma"] : []),
    ...(settings.flag("center", true) ? ["beta"] : []),
    ...["moving_mean", "moving_variance"],
  ];
  const found = new Map(chain.arrays(layer, roles).map((array, index) => [roles[index], array.data]));
  const [mean, variance] = [found.get("moving_mean") ?? [], found.get("moving_variance") ?? []];
  const { scale, shift } = batchNormalization({
    ...{ gamma: found.get("gamma"), beta: found.get("beta"), mean, variance },
    epsilon: settings.number("epsilon", 0.001),
  });
  chain.builder.normalize(name, scale, shift);
};

/** Only the last axis, the channels, is read. */
function refuseAxis(settings: Settings, { builder }: KerasChain): void {
  const value = settings.value("axis") ?? -1;
  const axis: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
  const last = typeof builder.shape === "object" ? 3 : 1;
  if (axis !== -1 && axis !== last)
    throw settings.fault("the axis of channels, the last", `axis ${valueText(axis)}`);
}

/** A number, or a list of them, as a setting. */
function numbersIn(settings: Settings, key: string, fallback?: number): number[] {
  const value = settings.value(key) ?? fallback;
  const list: unknown[] = Array.isArray(value) ? value.flat(4) : [value];
  if (list.length > 0 && list.every((one) => typeof one === "number")) return list;
  throw settings.fault(`numbers as ${key}`, valueText(value));
}

export const rescale: Build = ({ settings, name }, chain) => {
  change(chain, name, numbersIn(settings, "scale"), numbersIn(settings, "offset", 0), true);
};

/** x · scale + shift. At the pixels it states what becomes of bytes. */
function change(
  chain: KerasChain,
  name: string,
  scales: readonly number[],
  shifts: readonly number[],
  isOfBytes: boolean,
): void {
  const count = Math.max(scales.length, shifts.length);
  const at = (values: readonly number[], index: number) => values[index % values.length] ?? 0;
  const scale = Array.from({ length: count }, (_, index) => at(scales, index));
  const shift = Array.from({ length: count }, (_, index) => at(shifts, index));
  const isStated = chain.isAtPixels && isOfBytes;
  if (isStated && count === 1) {
    chain.builder.pixels(name, at(scale, 0), at(shift, 0));
    return;
  }
  if (isStated) chain.builder.pixels(name, 1, 0);
  chain.builder.normalize(name, scale, shift);
}

/** Mean and variance are settings, or arrays that `adapt` has computed, with the number of examples as a third. */
export const normalize: Build = (layer, chain) => {
  const { settings, name } = layer;
  if (settings.flag("invert", false)) throw settings.fault("invert=False", "true");
  const isStated = (settings.value("mean") ?? undefined) !== undefined;
  const [means = [], variances = []] = isStated
    ? [numbersIn(settings, "mean"), numbersIn(settings, "variance")]
    : adapted(layer, chain).map(({ data }) => [...data]);
  if (means.length > 1 || variances.length > 1) {
    refusePlanar(layer, chain);
    refuseAxis(settings, chain);
  }
  const scale = variances.map((variance) => 1 / Math.max(Math.sqrt(variance), SMALLEST_DEVIATION));
  const at = (values: readonly number[], index: number) => values[index % values.length] ?? 0;
  const count = Math.max(means.length, variances.length);
  const shift = Array.from({ length: count }, (_, index) => -at(means, index) * at(scale, index));
  // A mean above 1 is one of bytes. Otherwise pixels were divided by 255 before the model, which it does not state.
  change(chain, name, scale, shift, Math.max(...means) > 1);
};

function adapted(layer: KerasLayer, chain: KerasChain): NamedArray[] {
  try {
    return chain.arrays(layer, ["mean", "variance", "count"]);
  } catch {
    return chain.arrays(layer, ["mean", "variance"]);
  }
}
