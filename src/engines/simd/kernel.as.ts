/**
 * The forward pass in WebAssembly SIMD, written in AssemblyScript.
 *
 * All state lies in memory that the caller lays out (layout.ts, whose numbers these are): globals and static data would
 * be one an instance. Pointers and counts are i32 fields.
 *
 * Layers come in two arithmetics, a row of V vectors of four outputs at a time:
 * - integer: sums (V·4) i32 = x (pairs) i16·2 · w (pairs, V·4) i16·2, exact, dequantised afterwards;
 * - float:   sums (V·4) f32 = x (I) f32 · w (I, V·4) f32.
 * The first layer reads bytes and skips zeros. Weights lie tile by tile, since a tile's then stay in a core's first
 * cache while a group of images passes by.
 */

const RUN_STRIDE: usize = 0; // bytes an image takes, a multiple of 16
const RUN_SHUFFLES: usize = 4; // (256, 16) u8: moves the pairs of a mask to the front
const RUN_VALUES: usize = 8; // scratch (GROUP, stride) i32: what is not zero
const RUN_INDEXES: usize = 12; // scratch (GROUP, stride) i32: where it stood
const RUN_LAYERS: usize = 16;
const RUN_LAYER_COUNT: usize = 20;
const RUN_BOUND_SLOPES: usize = 24; // (classes, V·4) f32: error of a difference of two logits, a unit of pixel sum
const RUN_BOUND_BASES: usize = 28; // (classes, V·4) f32: the part that does not depend on the pixels
const RUN_COUNTS: usize = 32; // scratch (GROUP) i32: entries of the image's list
const RUN_PIXEL_SUMS: usize = 36; // scratch (GROUP) i32
const RUN_SUM_ERRORS: usize = 40; // scratch, a row of the widest layer, f32
const RUN_OUT_ERRORS: usize = 44; // the same
const RUN_MAGNITUDES: usize = 48; // the same

const LAYER_BYTES: usize = 64;
const LAYER_IS_INTEGER: usize = 0;
const LAYER_INPUTS: usize = 4; // integer: pairs; float: elements
const LAYER_VECTORS: usize = 8;
const LAYER_WEIGHTS: usize = 12;
const LAYER_SCALES: usize = 16; // (V·4) f32
const LAYER_BIASES: usize = 20; // (V·4) f32
const LAYER_ACTIVATION: usize = 24;
const LAYER_SUMS: usize = 28; // scratch (GROUP, rowBytes)
const LAYER_OUT: usize = 32; // (GROUP, rowBytes); i16 rows fill half of theirs
const LAYER_OUT_SCALE: usize = 36; // f32; 0 where outputs stay f32, else they become round(scale · y) i16
const LAYER_ROW_BYTES: usize = 40; // of sums and outputs: V vectors and room for one more
const LAYER_FIXED_SLOPES: usize = 44; // (V·4) f32: of the sums' error that does not depend on the activations
const LAYER_FIXED_BASES: usize = 48; // (V·4) f32
const LAYER_PLAIN_WEIGHTS: usize = 52; // (I, made even, V·4) f32, of all layers but the first
const LAYER_ACTIVATION_ERROR: usize = 56; // f32
const LAYER_WEIGHT_ERRORS: usize = 60; // (I, made even, V·4) f32, of all layers but the first

const IDENTITY: i32 = 0;
const SIGMOID: i32 = 1;
const TANH: i32 = 2;

/** Images that go through a layer together. */
const GROUP: i32 = 16;

/** x + 1.5 · 2²³ has round(x) in its low bits, for |x| < 2²². */
const ROUNDER: f32 = 12582912;
const ROUNDER_BITS: i32 = 0x4b400000;

/** Added to the class of an image whose bound leaves another one possible. */
const UNCERTAIN: u32 = 0x10000;

