/** Layers of Keras as a chain of ours: https://keras.io/api/layers. Maps are (rows, columns, channels) in both. */
import type { Steps } from "#src/base/abort.js";
import type { Padding } from "#src/base/contracts/network.js";
import { printable, valueText } from "#src/base/text.js";
import type { BuiltChain } from "#src/networks/chain-facts.js";
import { activationIn, activationOfLayer } from "./activations.js";
import { type Build, type FindArrays, KerasChain, ofRank, refusePlanar } from "./chain.js";
import { isObject, type KerasLayer, type KerasModel, type Settings } from "./config.js";
import { normalize, normalizeBatch, rescale } from "./normalizations.js";

/** Layers that have no effect when a network is evaluated. */
const IDLE = new Set([
  ...["InputLayer", "Dropout", "SpatialDropout1D", "SpatialDropout2D", "AlphaDropout", "GaussianDropout"],
  ...["GaussianNoise", "ActivityRegularization", "RandomFlip", "RandomRotation", "RandomZoom"],
  ...["RandomTranslation", "RandomContrast", "RandomBrightness"],
]);

/** True for a layer without effect, and for a model within the model that has only such layers: augmentation. */
function isIdle({ className, settings }: KerasLayer): boolean {
  const inner = settings.value("layers");
  if (className !== "Sequential" || !Array.isArray(inner)) return IDLE.has(className);
  return inner.every((one: unknown) => isObject(one) && IDLE.has(String(one.class_name)));
}

const WINDOW_PADDINGS = ["valid", "same"] as const;

/** @throws NetworkError ERR_NETWORK_LAYER, ERR_NETWORK_CHAIN, ERR_NETWORK_NOT_FINITE, ERR_NETWORK_OUTPUTS */
export function* buildChain(
  path: string,
  model: KerasModel,
  find: FindArrays,
  isKeras3: boolean,
): Steps<BuiltChain> {
  const chain = new KerasChain(path, model, find, isKeras3);
  const working = model.layers.filter((layer) => !isIdle(layer));
  if (readsBytes(working)) {
    chain.builder.pixels("input", 1, 0);
    chain.isAtPixels = false;
  }
  for (const [index, layer] of working.entries()) {
    const { className, settings } = layer;
    const format = settings.value("data_format") ?? "channels_last";
    if (format !== "channels_last") throw settings.fault("data_format channels_last", valueText(format));
    const build = BUILD.get(className);
    const isList = typeof chain.builder.shape === "number";
    const own = build === undefined ? activationOfLayer(className, settings, isKeras3, isList) : undefined;
    if (build === undefined && own === undefined) throw unknownLayer(layer);
    build?.(layer, chain);
    if (!isIdentity(layer)) chain.isAtPixels = false;
    const activation = own ?? activationIn(settings, isKeras3);
    chain.activate(layer, activation, working.slice(index + 1).every(isIdentity));
    yield;
  }
  const { shape } = chain.builder;
  const size = typeof shape === "object" ? shape.rows * shape.columns * shape.channels : shape;
  const last = working.at(-1);
  if (size === 1 && last !== undefined) {
    throw last.settings.fault("two or more outputs, one per class", "one, as for yes or no");
  }
  return chain.builder.finish();
}

/** True if a Rescaling stands before all weights, but behind a layer that changes the pixels: that layer reads bytes. */
function readsBytes(layers: readonly KerasLayer[]): boolean {
  const at = layers.findIndex(({ className }) => className === "Rescaling");
  const before = layers.slice(0, Math.max(0, at)).filter((layer) => !isIdentity(layer));
  return before.length > 0 && before.every(({ className }) => BEFORE_RESCALING.has(className));
}

const BEFORE_RESCALING = new Set(["ZeroPadding2D", "BatchNormalization", "BatchNormalizationV1"]);

/** True for a layer that changes no number: pixels stay pixels, and the last activation stays the last. */
function isIdentity({ className, settings }: KerasLayer): boolean {
  if (className === "Activation") return settings.value("activation") === "linear";
  return className === "Flatten" || className === "Reshape";
}

function unknownLayer({ className, settings }: KerasLayer): Error {
  const found = className === "Lambda" ? "Lambda, whose Python code is not run" : printable(className);
  return settings.fault("a layer that is read without Keras", found);
}

const dense: Build = (layer, chain) => {
  const { settings, name } = layer;
  refusePlanar(layer, chain);
  const roles = settings.flag("use_bias", true) ? ["kernel", "bias"] : ["kernel"];
  const [kernel, bias] = chain.arrays(layer, roles);
  if (kernel === undefined) return;
  const [, outputs = 0] = ofRank(settings, kernel, 2);
  const units = settings.count("units");
  if (outputs !== units) throw settings.fault(`weights of ${units} units`, `${outputs}`);
  chain.builder.dense(name, { weights: kernel.data, outputs, biases: bias?.data });
};

