/**
 * How far the kernel's logits can be from exact arithmetic's, for any image: derived from the weights alone.
 *
 * Every quantity below is an upper bound of the form slope · S + base, where S is the sum of the image's bytes, and all
 * slopes and bases are ≥ 0; so sums and products with constants stay of that form.
 *
 * First layer: inputs x_k ≥ 0 with Σ x_k = S, hence |Σ x_k v_k| ≤ S · max|v_k| for any v. With v the weights this bounds
 * the sum's magnitude, with v the weights' rounding errors the error that they bring. Integer sums are exact.
 *
 * Later layers: inputs h_k with |h_k| ≤ M_k, each off by at most d_k. The sum is off by at most
 *   Σ|w_kj| d_k (inputs) + Σ|e_kj| (M_k + d_k) (weights, off by e_kj) + rounding.
 *
 * Rounding, u = 2⁻²⁴: a float32 dot product of n terms is off by at most γ(n+1) · Σ|x||w|, γ(n) = nu ÷ (1 − nu) (Higham,
 * Accuracy and Stability of Numerical Algorithms, 2nd ed., 3.1). Turning a sum into z = sum · scale + bias takes one
 * conversion, two rounded constants, a product and an addition: 8u · (magnitude + |bias|) covers these, the final
 * difference of two logits in float32, and (n + 10) · 2⁻⁵³ of the float64 reference itself. Where the kernel fuses a product
 * and a sum it rounds once where these bounds allow for twice.
 *
 * Activations: |f(a) − f(b)| ≤ L |a − b| with L = ¼ for the sigmoid, 1 for tanh, ReLU and identity (mean value theorem),
 * plus the kernel's own error in f, plus half a unit where the result becomes int16.
 *
 * Range: all of this holds while no number of the kernel's is beyond float32. `peak` bounds every weight, bias, partial sum
 * and argument of 2^z for an image that is all white, whose S is the largest; the engine uses the kernel only where it is at
 * most MOST_PEAK (engine.ts). Every logit is then finite, and 0 · ∞ cannot arise.
 *
 * Underflow: below 2⁻¹²⁶ rounding is no longer relative, but off by at most 2⁻¹⁵⁰. That happens to a weight, a weight's
 * error or a product, each times an input of at most M + d; to a scale, times a sum below 2³¹; and to a slope, times S below
 * 2³¹. 2⁻¹¹⁵ + n · 2⁻¹⁴⁷ · (1 + M + d) covers these a few times over, and is part of each layer's rounding.
 *
 * An image that this leaves open is bounded again by the kernel (`isApart`), with its own activations: there a sigmoid's L
 * is h (1 − h) + ⅒ d instead of ¼, h being its output and d the error of its input (|σ″| < 0.0963), and tanh's
 * 1 − h² + ⅘ d (|tanh″| < 0.77), each with the error of h itself added; ReLU's is 0 where z + d < 0;
 * and |h| is taken instead of M. What a layer adds by rounding stays as it is here.
 */
import { isBounded, type KernelActivation, type KernelLayer } from "./quantise.js";

const U = 2 ** -24;
const ROUNDING = 8 * U;
/** Error of 1 ÷ (1 + 2^z), which changes by at most ¼ of the relative error of 2^z: 2.7e-6 and 6u; then 2u; doubled for tanh. */
const SIGMOID_ERROR = 1e-6;
/** Error of rounding to int16: half a unit, and the rounding of s · y before it. */
const INT16_ERROR = 0.505;
/** Factor for the float64 sums of this file, and the float32 in which the kernel evaluates slope · S + base. */
const SLACK = 1 + 1e-5;

/** Error by underflow: of a scale or a slope, and of one of a sum's terms for each unit of its input. */
const UNDERFLOW = 2 ** -115;
const TERM_UNDERFLOW = 2 ** -147;
/** Largest peak. float32 ends at 2¹²⁸; the distance is for the bounds' own sums, and for 2 log₂ e. */
export const MOST_PEAK = 2 ** 120;
/** Largest S: it is an i32 in the kernel. */
const MOST_PIXEL_SUM = 2 ** 31 - 1;
const BYTE_MAX = 255;
/** Least slack of isApart's float32 sums; more if layers have thousands of inputs. */
const LEAST_SLACK = 1.001;

