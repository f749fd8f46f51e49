/** The activations, element by element, in float64. */
import type { Activation } from "#src/base/contracts/network.js";

export const ACTIVATE: Readonly<Record<Activation, (x: number) => number>> = {
  sigmoid,
  relu: (x) => Math.max(x, 0),
  tanh: Math.tanh,
  identity: (x) => x,
};

/** 1 / (1 + e⁻ˣ). Large negative x gives 0 through e⁻ˣ = ∞, without NaN. */
export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