/** Of `count` images at `pixels`: the class, and UNCERTAIN where the bound does not rule out another; u32 each. */
export function predict(run: usize, pixels: usize, count: i32, answers: usize): void {
  const stride = load<i32>(run, RUN_STRIDE);
  const last = lastLayer(run);
  const rowBytes: usize = load<i32>(last, LAYER_ROW_BYTES);
  const pixelSums: usize = load<i32>(run, RUN_PIXEL_SUMS);
  for (let first = 0; first < count; first += GROUP) {
    const images = min(GROUP, count - first);
    forwardGroup(run, pixels + first * stride, images);
    for (let n = 0; n < images; n++) {
      const logits = <usize>load<i32>(last, LAYER_OUT) + <usize>n * rowBytes;
      const pixelSum = <f32>load<i32>(pixelSums + (n << 2));
      let answer = decide(run, logits, pixelSum);
      if (answer >= UNCERTAIN && isApart(run, n, logits, answer - UNCERTAIN, pixelSum)) answer -= UNCERTAIN;
      store<u32>(answers, answer);
      answers += 4;
    }
  }
}

/** Logits (count, V·4) f32. */
export function forward(run: usize, pixels: usize, count: i32, logits: usize): void {
  const stride = load<i32>(run, RUN_STRIDE);
  const last = lastLayer(run);
  const rowBytes: usize = load<i32>(last, LAYER_ROW_BYTES);
  const logitBytes: usize = load<i32>(last, LAYER_VECTORS) << 4;
  for (let first = 0; first < count; first += GROUP) {
    const images = min(GROUP, count - first);
    forwardGroup(run, pixels + first * stride, images);
    for (let n = 0; n < images; n++) {
      memory.copy(logits, <usize>load<i32>(last, LAYER_OUT) + <usize>n * rowBytes, logitBytes);
      logits += logitBytes;
    }
  }
}

function lastLayer(run: usize): usize {
  const index: usize = load<i32>(run, RUN_LAYER_COUNT) - 1;
  return <usize>load<i32>(run, RUN_LAYERS) + index * LAYER_BYTES;
}

/** All layers of at most GROUP images. */
function forwardGroup(run: usize, pixels: usize, images: i32): void {
  let layer: usize = load<i32>(run, RUN_LAYERS);
  const layerCount: usize = load<i32>(run, RUN_LAYER_COUNT);
  const end = layer + layerCount * LAYER_BYTES;
  const integer = load<i32>(layer, LAYER_IS_INTEGER);
  listGroup(run, pixels, images, integer);
  if (integer) sumSparseIntegers(run, layer, images);
  else sumSparseFloats(run, layer, images);
  finishGroup(layer, images);
  for (let previous = layer, next = layer + LAYER_BYTES; next < end; next += LAYER_BYTES) {
    if (load<i32>(next, LAYER_IS_INTEGER)) sumDenseIntegers(previous, next, images);
    else sumDenseFloats(previous, next, images);
    finishGroup(next, images);
    previous = next;
  }
}

/** Of each image: the list of what is not zero, and the sum of its bytes. */
function listGroup(run: usize, pixels: usize, images: i32, pairs: i32): void {
  const stride = load<i32>(run, RUN_STRIDE);
  let values: usize = load<i32>(run, RUN_VALUES);
  let indexes: usize = load<i32>(run, RUN_INDEXES);
  const shuffles: usize = load<i32>(run, RUN_SHUFFLES);
  const counts: usize = load<i32>(run, RUN_COUNTS);
  const pixelSums: usize = load<i32>(run, RUN_PIXEL_SUMS);
  for (let n = 0; n < images; n++) {
    const pixelSum = pixelSums + (n << 2);
    const found = pairs
      ? listPairs(pixels, stride, shuffles, values, indexes, pixelSum)
      : listElements(pixels, stride, values, indexes, pixelSum);
    store<i32>(counts + (n << 2), found);
    pixels += stride;
    values += stride << 2;
    indexes += stride << 2;
  }
}

