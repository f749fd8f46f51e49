/** The class of an image, and whether another one is possible. */
import { RUN_LAYERS, RUN_LAYER_COUNT, RUN_BOUND_SLOPES, RUN_BOUND_BASES, RUN_SUM_ERRORS, RUN_OUT_ERRORS, RUN_MAGNITUDES, RUN_OUTPUTS, RUN_ERROR_SLACK, LAYER_BYTES, LAYER_IS_INTEGER, LAYER_INPUTS, LAYER_VECTORS, LAYER_ACTIVATION, LAYER_OUT, LAYER_OUT_SCALE, LAYER_ROW_BYTES, LAYER_FIXED_SLOPES, LAYER_FIXED_BASES, LAYER_PLAIN_WEIGHTS, LAYER_ACTIVATION_ERROR, LAYER_WEIGHT_ERRORS, SIGMOID, TANH, LAYER_SUMS, LAYER_SCALES, LAYER_BIASES, RELU } from "../fields";
import { affine } from "./activations.as";

/** Added to the class of an image whose bound leaves another one possible. */
export const UNCERTAIN: u32 = 0x10000;

/**
 * The first largest logit, and whether every other is lower by more than the bound of their difference's error. Logits are
 * finite (error-bound.ts). Lanes of the last vector that are no class take no part; their bound is −∞ (layout.ts).
 */
export function decide(run: usize, logits: usize, pixelSum: f32): u32 {
  const rowBytes: usize = load<i32>(lastLayer(run), LAYER_VECTORS) << 4;
  const lastAt = rowBytes - 16;
  const classes = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(load<i32>(run, RUN_OUTPUTS) - <i32>(lastAt >> 2)));
  let top = v128.bitselect(v128.load(logits + lastAt), f32x4.splat(-f32.MAX_VALUE), classes);
  for (let at: usize = 0; at < lastAt; at += 16) top = f32x4.pmax(top, v128.load(logits + at));
  top = f32x4.pmax(top, v128.shuffle<f32>(top, top, 2, 3, 0, 1));
  top = f32x4.pmax(top, v128.shuffle<f32>(top, top, 1, 0, 3, 2));
  let best: usize = 0;
  for (let at: usize = 0; at < rowBytes; at += 16) {
    const equal = f32x4.eq(v128.load(logits + at), top);
    const mask = i32x4.bitmask(at == lastAt ? v128.and(equal, classes) : equal);
    if (mask) {
      best = (at >> 2) + ctz(mask);
      break;
    }
  }
  const slopes = <usize>load<i32>(run, RUN_BOUND_SLOPES) + best * rowBytes;
  const bases = <usize>load<i32>(run, RUN_BOUND_BASES) + best * rowBytes;
  const pixels = f32x4.splat(pixelSum);
  let apart = i32x4.splat(-1);
  for (let at: usize = 0; at < rowBytes; at += 16) {
    const bound = f32x4.add(f32x4.mul(pixels, v128.load(slopes + at)), v128.load(bases + at));
    // A NaN compares false, and is thus computed again.
    apart = v128.and(apart, f32x4.gt(f32x4.sub(top, v128.load(logits + at)), bound));
  }
  return <u32>best | (i32x4.all_true(apart) ? 0 : UNCERTAIN);
}

/**
 * Whether the bound with the image's own activations (error-bound.ts) tells class `best` from all others. The errors of a
 * layer's sums and outputs go through the layers as the values did, by absolute weights. All terms are ≥ 0, and
 * float32 rounds their sums by less than the run's error slack allows.
 */
export function isApart(run: usize, image: i32, logits: usize, best: usize, pixelSum: f32): bool {
  const sumErrors: usize = load<i32>(run, RUN_SUM_ERRORS);
  const outErrors: usize = load<i32>(run, RUN_OUT_ERRORS);
  const magnitudes: usize = load<i32>(run, RUN_MAGNITUDES);
  const last = lastLayer(run);
  let layer: usize = load<i32>(run, RUN_LAYERS);
  // Without a hidden layer there is nothing that the bound at load did not know.
  if (layer == last) return false;
  fixedErrors(layer, pixelSum, sumErrors);
  outputErrors(run, layer, image, sumErrors, outErrors, magnitudes);
  for (layer += LAYER_BYTES; layer < last; layer += LAYER_BYTES) {
    fixedErrors(layer, pixelSum, sumErrors);
    addProduct(layer, LAYER_PLAIN_WEIGHTS, outErrors, sumErrors);
    addProduct(layer, LAYER_WEIGHT_ERRORS, magnitudes, sumErrors);
    outputErrors(run, layer, image, sumErrors, outErrors, magnitudes);
  }
  fixedErrors(last, pixelSum, sumErrors);
  addProduct(last, LAYER_WEIGHT_ERRORS, magnitudes, sumErrors);
  return pairsApart(run, last, logits, best, sumErrors, outErrors);
}

/** Factor for the rounding of two weights to float32 and of their difference. */
const WEIGHT_ROUNDING: f32 = 1e-6;

/** errors (V·4) = pixelSum · slopes + bases */
function fixedErrors(layer: usize, pixelSum: f32, errors: usize): void {
  const bytes: usize = load<i32>(layer, LAYER_VECTORS) << 4;
  const slopes: usize = load<i32>(layer, LAYER_FIXED_SLOPES);
  const bases: usize = load<i32>(layer, LAYER_FIXED_BASES);
  const pixels = f32x4.splat(pixelSum);
  for (let at: usize = 0; at < bytes; at += 16) {
    v128.store(errors + at, f32x4.add(f32x4.mul(pixels, v128.load(slopes + at)), v128.load(bases + at)));
  }
}