/** Conv2D, and the two that treat each channel alone first. */
const convolution: Build = (layer, chain) => {
  const { settings, name, className } = layer;
  refusePlanar(layer, chain);
  const first = className === "Conv2D" ? "kernel" : "depthwise_kernel";
  const isSeparable = className === "SeparableConv2D";
  const roles = [
    first,
    ...(isSeparable ? ["pointwise_kernel"] : []),
    ...(settings.flag("use_bias", true) ? ["bias"] : []),
  ];
  const arrays = chain.arrays(layer, roles);
  const [kernel] = arrays;
  const bias = roles.at(-1) === "bias" ? arrays.at(-1)?.data : undefined;
  if (kernel === undefined) return;
  const [rows = 0, columns = 0, inputs = 0, outputs = 0] = ofRank(settings, kernel, 4);
  const size = settings.pair("kernel_size");
  if (size[0] !== rows || size[1] !== columns) {
    throw settings.fault(`weights of a kernel ${size.join(" × ")}`, `${rows} × ${columns}`);
  }
  const isDepthwise = className !== "Conv2D";
  // (rows, columns, channels, multiplier) lies in memory like (rows, columns, 1, channels · multiplier).
  chain.builder.conv2d(name, {
    weights: kernel.data,
    channels: isDepthwise ? inputs * outputs : outputs,
    groups: isDepthwise ? inputs : settings.count("groups", 1),
    ...window(settings),
    kernel: size,
    stride: settings.pair("strides", [1, 1]),
    dilation: settings.pair("dilation_rate", [1, 1]),
    biases: isSeparable ? undefined : bias,
  });
  const pointwise = isSeparable ? arrays[1] : undefined;
  if (pointwise === undefined) return;
  const [, , , channels = 0] = ofRank(settings, pointwise, 4);
  chain.builder.conv2d(name, { weights: pointwise.data, channels, kernel: [1, 1], biases: bias });
};

function window(settings: Settings): { readonly padding: "same" | undefined } {
  return { padding: settings.word("padding", WINDOW_PADDINGS, "valid") === "same" ? "same" : undefined };
}

const pooling =
  (kind: "max" | "average"): Build =>
  (layer, chain) => {
    const { settings, name } = layer;
    refusePlanar(layer, chain);
    const kernel = settings.pair("pool_size", [2, 2]);
    chain.builder.pool2d(name, kind, {
      kernel,
      stride: settings.pair("strides", kernel),
      ...window(settings),
    });
  };

const globalPooling =
  (kind: "max" | "average"): Build =>
  (layer, chain) => {
    refusePlanar(layer, chain);
    chain.builder.globalPool(layer.name, kind);
    if (!layer.settings.flag("keepdims", false)) chain.builder.flatten(layer.name);
  };

const flatten: Build = ({ name }, chain) => {
  chain.isPlanar = false;
  chain.builder.flatten(name);
};

const reshape: Build = ({ name, settings }, chain) => {
  const target = settings.shape("target_shape");
  const { shape } = chain.builder;
  const size = typeof shape === "object" ? shape.rows * shape.columns * shape.channels : shape;
  const known = target.reduce<number>((product, one) => product * (one ?? 1), 1);
  const sizes = target.map((one) => one ?? (size ?? 0) / known);
  const whole = sizes.reduce((product, one) => product * one, 1);
  const isFixed = sizes.every((one) => Number.isInteger(one) && one > 0);
  if (!isFixed || (size !== undefined && whole !== size) || sizes.length < 1 || sizes.length > 3) {
    throw settings.fault(`a shape of ${size ?? "known"} numbers`, `(${sizes.join(", ")})`);
  }
  const [rows = 1, columns = 1, channels = 1] = sizes;
  if (sizes.length === 1) chain.builder.flatten(name);
  else chain.builder.reshape(name, { rows, columns, channels });
  chain.isPlanar = sizes.length === 2;
};

const slope: Build = (layer, chain) => {
  const [alpha] = chain.arrays(layer, ["alpha"]);
  const { shape } = chain.builder;
  if (alpha === undefined || shape === undefined) return;
  const isPerChannel = alpha.shape.slice(0, -1).every((size) => size === 1);
  const size = typeof shape === "object" ? shape.rows * shape.columns * shape.channels : shape;
  if (!isPerChannel && alpha.data.length !== size) {
    throw layer.settings.fault(
      "a slope per channel or per number",
      `slopes of shape (${alpha.shape.join(", ")})`,
    );
  }
  chain.builder.activation(layer.name, "prelu", alpha.data);
};

const zeroPadding: Build = (layer, chain) => {
  refusePlanar(layer, chain);
  chain.builder.pad(layer.name, sidesOf(layer.settings));
};

/** ((top, bottom), (left, right)), (rows, columns) or one number: keras.io/api/layers/reshaping_layers/zero_padding2d. */
function sidesOf(settings: Settings): Padding {
  const value = settings.value("padding") ?? 1;
  const [vertical, horizontal]: unknown[] = Array.isArray(value) ? value : [value, value];
  const sides = [...sidePair(vertical), ...sidePair(horizontal)];
  if (
    sides.length !== 4 ||
    !sides.every((side) => Number.isInteger(side) && Number(side) >= 0 && Number(side) < 2 ** 16)
  ) {
    throw settings.fault("sizes as padding", valueText(value));
  }
  const [top = 0, bottom = 0, left = 0, right = 0] = sides.map(Number);
  return { top, left, bottom, right };
}

function sidePair(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value, value];
}

const BUILD: ReadonlyMap<string, Build> = new Map<string, Build>([
  ["Dense", dense],
  ["Conv2D", convolution],
  ["DepthwiseConv2D", convolution],
  ["SeparableConv2D", convolution],
  ["MaxPooling2D", pooling("max")],
  ["AveragePooling2D", pooling("average")],
  ["GlobalMaxPooling2D", globalPooling("max")],
  ["GlobalAveragePooling2D", globalPooling("average")],
  ["Flatten", flatten],
  ["Reshape", reshape],
  ["BatchNormalization", normalizeBatch],
  // TensorFlow 1.14's name.
  ["BatchNormalizationV1", normalizeBatch],
  ["Rescaling", rescale],
  ["Normalization", normalize],
  ["PReLU", slope],
  ["ZeroPadding2D", zeroPadding],
]);