/** Pairs of bytes that are not both zero: the two as i16 in an i32, and the pair's index. Branches on whole vectors only. */
@inline function listPairs(pixels: usize, bytes: i32, shuffles: usize, values: usize, indexes: usize, pixelSum: usize): i32 {
  const begin = values;
  const lanes = i16x8(0, 1, 2, 3, 4, 5, 6, 7);
  let sum = i32x4.splat(0);
  for (let at = 0; at < bytes; at += 16) {
    const group = v128.load(pixels + at);
    const mask = i16x8.bitmask(i16x8.ne(group, i16x8.splat(0)));
    if (!mask) continue;
    const shuffle = v128.load(shuffles + (mask << 4));
    const packed = i8x16.swizzle(group, shuffle);
    v128.store(values, i16x8.extend_low_i8x16_u(packed));
    v128.store(values, i16x8.extend_high_i8x16_u(packed), 16);
    const where = i8x16.swizzle(lanes, shuffle);
    const first = i32x4.splat(at >> 1);
    v128.store(indexes, i32x4.add(first, i32x4.extend_low_i16x8_u(where)));
    v128.store(indexes, i32x4.add(first, i32x4.extend_high_i16x8_u(where)), 16);
    sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(group)));
    const found = popcnt(mask) << 2;
    values += found;
    indexes += found;
  }
  const low = i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1);
  store<i32>(pixelSum, low + i32x4.extract_lane(sum, 2) + i32x4.extract_lane(sum, 3));
  return <i32>(values - begin) >> 2;
}

/** Bytes that are not zero: the byte as f32, and its index. */
function listElements(pixels: usize, bytes: i32, values: usize, indexes: usize, pixelSum: usize): i32 {
  let found = 0;
  let sum = 0;
  for (let at = 0; at < bytes; at++) {
    const value = load<u8>(pixels + at);
    if (!value) continue;
    store<f32>(values + (found << 2), <f32>value);
    store<i32>(indexes + (found << 2), at);
    sum += value;
    found++;
  }
  store<i32>(pixelSum, sum);
  return found;
}

/**
 * One tile: N ≤ 7 vectors of sums in registers (13 spill). Sparse: `count` values, and the rows of weights that their
 * indexes name; dense: `count` consecutive ones.
 */
@inline function tile(N: i32, integer: bool, sparse: bool, x: usize, indexes: usize, count: i32, w: usize, sums: usize): void {
  const zero = i32x4.splat(0);
  let a0 = zero, a1 = zero, a2 = zero, a3 = zero, a4 = zero, a5 = zero, a6 = zero;
  const end = x + (count << 2);
  while (x < end) {
    const q = sparse ? w + load<u32>(indexes) * (N << 4) : w;
    const v = v128.load32_splat(x);
    a0 = madd(integer, a0, v, v128.load(q));
    if (N > 1) a1 = madd(integer, a1, v, v128.load(q, 16));
    if (N > 2) a2 = madd(integer, a2, v, v128.load(q, 32));
    if (N > 3) a3 = madd(integer, a3, v, v128.load(q, 48));
    if (N > 4) a4 = madd(integer, a4, v, v128.load(q, 64));
    if (N > 5) a5 = madd(integer, a5, v, v128.load(q, 80));
    if (N > 6) a6 = madd(integer, a6, v, v128.load(q, 96));
    x += 4;
    if (sparse) indexes += 4;
    else w += N << 4;
  }
  v128.store(sums, a0);
  if (N > 1) v128.store(sums, a1, 16);
  if (N > 2) v128.store(sums, a2, 32);
  if (N > 3) v128.store(sums, a3, 48);
  if (N > 4) v128.store(sums, a4, 64);
  if (N > 5) v128.store(sums, a5, 80);
  if (N > 6) v128.store(sums, a6, 96);
}

@inline function madd(integer: bool, sum: v128, x: v128, w: v128): v128 {
  return integer ? i32x4.add(sum, i32x4.dot_i16x8_s(x, w)) : f32x4.add(sum, f32x4.mul(x, w));
}

/** A tile of each image. */
@inline function tileGroup(
  N: i32, integer: bool, sparse: bool,
  x: usize, xStride: usize, indexes: usize, counts: usize, count: i32,
  w: usize, sums: usize, rowBytes: usize, images: i32,
): void {
  for (let n = 0; n < images; n++) {
    tile(N, integer, sparse, x, indexes, sparse ? load<i32>(counts + (n << 2)) : count, w, sums);
    x += xStride;
    if (sparse) indexes += xStride;
    sums += rowBytes;
  }
}