function inputCount(layer: usize): usize {
  const inputs: usize = load<i32>(layer, LAYER_INPUTS);
  return load<i32>(layer, LAYER_IS_INTEGER) ? inputs << 1 : inputs;
}

/** errors (V·4) += x (I) · |w| (I, V·4), w the layer's weights or their errors */
function addProduct(layer: usize, field: usize, x: usize, errors: usize): void {
  const rowBytes: usize = load<i32>(layer, LAYER_VECTORS) << 4;
  const inputs = inputCount(layer);
  const weights: usize = load<i32>(layer + field);
  for (let at: usize = 0; at < rowBytes; at += 16) {
    let sum = v128.load(errors + at);
    let w = weights + at;
    for (let k: usize = 0; k < inputs; k++) {
      sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(x + (k << 2)), f32x4.abs(v128.load(w))));
      w += rowBytes;
    }
    v128.store(errors + at, sum);
  }
}

/** out (V·4) = L · errors + the activation's own error, L from the image's outputs h; magnitudes (V·4) = |h| + out */
function outputErrors(run: usize, layer: usize, image: i32, errors: usize, out: usize, magnitudes: usize): void {
  const bytes: usize = load<i32>(layer, LAYER_VECTORS) << 4;
  const outputs = <usize>load<i32>(layer, LAYER_OUT) + <usize>image * <usize>load<i32>(layer, LAYER_ROW_BYTES);
  const activation = load<i32>(layer, LAYER_ACTIVATION);
  const outScale = load<f32>(layer, LAYER_OUT_SCALE);
  const own = f32x4.splat(load<f32>(layer, LAYER_ACTIVATION_ERROR));
  const sums = <usize>load<i32>(layer, LAYER_SUMS) + <usize>image * <usize>load<i32>(layer, LAYER_ROW_BYTES);
  const scales: usize = load<i32>(layer, LAYER_SCALES);
  const biases: usize = load<i32>(layer, LAYER_BIASES);
  const integer = load<i32>(layer, LAYER_IS_INTEGER);
  const one = f32x4.splat(1);
  const slack = f32x4.splat(load<f32>(run, RUN_ERROR_SLACK));
  for (let at: usize = 0; at < bytes; at += 16) {
    const h = outScale == 0
      ? v128.load(outputs + at)
      : f32x4.mul(f32x4.convert_i32x4_s(v128.load16x4_s(outputs + (at >> 1))), f32x4.splat(1 / outScale));
    const d = f32x4.mul(v128.load(errors + at), slack);
    let slope = one;
    if (activation == SIGMOID) {
      const here = f32x4.add(f32x4.mul(h, f32x4.sub(one, h)), own);
      slope = f32x4.pmin(f32x4.splat(0.25), f32x4.add(here, f32x4.mul(d, f32x4.splat(0.1))));
    } else if (activation == TANH) {
      const here = f32x4.add(f32x4.sub(one, f32x4.mul(h, h)), f32x4.add(own, own));
      slope = f32x4.pmin(one, f32x4.add(here, f32x4.mul(d, f32x4.splat(0.8))));
    } else if (activation == RELU) {
      // 0 where the sum is negative by more than its error: then the output is 0 on both sides.
      const z = affine(sums + at, scales + at, biases + at, integer);
      slope = v128.and(one, f32x4.ge(f32x4.add(z, d), f32x4.splat(0)));
    }
    const error = f32x4.add(f32x4.mul(slope, d), own);
    v128.store(out + at, error);
    v128.store(magnitudes + at, f32x4.add(f32x4.abs(h), error));
  }
}

/** Whether every other logit is lower than the best by more than what errors of the inputs and of the sums can do. */
function pairsApart(run: usize, last: usize, logits: usize, best: usize, sumErrors: usize, inputErrors: usize): bool {
  const rowBytes: usize = load<i32>(last, LAYER_VECTORS) << 4;
  const inputs = inputCount(last);
  const weights: usize = load<i32>(last, LAYER_PLAIN_WEIGHTS);
  const top = v128.load32_splat(logits + (best << 2));
  const topError = v128.load32_splat(sumErrors + (best << 2));
  const slack = f32x4.splat(load<f32>(run, RUN_ERROR_SLACK));
  const outputs = i32x4.splat(load<i32>(run, RUN_OUTPUTS));
  let lanes = i32x4(0, 1, 2, 3);
  for (let at: usize = 0; at < rowBytes; at += 16) {
    let bound = f32x4.add(topError, v128.load(sumErrors + at));
    let row = weights;
    for (let k: usize = 0; k < inputs; k++) {
      const a = v128.load32_splat(row + (best << 2));
      const b = v128.load(row + at);
      const rounding = f32x4.mul(f32x4.splat(WEIGHT_ROUNDING), f32x4.add(f32x4.abs(a), f32x4.abs(b)));
      const weight = f32x4.add(f32x4.abs(f32x4.sub(a, b)), rounding);
      bound = f32x4.add(bound, f32x4.mul(weight, v128.load32_splat(inputErrors + (k << 2))));
      row += rowBytes;
    }
    bound = f32x4.mul(bound, slack);
    const apart = f32x4.gt(f32x4.sub(top, v128.load(logits + at)), bound);
    const isOther = v128.andnot(i32x4.lt_s(lanes, outputs), i32x4.eq(lanes, i32x4.splat(<i32>best)));
    if (v128.any_true(v128.andnot(isOther, apart))) return false;
    lanes = i32x4.add(lanes, i32x4.splat(4));
  }
  return true;
}

export function lastLayer(run: usize): usize {
  const index: usize = load<i32>(run, RUN_LAYER_COUNT) - 1;
  return <usize>load<i32>(run, RUN_LAYERS) + index * LAYER_BYTES;
}
