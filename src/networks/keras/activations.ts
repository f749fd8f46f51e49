/** Activations of Keras, as names, functions and layers, as ours. */
import type { Activation, OutputKind } from "#src/base/contracts/network.js";
import { printable, valueText } from "#src/base/text.js";
import { isObject, Settings } from "./config.js";

/** An activation with its numbers; `ends` for an operation that only the end of a classifier has. */
export interface KnownActivation {
  readonly activation: Activation;
  readonly numbers?: readonly number[] | undefined;
  readonly ends?: OutputKind | undefined;
}

const SOFTMAX: KnownActivation = { activation: "identity", ends: "softmax" };

/** keras/src/activations/activations.py. A leaky_relu without its layer has the slope 0.2. */
const NAMES: ReadonlyMap<string, KnownActivation> = new Map<string, KnownActivation>([
  ["linear", { activation: "identity" }],
  ["relu", { activation: "relu" }],
  ["relu6", { activation: "relu6" }],
  ["leaky_relu", { activation: "leaky-relu", numbers: [0.2] }],
  ["sigmoid", { activation: "sigmoid" }],
  ["tanh", { activation: "tanh" }],
  ["elu", { activation: "elu", numbers: [1] }],
  ["selu", { activation: "selu" }],
  ["gelu", { activation: "gelu" }],
  ["silu", { activation: "silu" }],
  ["swish", { activation: "silu" }],
  ["softplus", { activation: "softplus" }],
  ["softsign", { activation: "softsign" }],
  ["softmax", SOFTMAX],
  ["log_softmax", { activation: "identity", ends: "log-softmax" }],
]);
/** α of `hard_sigmoid`, clamp(α · x + 0.5, 0, 1): Keras 3 changed it. */
const HARD_SIGMOID = { keras2: 0.2, keras3: 1 / 6 };

/**
 * Activation that a layer states: a name, a function, or a layer. Functions of the model's own program are refused.
 *
 * @throws NetworkError ERR_NETWORK_LAYER
 */
export function activationIn(settings: Settings, isKeras3: boolean): KnownActivation {
  const value = settings.value("activation") ?? "linear";
  if (isObject(value) && isObject(value.config)) {
    const inner = new Settings(settings.path, settings.name, value.config, settings.next);
    const known = activationOfLayer(String(value.class_name), inner, isKeras3);
    if (known !== undefined) return known;
  }
  // {"class_name": "function", "config": "relu"}; the package of a user's function stands before ">".
  const name = isObject(value) && value.class_name === "function" ? value.config : value;
  if (name === "hard_sigmoid") {
    return {
      activation: "hard-sigmoid",
      numbers: [isKeras3 ? HARD_SIGMOID.keras3 : HARD_SIGMOID.keras2, 0.5],
    };
  }
  const known = typeof name === "string" ? NAMES.get(name) : undefined;
  if (known !== undefined) return known;
  const found = typeof name === "string" ? `the activation "${printable(name)}"` : valueText(value);
  throw settings.fault(`one of ${[...NAMES.keys()].join(", ")} or hard_sigmoid`, found);
}

/**
 * Activation of a layer that is only an activation; undefined for other layers.
 *
 * @param isList whether the layer reads a list of units, whose axis 1 is the last
 * @throws NetworkError ERR_NETWORK_LAYER
 */
export function activationOfLayer(
  className: string,
  settings: Settings,
  isKeras3: boolean,
  isList = false,
): KnownActivation | undefined {
  switch (className) {
    case "Activation":
      return activationIn(settings, isKeras3);
    case "ReLU":
      return rectifier(settings);
    case "LeakyReLU": {
      const key = settings.value("negative_slope") === undefined ? "alpha" : "negative_slope";
      return { activation: "leaky-relu", numbers: [settings.number(key, 0.3)] };
    }
    case "ELU":
      return { activation: "elu", numbers: [settings.number("alpha", 1)] };
    case "Softmax": {
      const axis = settings.value("axis") ?? -1;
      if (axis !== -1 && !(isList && axis === 1)) {
        throw settings.fault("softmax over the last axis", `axis ${valueText(axis)}`);
      }
      return SOFTMAX;
    }
    default:
      return undefined;
  }
}

/** ReLU with a bound, or with a slope below zero. */
function rectifier(settings: Settings): KnownActivation {
  const bound = settings.value("max_value") ?? undefined;
  const slope = settings.number("negative_slope", 0);
  const threshold = settings.number("threshold", 0);
  if (threshold !== 0 || (bound !== undefined && slope !== 0)) {
    throw settings.fault(
      "ReLU with a bound or a slope",
      `threshold ${threshold}, bound ${valueText(bound)}, slope ${slope}`,
    );
  }
  if (slope !== 0) return { activation: "leaky-relu", numbers: [slope] };
  if (bound === undefined) return { activation: "relu" };
  const high = settings.number("max_value");
  return high === 6 ? { activation: "relu6" } : { activation: "hard-tanh", numbers: [0, high] };
}