/** All vectors of a layer in tiles as even as they go: 13 = 7 + 6, 25 = 7 + 6 + 6 + 6. */
@inline function tiles(
  integer: bool, sparse: bool, layer: usize,
  x: usize, xStride: usize, indexes: usize, counts: usize, images: i32,
): void {
  const inputs = load<i32>(layer, LAYER_INPUTS);
  const rowBytes: usize = load<i32>(layer, LAYER_ROW_BYTES);
  let w: usize = load<i32>(layer, LAYER_WEIGHTS);
  let sums: usize = load<i32>(layer, LAYER_SUMS);
  let left = load<i32>(layer, LAYER_VECTORS);
  for (let parts = (left + 6) / 7; parts > 0; parts--) {
    const width = (left + parts - 1) / parts;
    switch (width) {
      case 7: tileGroup(7, integer, sparse, x, xStride, indexes, counts, inputs, w, sums, rowBytes, images); break;
      case 6: tileGroup(6, integer, sparse, x, xStride, indexes, counts, inputs, w, sums, rowBytes, images); break;
      case 5: tileGroup(5, integer, sparse, x, xStride, indexes, counts, inputs, w, sums, rowBytes, images); break;
      case 4: tileGroup(4, integer, sparse, x, xStride, indexes, counts, inputs, w, sums, rowBytes, images); break;
      case 3: tileGroup(3, integer, sparse, x, xStride, indexes, counts, inputs, w, sums, rowBytes, images); break;
      case 2: tileGroup(2, integer, sparse, x, xStride, indexes, counts, inputs, w, sums, rowBytes, images); break;
      default: tileGroup(1, integer, sparse, x, xStride, indexes, counts, inputs, w, sums, rowBytes, images);
    }
    w += (width << 4) * inputs;
    sums += width << 4;
    left -= width;
  }
}

function sumSparseIntegers(run: usize, layer: usize, images: i32): void {
  tiles(true, true, layer, load<i32>(run, RUN_VALUES), load<i32>(run, RUN_STRIDE) << 2, load<i32>(run, RUN_INDEXES), load<i32>(run, RUN_COUNTS), images);
}
function sumSparseFloats(run: usize, layer: usize, images: i32): void {
  tiles(false, true, layer, load<i32>(run, RUN_VALUES), load<i32>(run, RUN_STRIDE) << 2, load<i32>(run, RUN_INDEXES), load<i32>(run, RUN_COUNTS), images);
}
function sumDenseIntegers(previous: usize, layer: usize, images: i32): void {
  tiles(true, false, layer, load<i32>(previous, LAYER_OUT), load<i32>(previous, LAYER_ROW_BYTES), 0, 0, images);
}
function sumDenseFloats(previous: usize, layer: usize, images: i32): void {
  tiles(false, false, layer, load<i32>(previous, LAYER_OUT), load<i32>(previous, LAYER_ROW_BYTES), 0, 0, images);
}

/** Sums → activation(sum · scale + bias), f32 or i16. */
function finishGroup(layer: usize, images: i32): void {
  const integer = load<i32>(layer, LAYER_IS_INTEGER);
  const rowBytes: usize = load<i32>(layer, LAYER_ROW_BYTES);
  const outScale = load<f32>(layer, LAYER_OUT_SCALE);
  let sums: usize = load<i32>(layer, LAYER_SUMS);
  let out: usize = load<i32>(layer, LAYER_OUT);
  const activation = load<i32>(layer, LAYER_ACTIVATION);
  for (let n = 0; n < images; n++) {
    if (outScale == 0) finishFloats(layer, sums, out, activation, integer);
    else if (activation == SIGMOID && integer) finishIntegers(layer, sums, out, outScale, SIGMOID, 1);
    else finishIntegers(layer, sums, out, outScale, activation, integer);
    sums += rowBytes;
    out += rowBytes;
  }
}

