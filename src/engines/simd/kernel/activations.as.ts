/** From sums to activations. */
import { LAYER_IS_INTEGER, LAYER_VECTORS, LAYER_SCALES, LAYER_BIASES, LAYER_ACTIVATION, LAYER_SUMS, LAYER_OUT, LAYER_OUT_SCALE, LAYER_ROW_BYTES, LAYER_IS_TAME, IDENTITY, SIGMOID, TANH } from "../fields";

/** x + 1.5 · 2²³ has round(x) in its low bits, for |x| < 2²². */
const ROUNDER: f32 = 12582912;
const ROUNDER_BITS: i32 = 0x4b400000;

/** Sums → activation(sum · scale + bias), f32 or i16. */
export function finishGroup(layer: usize, images: i32): void {
  const integer = load<i32>(layer, LAYER_IS_INTEGER);
  const rowBytes: usize = load<i32>(layer, LAYER_ROW_BYTES);
  const outScale = load<f32>(layer, LAYER_OUT_SCALE);
  let sums: usize = load<i32>(layer, LAYER_SUMS);
  let out: usize = load<i32>(layer, LAYER_OUT);
  const activation = load<i32>(layer, LAYER_ACTIVATION);
  const tame = load<i32>(layer, LAYER_IS_TAME);
  for (let n = 0; n < images; n++) {
    if (outScale == 0) finishFloats(layer, sums, out, activation, integer);
    else if (activation == SIGMOID && integer && tame) finishIntegers(layer, sums, out, outScale, SIGMOID, 1, true);
    else finishIntegers(layer, sums, out, outScale, activation, integer, false);
    sums += rowBytes;
    out += rowBytes;
  }
}

/** Two vectors at a time. If their number is odd, the bytes after the last are read, and written where no one reads. */
@inline function finishIntegers(layer: usize, sums: usize, out: usize, outScale: f32, activation: i32, integer: i32, tame: bool): void {
  const bytes: usize = load<i32>(layer, LAYER_VECTORS) << 4;
  const scales: usize = load<i32>(layer, LAYER_SCALES);
  const biases: usize = load<i32>(layer, LAYER_BIASES);
  const s = f32x4.splat(outScale);
  for (let at: usize = 0; at < bytes; at += 32) {
    const low = activate(activation, affine(sums + at, scales + at, biases + at, integer), s, tame);
    const high = activate(activation, affine(sums + at + 16, scales + at + 16, biases + at + 16, integer), s, tame);
    v128.store(out, i16x8.narrow_i32x4_s(rounded(low), rounded(high)));
    out += 16;
  }
}

function finishFloats(layer: usize, sums: usize, out: usize, activation: i32, integer: i32): void {
  const bytes: usize = load<i32>(layer, LAYER_VECTORS) << 4;
  const scales: usize = load<i32>(layer, LAYER_SCALES);
  const biases: usize = load<i32>(layer, LAYER_BIASES);
  const one = f32x4.splat(1);
  for (let at: usize = 0; at < bytes; at += 16) {
    v128.store(out + at, activate(activation, affine(sums + at, scales + at, biases + at, integer), one, false));
  }
}

/** Nearest integers of values within ±2²¹. */
@inline function rounded(v: v128): v128 {
  return i32x4.sub(f32x4.add(v, f32x4.splat(ROUNDER)), i32x4.splat(ROUNDER_BITS));
}

@inline export function affine(sums: usize, scales: usize, biases: usize, integer: i32): v128 {
  const raw = v128.load(sums);
  const sum = integer ? f32x4.convert_i32x4_s(raw) : raw;
  return multiplyAdd(sum, v128.load(scales), v128.load(biases));
}

/**
 * s · activation(z). For sigmoid and tanh z comes multiplied by −log2 e (tanh: −2 log2 e), which scales and biases carry:
 * s ÷ (1 + 2^z), and 2s ÷ (1 + 2^z) − s.
 */
@inline function activate(activation: i32, z: v128, s: v128, tame: bool): v128 {
  if (activation == SIGMOID) return f32x4.div(s, f32x4.add(f32x4.splat(1), exp2(z, tame)));
  if (activation == TANH) {
    return f32x4.sub(f32x4.div(f32x4.add(s, s), f32x4.add(f32x4.splat(1), exp2(z, tame))), s);
  }
  if (activation == IDENTITY) return f32x4.mul(s, z);
  return f32x4.mul(s, f32x4.max(z, f32x4.splat(0)));
}

/**
 * 2^x with x clamped to ±126, which a tame one never leaves: the whole part goes into the exponent, the rest, within ±½,
 * through a polynomial of degree 4 that is off by at most 2.7e-6 of its value (fitted by reweighted least squares, its
 * constants rounded to float32).
 */
@inline function exp2(x: v128, tame: bool): v128 {
  const clamped = tame ? x : f32x4.pmin(f32x4.splat(126), f32x4.pmax(f32x4.splat(-126), x));
  const shifted = f32x4.add(clamped, f32x4.splat(ROUNDER));
  const f = f32x4.sub(clamped, f32x4.sub(shifted, f32x4.splat(ROUNDER)));
  let p = f32x4.splat(0.009570102207362652);
  p = multiplyAdd(p, f, f32x4.splat(0.05591786280274391));
  p = multiplyAdd(p, f, f32x4.splat(0.240247443318367));
  p = multiplyAdd(p, f, f32x4.splat(0.6931217908859253));
  p = multiplyAdd(p, f, f32x4.splat(0.9999992847442627));
  return i32x4.add(p, i32x4.shl(shifted, 23));
}

/** a · b + c, fused where the build has relaxed SIMD: rounded once instead of twice, so that every error bound holds. */
@inline export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
}
