/** Activations in float64. Names and default numbers are PyTorch's (torch.nn). */
import type { Activation, Layer } from "#src/base/contracts/network.js";

/** The function of unit j's sum x. Only `prelu` depends on j. */
export type Activate = (x: number, j: number) => number;

// Klambauer et al., Self-Normalizing Neural Networks (2017).
const SELU_SCALE = 1.0507009873554805;
const SELU_ALPHA = 1.6732632423543772;

/** Each activation, made from its numbers. */
const MAKE: Readonly<Record<Activation, (numbers: Float64Array | undefined) => Activate>> = {
  sigmoid: () => sigmoid,
  relu: () => relu,
  tanh: () => Math.tanh,
  identity: () => (x) => x,
  relu6: () => (x) => Math.min(Math.max(x, 0), 6),
  "leaky-relu":
    ([slope = 0.01] = new Float64Array(0)) =>
    (x) =>
      x < 0 ? slope * x : x,
  prelu:
    (slopes = Float64Array.of(0.25)) =>
    (x, j) =>
      x < 0 ? slopes[j % slopes.length]! * x : x,
  elu:
    ([alpha = 1] = new Float64Array(0)) =>
    (x) =>
      x < 0 ? alpha * Math.expm1(x) : x,
  selu: () => (x) => SELU_SCALE * (x < 0 ? SELU_ALPHA * Math.expm1(x) : x),
  gelu: () => (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2)),
  "gelu-tanh": () => (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  silu: () => (x) => x * sigmoid(x),
  softplus: () => (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  softsign: () => (x) => x / (1 + Math.abs(x)),
  "hard-sigmoid":
    ([alpha = 1 / 6, beta = 0.5] = new Float64Array(0)) =>
    (x) =>
      Math.min(Math.max(alpha * x + beta, 0), 1),
  "hard-tanh":
    ([low = -1, high = 1] = new Float64Array(0)) =>
    (x) =>
      Math.min(Math.max(x, low), high),
};

/** The activation of a layer. Units are numbered as its outputs; the channel varies fastest. */
export function activateOf(layer: Pick<Layer, "activation" | "activationNumbers">): Activate {
  return MAKE[layer.activation](layer.activationNumbers);
}

/** 1 / (1 + e⁻ˣ). Large negative x gives 0 through e⁻ˣ = ∞, without NaN. */
export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

function relu(x: number): number {
  return Math.max(x, 0);
}

/**
 * The error function: erf x = 2 ÷ √π · e^(−x²) · Σ 2ⁿ x^(2n+1) ÷ (1 · 3 ⋯ (2n + 1)). All terms have one sign, so nothing
 * cancels (Abramowitz and Stegun, 7.1.6). From |x| = 6 on, ±1 is the nearest float64.
 */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  if (Math.abs(x) >= 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > Math.abs(sum) * Number.EPSILON * 0.25; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