/** Two vectors at a time; where they are odd in number, what lies behind the last is read, and written where nobody reads. */
@inline function finishIntegers(layer: usize, sums: usize, out: usize, outScale: f32, activation: i32, integer: i32): void {
  const bytes: usize = load<i32>(layer, LAYER_VECTORS) << 4;
  const scales: usize = load<i32>(layer, LAYER_SCALES);
  const biases: usize = load<i32>(layer, LAYER_BIASES);
  const s = f32x4.splat(outScale);
  for (let at: usize = 0; at < bytes; at += 32) {
    const low = activate(activation, affine(sums + at, scales + at, biases + at, integer), s);
    const high = activate(activation, affine(sums + at + 16, scales + at + 16, biases + at + 16, integer), s);
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
    v128.store(out + at, activate(activation, affine(sums + at, scales + at, biases + at, integer), one));
  }
}

/** Nearest integers of values within ±2²¹. */
@inline function rounded(v: v128): v128 {
  return i32x4.sub(f32x4.add(v, f32x4.splat(ROUNDER)), i32x4.splat(ROUNDER_BITS));
}

@inline function affine(sums: usize, scales: usize, biases: usize, integer: i32): v128 {
  const raw = v128.load(sums);
  const sum = integer ? f32x4.convert_i32x4_s(raw) : raw;
  return f32x4.add(f32x4.mul(sum, v128.load(scales)), v128.load(biases));
}

/**
 * s · activation(z). For sigmoid and tanh z comes multiplied by −log2 e (tanh: −2 log2 e), which scales and biases carry:
 * s ÷ (1 + 2^z), and 2s ÷ (1 + 2^z) − s.
 */
@inline function activate(activation: i32, z: v128, s: v128): v128 {
  if (activation == SIGMOID) return f32x4.div(s, f32x4.add(f32x4.splat(1), exp2(z)));
  if (activation == TANH) {
    return f32x4.sub(f32x4.div(f32x4.add(s, s), f32x4.add(f32x4.splat(1), exp2(z))), s);
  }
  if (activation == IDENTITY) return f32x4.mul(s, z);
  return f32x4.mul(s, f32x4.max(z, f32x4.splat(0)));
}

/**
 * 2^x with x clamped to ±126: the whole part goes into the exponent, the rest, within ±½, through a polynomial of degree
 * 4 that is off by at most 2.7e-6 of its value (fitted by reweighted least squares, its constants rounded to float32).
 */
@inline function exp2(x: v128): v128 {
  const clamped = f32x4.pmin(f32x4.splat(126), f32x4.pmax(f32x4.splat(-126), x));
  const shifted = f32x4.add(clamped, f32x4.splat(ROUNDER));
  const f = f32x4.sub(clamped, f32x4.sub(shifted, f32x4.splat(ROUNDER)));
  let p = f32x4.splat(0.009570102207362652);
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(0.05591786280274391));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(0.240247443318367));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(0.6931217908859253));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(0.9999992847442627));
  return i32x4.add(p, i32x4.shl(shifted, 23));
}

