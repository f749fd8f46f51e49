/** Sums of products, a tile of vectors at a time. */
import { RUN_STRIDE, RUN_VALUES, RUN_INDEXES, RUN_COUNTS, LAYER_INPUTS, LAYER_VECTORS, LAYER_WEIGHTS, LAYER_SUMS, LAYER_OUT, LAYER_ROW_BYTES } from "./fields.as";

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

export function sumSparseIntegers(run: usize, layer: usize, images: i32): void {
  tiles(true, true, layer, load<i32>(run, RUN_VALUES), load<i32>(run, RUN_STRIDE) << 2, load<i32>(run, RUN_INDEXES), load<i32>(run, RUN_COUNTS), images);
}
export function sumSparseFloats(run: usize, layer: usize, images: i32): void {
  tiles(false, true, layer, load<i32>(run, RUN_VALUES), load<i32>(run, RUN_STRIDE) << 2, load<i32>(run, RUN_INDEXES), load<i32>(run, RUN_COUNTS), images);
}
export function sumDenseIntegers(previous: usize, layer: usize, images: i32): void {
  tiles(true, false, layer, load<i32>(previous, LAYER_OUT), load<i32>(previous, LAYER_ROW_BYTES), 0, 0, images);
}
export function sumDenseFloats(previous: usize, layer: usize, images: i32): void {
  tiles(false, false, layer, load<i32>(previous, LAYER_OUT), load<i32>(previous, LAYER_ROW_BYTES), 0, 0, images);
}