const LIPSCHITZ: Readonly<Record<KernelActivation, number>> = {
  sigmoid: 0.25,
  tanh: 1,
  relu: 1,
  identity: 1,
};

/** Upper bounds slope · S + base, one per element. */
export interface Affine {
  readonly slope: Float64Array;
  readonly base: Float64Array;
}

/** Bounds (classes, classes), row-major, of the error of logit a − logit b. */
export interface PairBounds extends Affine {
  readonly classes: number;
}

export interface ErrorBounds {
  readonly pairs: PairBounds;
  /** Bounds (outputs) per layer of what `isApart` does not compute again: a later layer's rounding, and all errors of the first. */
  readonly fixed: readonly Affine[];
  /** Bound of every number in the kernel, for every image; NaN or ∞ if float64 cannot hold it. */
  readonly peak: number;
  /** Factor that bounds what `isApart` loses by rounding its float32 sums. */
  readonly slack: number;
}

export function boundErrors(layers: readonly KernelLayer[]): ErrorBounds {
  const white = BYTE_MAX * layers[0]!.layer.inputs;
  const fixed: Affine[] = [];
  const peaks: number[] = white <= MOST_PIXEL_SUM ? [white] : [Number.POSITIVE_INFINITY];
  let input: LayerInput | undefined;
  for (const layer of layers.slice(0, -1)) {
    const sums = boundSums(layer, input, white);
    fixed.push(times(input ? sums.rounding : sums.own, SLACK));
    peaks.push(peakOf(layer, sums, white));
    input = outputOf(layer, sums);
  }
  const last = layers[layers.length - 1]!;
  const sums = boundSums(last, input, white);
  peaks.push(peakOf(last, sums, white));
  return {
    pairs: boundPairs(last, sums.own, input),
    fixed: [...fixed, times(sums.rounding, SLACK)],
    peak: Math.max(...peaks),
    slack: slackOf(layers.slice(1)),
  };
}

/** Returns the largest of a layer's weights, biases and sums, each with its error, for the largest S. */
function peakOf(
  { layer, largest }: KernelLayer,
  { magnitude, inherited, own }: SumBounds,
  S: number,
): number {
  const others = constant(layer.biases, (bias) => Math.abs(bias));
  const sums = plus(plus(magnitude, inherited), plus(own, others));
  return Math.max(
    largestOf(sums, S),
    largestOf(
      constant(largest, (weight) => weight),
      S,
    ),
  );
}

/** A float32 sum of n terms ≥ 0 is at least 1 − nu of the exact one; each later layer takes two of its inputs and a few. */
function slackOf(laterLayers: readonly KernelLayer[]): number {
  const terms = laterLayers.reduce((sum, { layer }) => sum + 2 * layer.inputs + 32, 0);
  const left = 1 - terms * U;
  return left > 0 ? Math.max(LEAST_SLACK, SLACK / left) : Number.POSITIVE_INFINITY;
}

/** Returns the largest slope · S + base; NaN if one is NaN. */
function largestOf({ slope, base }: Affine, S: number): number {
  let largest = 0;
  for (let n = 0; n < slope.length; n++) largest = Math.max(largest, slope[n]! * S + base[n]!);
  return largest;
}

/** Error of an activation's value, without that of its input: the kernel's evaluation, and rounding to int16. */
export function activationError({ layer, outScale }: KernelLayer): number {
  const evaluation = isBounded(layer.activation) ? (layer.activation === "tanh" ? 2 : 1) * SIGMOID_ERROR : 0;
  return evaluation + (outScale === 0 ? 0 : INT16_ERROR / outScale);
}

interface LayerInput {
  readonly magnitude: Affine;
  readonly error: Affine;
}

interface SumBounds {
  readonly magnitude: Affine;
  /** Error from the inputs' errors. */
  readonly inherited: Affine;
  /** Error from this layer's own arithmetic. */
  readonly rounding: Affine;
  /** The same, and the error from its own weights. */
  readonly own: Affine;
}