/** The first largest logit, and whether every other is lower by more than the bound of their difference's error. */
function decide(run: usize, logits: usize, pixelSum: f32): u32 {
  const rowBytes: usize = load<i32>(lastLayer(run), LAYER_VECTORS) << 4;
  let top = v128.load(logits);
  for (let at: usize = 16; at < rowBytes; at += 16) top = f32x4.pmax(top, v128.load(logits + at));
  top = f32x4.pmax(top, v128.shuffle<f32>(top, top, 2, 3, 0, 1));
  top = f32x4.pmax(top, v128.shuffle<f32>(top, top, 1, 0, 3, 2));
  let best: usize = 0;
  for (let at: usize = 0; at < rowBytes; at += 16) {
    const mask = i32x4.bitmask(f32x4.eq(v128.load(logits + at), top));
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
 * layer's sums and outputs go through the layers as the values did, by absolute weights. All terms are ≥ 0 and few, so
 * that float32 rounds their sums by far less than ERROR_SLACK allows.
 */
function isApart(run: usize, image: i32, logits: usize, best: usize, pixelSum: f32): bool {
  const sumErrors: usize = load<i32>(run, RUN_SUM_ERRORS);
  const outErrors: usize = load<i32>(run, RUN_OUT_ERRORS);
  const magnitudes: usize = load<i32>(run, RUN_MAGNITUDES);
  const last = lastLayer(run);
  let layer: usize = load<i32>(run, RUN_LAYERS);
  // Without a hidden layer there is nothing that the bound at load did not know.
  if (layer == last) return false;
  fixedErrors(layer, pixelSum, sumErrors);
  outputErrors(layer, image, sumErrors, outErrors, magnitudes);
  for (layer += LAYER_BYTES; layer < last; layer += LAYER_BYTES) {
    fixedErrors(layer, pixelSum, sumErrors);
    addProduct(layer, LAYER_PLAIN_WEIGHTS, outErrors, sumErrors);
    addProduct(layer, LAYER_WEIGHT_ERRORS, magnitudes, sumErrors);
    outputErrors(layer, image, sumErrors, outErrors, magnitudes);
  }
  fixedErrors(last, pixelSum, sumErrors);
  addProduct(last, LAYER_WEIGHT_ERRORS, magnitudes, sumErrors);
  return pairsApart(last, logits, best, sumErrors, outErrors);
}

const ERROR_SLACK: f32 = 1.001;
/** Of the rounding of two weights to float32 and of their difference. */
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
function outputErrors(layer: usize, image: i32, errors: usize, out: usize, magnitudes: usize): void {
  const bytes: usize = load<i32>(layer, LAYER_VECTORS) << 4;
  const outputs = <usize>load<i32>(layer, LAYER_OUT) + <usize>image * <usize>load<i32>(layer, LAYER_ROW_BYTES);
  const activation = load<i32>(layer, LAYER_ACTIVATION);
  const outScale = load<f32>(layer, LAYER_OUT_SCALE);
  const own = f32x4.splat(load<f32>(layer, LAYER_ACTIVATION_ERROR));
  const one = f32x4.splat(1);
  for (let at: usize = 0; at < bytes; at += 16) {
    const h = outScale == 0
      ? v128.load(outputs + at)
      : f32x4.mul(f32x4.convert_i32x4_s(v128.load16x4_s(outputs + (at >> 1))), f32x4.splat(1 / outScale));
    const d = v128.load(errors + at);
    let slope = one;
    if (activation == SIGMOID) {
      const here = f32x4.add(f32x4.mul(h, f32x4.sub(one, h)), own);
      slope = f32x4.pmin(f32x4.splat(0.25), f32x4.add(here, f32x4.mul(d, f32x4.splat(0.1))));
    } else if (activation == TANH) {
      const here = f32x4.add(f32x4.sub(one, f32x4.mul(h, h)), f32x4.add(own, own));
      slope = f32x4.pmin(one, f32x4.add(here, f32x4.mul(d, f32x4.splat(0.8))));
    }
    const error = f32x4.add(f32x4.mul(slope, d), own);
    v128.store(out + at, error);
    v128.store(magnitudes + at, f32x4.add(f32x4.abs(h), error));
  }
}

/** Whether every other logit is lower than the best by more than what errors of the inputs and of the sums can do. */
function pairsApart(last: usize, logits: usize, best: usize, sumErrors: usize, inputErrors: usize): bool {
  const rowBytes: usize = load<i32>(last, LAYER_VECTORS) << 4;
  const inputs = inputCount(last);
  const weights: usize = load<i32>(last, LAYER_PLAIN_WEIGHTS);
  const top = v128.load32_splat(logits + (best << 2));
  const topError = v128.load32_splat(sumErrors + (best << 2));
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
    bound = f32x4.mul(bound, f32x4.splat(ERROR_SLACK));
    const apart = f32x4.gt(f32x4.sub(top, v128.load(logits + at)), bound);
    const isBest = i32x4.eq(lanes, i32x4.splat(<i32>best));
    if (!i32x4.all_true(v128.or(apart, isBest))) return false;
    lanes = i32x4.add(lanes, i32x4.splat(4));
  }
  return true;
}
