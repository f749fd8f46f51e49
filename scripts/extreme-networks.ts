/** Holds `simd` against `reference` on random networks of every magnitude that a float64 can have. */

import { atLeast } from "#src/base/errors.js";
import { argmax, NanLogitError } from "#src/engines/logits.js";
import { createReferenceEngine } from "#src/engines/reference.js";
import { createSimdEngine, prepareSimd } from "#src/engines/simd/engine.js";
import { KERNEL_ACTIVATIONS, type SimdLayer } from "#src/engines/simd/quantise.js";

export interface RangeRequest {
  readonly networks: number;
  /** The same seed gives the same networks and images. */
  readonly seed: number;
}

/** Networks, except where it says images. */
export interface RangeReport {
  readonly networks: number;
  /** Every logit of every image is finite, and in at least half of the images no two are equal. */
  readonly distinct: number;
  /** Computed by the reference, since the bound does not hold for every image. */
  readonly fellBack: number;
  /** At least one logit is NaN; both engines have to name the same image. */
  readonly withNan: number;
  readonly images: number;
  /** Images that the kernel settled. */
  readonly settledImages: number;
  /** What tells each difference; empty where there is none. */
  readonly differences: readonly string[];
}

type Random = () => number;

const IMAGES = 12;

export function compareOverRange(module: WebAssembly.Module, { networks, seed }: RangeRequest): RangeReport {
  const differences: string[] = [];
  let [distinct, fellBack, withNan, images, settledImages] = [0, 0, 0, 0, 0];
  for (let n = 0; n < networks; n++) {
    const random = mulberry(seed + n);
    const layers = extremeLayers(random);
    const [{ inputs }] = atLeast(layers, 1);
    const { outputs } = layers[layers.length - 1]!;
    const pixels = extremeImages(inputs, random);
    const logits = new Float64Array(IMAGES * outputs);
    createReferenceEngine(layers).forward(pixels, IMAGES, logits);
    const nan = logits.findIndex((logit) => Number.isNaN(logit));
    const expected = nan === -1 ? classesOf(logits, outputs) : `NaN in image ${Math.floor(nan / outputs)}`;
    const plan = prepareSimd(layers);
    const found = answerOf(createSimdEngine({ ...plan, module }, layers), pixels);
    if (found.text !== expected) {
      const what = layers
        .map(({ inputs: i, outputs: o, activation }) => `${i}-${o} ${activation}`)
        .join(", ");
      differences.push(`seed ${seed + n}, ${what}: expected ${expected}, found ${found.text}`);
    }
    if (plan.fallback !== undefined) fellBack++;
    if (nan !== -1) withNan++;
    if (isDistinct(logits, outputs)) distinct++;
    images += IMAGES;
    settledImages += found.settled;
  }
  return { networks, distinct, fellBack, withNan, images, settledImages, differences };
}

/** One to four layers; powers of ten of their weights from one rule, so that all ranges meet all shapes. */
function extremeLayers(random: Random): SimdLayer[] {
  const count = 1 + integer(random, 4);
  const sizes = [1 + integer(random, 40)];
  for (let n = 1; n < count; n++) sizes.push(1 + integer(random, 12));
  sizes.push(1 + integer(random, 9));
  const [activation] = atLeast(KERNEL_ACTIVATIONS.slice(integer(random, KERNEL_ACTIVATIONS.length)), 1);
  const exponents = exponentsOf(count, random);
  return exponents.map((exponent, n) => {
    const [inputs, outputs] = atLeast(sizes.slice(n), 2);
    const isLast = n === count - 1;
    const zeroShare = random() < 0.3 ? random() : 0;
    const spread = random() < 0.2 ? 30 * random() : 0;
    const value = () =>
      random() < zeroShare ? 0 : (random() * 2 - 1) * 10 ** (exponent + spread * (random() - 0.5));
    const weights = Float64Array.from({ length: inputs * outputs }, value);
    const biases = biasesOf(outputs, exponent, random);
    if (isLast && random() < 0.2) nearlyTie(weights, biases, inputs, outputs, random);
    // Numbers beyond float64 are refused when a file is read.
    return {
      kind: "dense",
      inputs,
      outputs,
      weights: weights.map(finite),
      biases: biases.map(finite),
      activation: isLast ? "identity" : activation,
    };
  });
}

