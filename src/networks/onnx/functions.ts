/**
 * Recognizes activations that exporters write as several nodes: x · σ(x), ½ x (1 + erf(x ÷ √2)), x ÷ (1 + |x|) and so on. The
 * nodes are computed for sample numbers and compared with the known functions: exporters order the factors in many ways. Only
 * smooth functions with few constants are computed, so two that agree on all samples are the same.
 */

import type { Activation } from "#src/base/contracts/network.js";
import type { Step } from "./chain.js";
import type { Constant } from "./constant.js";
import { attributeOf } from "./model.js";

/** Most nodes of one activation; GELU has up to ten. */
const MAX_NODES = 16;
/** Float32 constants differ by 6 · 10⁻⁸; GELU's two forms by 5 · 10⁻⁴. */
const TOLERANCE = 1e-6;

/** Numbers from here on may overflow on the way. */
const OVERFLOW = 1e3;

const SAMPLES: Float64Array = Float64Array.from([
  ...Array.from({ length: 241 }, (_, n) => (n - 120) / 10),
  ...[-1e4, -1e3, -100, -30, 30, 100, 1e3, 1e4],
]);

type Compute = (x: number, y: number) => number;

const UNARY: ReadonlyMap<string, Compute> = new Map<string, Compute>([
  ["Sigmoid", sigmoid],
  ["Tanh", Math.tanh],
  ["Erf", erf],
  ["Exp", Math.exp],
  ["Log", Math.log],
  ["Abs", Math.abs],
  ["Neg", (x) => -x],
  ["Reciprocal", (x) => 1 / x],
  ["Softplus", softplus],
  ["Identity", (x) => x],
  ["Cast", (x) => x],
]);
const BINARY: ReadonlyMap<string, Compute> = new Map<string, Compute>([
  ["Add", (x, y) => x + y],
  ["Sub", (x, y) => x - y],
  ["Mul", (x, y) => x * y],
  ["Div", (x, y) => x / y],
  ["Pow", (x, y) => x ** y],
]);

const KNOWN: readonly (readonly [activation: Activation, compute: (x: number) => number])[] = [
  ["silu", (x) => x * sigmoid(x)],
  ["gelu", (x) => (x / 2) * (1 + erf(x / Math.SQRT2))],
  ["gelu-tanh", (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))],
  ["softsign", (x) => x / (1 + Math.abs(x))],
  ["softplus", softplus],
  ["sigmoid", sigmoid],
];

export interface FoundActivation {
  readonly activation: Activation;
  /** Number of steps that make it up. */
  readonly count: number;
  /** Name of its output. */
  readonly output: string;
}

/**
 * Returns the activation of the tensor `start` that these steps begin with, if they are one. `constant` gives tensors that do
 * not depend on images; `readers` counts the nodes that read a tensor.
 */
export function activationOf(
  steps: readonly Step[],
  start: string,
  constant: (name: string) => Constant | undefined,
  readers: ReadonlyMap<string, number>,
): FoundActivation | undefined {
  const values = new Map<string, Float64Array>([[start, SAMPLES]]);
  /** Reads of tensors within the function that are still to come. */
  const left = new Map<string, number>([[start, readers.get(start) ?? 0]]);
  for (const [n, { node, output }] of steps.slice(0, MAX_NODES).entries()) {
    const inputs = node.inputs.map((name) => values.get(name) ?? one(constant(name)));
    const computed = compute(node.operator, inputs);
    if (
      computed === undefined ||
      (node.operator === "Cast" && attributeOf(node, "to")?.integer === undefined)
    )
      return undefined;
    for (const name of new Set(node.inputs)) left.set(name, (left.get(name) ?? 1) - 1);
    values.set(output, computed);
    const isClosed = [...left.values()].every((count) => count <= 0);
    left.set(output, readers.get(output) ?? 0);
    const found = isClosed ? KNOWN.find(([, known]) => agrees(computed, known)) : undefined;
    if (found !== undefined) return { activation: found[0], count: n + 1, output };
  }
  return undefined;
}

/** One number for all elements. */
function one(constant: Constant | undefined): Float64Array | undefined {
  if (constant === undefined || constant.shape.some((size) => size !== 1)) return undefined;
  const [value] = constant.data;
  return value === undefined ? undefined : SAMPLES.map(() => value);
}

function compute(operator: string, [x, y]: readonly (Float64Array | undefined)[]): Float64Array | undefined {
  const unary = UNARY.get(operator);
  if (unary !== undefined) return x?.map((value) => unary(value, 0));
  const binary = BINARY.get(operator);
  return binary === undefined || y === undefined ? undefined : x?.map((value, n) => binary(value, y[n]!));
}

function agrees(computed: Float64Array, known: (x: number) => number): boolean {
  return computed.every((value, n) => {
    const x = SAMPLES[n]!;
    // ln(1 + eˣ) overflows where the function does not.
    if (!Number.isFinite(value) && Math.abs(x) >= OVERFLOW) return true;
    return Math.abs(value - known(x)) <= TOLERANCE * Math.max(1, Math.abs(x));
  });
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** Abramowitz and Stegun 7.1.26, within 1.5 · 10⁻⁷. The same stands in the nodes and in the known function. */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const series =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return Math.sign(x) * (1 - series * Math.exp(-x * x));
}