function boundSums(kernelLayer: KernelLayer, input: LayerInput | undefined, white: number): SumBounds {
  const { layer, weightErrors, largestErrors } = kernelLayer;
  const { inputs, biases, weights } = layer;
  const magnitude = input
    ? product(layer, weights, plus(input.magnitude, input.error))
    : { slope: kernelLayer.largest, base: new Float64Array(layer.outputs) };
  const fromWeights = input
    ? product(layer, weightErrors, plus(input.magnitude, input.error))
    : // |Σ x_k e_kj| ≤ S · max_k |e_kj|
      { slope: largestErrors, base: new Float64Array(layer.outputs) };
  const inherited = input ? product(layer, weights, input.error) : constant(biases, () => 0);
  const inputPeak = input ? largestOf(plus(input.magnitude, input.error), white) : BYTE_MAX;
  const underflow = UNDERFLOW + inputs * TERM_UNDERFLOW * (1 + inputPeak);
  const terms = kernelLayer.kind === "float" ? inputs + 1 : 0;
  const gamma = (terms * U) / (1 - terms * U) + ROUNDING;
  const rounding = plus(
    times(plus(magnitude, fromWeights), gamma),
    constant(biases, (bias) => ROUNDING * Math.abs(bias) + underflow),
  );
  return { magnitude, inherited, rounding, own: plus(fromWeights, rounding) };
}

function outputOf(kernelLayer: KernelLayer, sums: SumBounds): LayerInput {
  const { activation, biases } = kernelLayer.layer;
  const inherited = times(plus(sums.inherited, sums.own), LIPSCHITZ[activation]);
  const ownError = activationError(kernelLayer);
  const magnitude = isBounded(activation)
    ? constant(biases, () => 1)
    : plus(
        sums.magnitude,
        constant(biases, (bias) => Math.abs(bias)),
      );
  return {
    magnitude,
    error: plus(
      inherited,
      constant(biases, () => ownError),
    ),
  };
}

/** Error of the difference of two logits. The inputs' errors are the same for both, so they enter by the weights' difference. */
function boundPairs({ layer }: KernelLayer, own: Affine, input: LayerInput | undefined): PairBounds {
  const { inputs, outputs: classes, weights } = layer;
  const slope = new Float64Array(classes * classes);
  const base = new Float64Array(classes * classes);
  for (let a = 0; a < classes; a++) {
    for (let b = 0; b < a; b++) {
      let [pairSlope, pairBase] = [own.slope[a]! + own.slope[b]!, own.base[a]! + own.base[b]!];
      for (let k = 0; input && k < inputs; k++) {
        const weight = Math.abs(weights[k * classes + a]! - weights[k * classes + b]!);
        pairSlope += weight * input.error.slope[k]!;
        pairBase += weight * input.error.base[k]!;
      }
      slope[a * classes + b] = slope[b * classes + a] = pairSlope * SLACK;
      base[a * classes + b] = base[b * classes + a] = pairBase * SLACK;
    }
  }
  return { classes, slope, base };
}

/** Σ_k |v_kj| · x_k */
function product({ inputs, outputs }: KernelLayer["layer"], values: Float64Array, x: Affine): Affine {
  const slope = new Float64Array(outputs);
  const base = new Float64Array(outputs);
  for (let k = 0, at = 0; k < inputs; k++) {
    const [ofSlope, ofBase] = [x.slope[k]!, x.base[k]!];
    for (let j = 0; j < outputs; j++, at++) {
      const size = Math.abs(values[at]!);
      slope[j]! += size * ofSlope;
      base[j]! += size * ofBase;
    }
  }
  return { slope, base };
}

function plus(a: Affine, b: Affine): Affine {
  return { slope: a.slope.map((x, n) => x + b.slope[n]!), base: a.base.map((x, n) => x + b.base[n]!) };
}

function times(a: Affine, factor: number): Affine {
  return { slope: a.slope.map((x) => x * factor), base: a.base.map((x) => x * factor) };
}

function constant(biases: Float64Array, of: (bias: number) => number): Affine {
  return { slope: new Float64Array(biases.length), base: Float64Array.from(biases, of) };
}