function exponentsOf(layers: number, random: Random): number[] {
  const draw = (from: number, to: number) => from + random() * (to - from);
  switch (integer(random, 6)) {
    // As trained networks are.
    case 0:
      return Array.from({ length: layers }, () => draw(-3, 1));
    // All of float32, subnormals included.
    case 1:
      return Array.from({ length: layers }, () => draw(-45, 38));
    // All of float64.
    case 2:
      return Array.from({ length: layers }, () => draw(-320, 300));
    // Around the ends of float32.
    case 3:
      return Array.from({ length: layers }, () => (random() < 0.5 ? draw(-48, -34) : draw(14, 40)));
    // Large and small in turn, so that the logits are moderate.
    case 4: {
      const size = draw(0, 60);
      return Array.from({ length: layers }, (_, n) => (n % 2 === 0 ? size : -size) + draw(-2, 2));
    }
    default:
      return new Array<number>(layers).fill(draw(-20, 12));
  }
}

function biasesOf(outputs: number, exponent: number, random: Random): Float64Array {
  const kind = integer(random, 4);
  const power = kind === 1 ? exponent : kind === 2 ? exponent + 2 : random() * 90 - 45;
  // All far below zero: nothing beyond the classes may be larger.
  const sign = random() < 0.2 ? -1 : 0;
  return Float64Array.from({ length: outputs }, () => {
    const share = random();
    return kind === 0 ? 0 : (sign === -1 ? -share : share * 2 - 1) * 10 ** power;
  });
}

/** The second column becomes the first, but for a few bits. */
function nearlyTie(
  weights: Float64Array,
  biases: Float64Array,
  inputs: number,
  outputs: number,
  random: Random,
): void {
  if (outputs < 2) return;
  const spread = 10 ** (-16 * random());
  for (let k = 0; k < inputs; k++) {
    weights[k * outputs + 1] = weights[k * outputs]! * (1 + spread * (random() - 0.5));
  }
  biases[1] = biases[0]!;
}

/** (IMAGES × inputs): black, white, one pixel, one bright, sparse and dense ones. */
function extremeImages(inputs: number, random: Random): Uint8Array {
  const pixels = new Uint8Array(IMAGES * inputs);
  for (let image = 1; image < IMAGES; image++) {
    const row = pixels.subarray(image * inputs, (image + 1) * inputs);
    if (image === 1) row.fill(255);
    else if (image < 4) row[integer(random, inputs)] = image === 2 ? 1 : 255;
    else {
      const zeroShare = [0.9, 0.5, 0][image % 3]!;
      for (let k = 0; k < inputs; k++) row[k] = random() < zeroShare ? 0 : integer(random, 256);
    }
  }
  return pixels;
}

function answerOf(
  engine: ReturnType<typeof createSimdEngine>,
  pixels: Uint8Array,
): { readonly text: string; readonly settled: number } {
  const predictions = new Uint16Array(IMAGES);
  try {
    const recomputed = engine.predict?.(pixels, IMAGES, predictions) ?? 0;
    return { text: predictions.join(" "), settled: IMAGES - recomputed };
  } catch (error) {
    if (!(error instanceof NanLogitError)) throw error;
    return { text: `NaN in image ${error.image}`, settled: 0 };
  }
}

function classesOf(logits: Float64Array, outputs: number): string {
  return Array.from({ length: IMAGES }, (_, image) => argmax(logits, image * outputs, outputs)).join(" ");
}

function isDistinct(logits: Float64Array, outputs: number): boolean {
  if (!logits.every(Number.isFinite)) return false;
  let images = 0;
  for (let image = 0; image < IMAGES; image++) {
    if (new Set(logits.subarray(image * outputs, (image + 1) * outputs)).size === outputs) images++;
  }
  return 2 * images >= IMAGES;
}

function finite(value: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value));
}

function integer(random: Random, below: number): number {
  return Math.floor(random() * below);
}

/** mulberry32 (Tommy Ettinger, public domain): uniform in [0, 1). */
function mulberry(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
