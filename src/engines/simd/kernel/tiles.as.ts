/**
 * Sums of products, a tile of vectors at a time: as many as stay in registers beside the weights, which the compiler
 * loads before it multiplies. Those are seven of one image, or four of two images side by side, which share the loads.
 */
import { RUN_STRIDE, RUN_VALUES, RUN_INDEXES, RUN_COUNTS, LAYER_INPUTS, LAYER_VECTORS, LAYER_WEIGHTS, LAYER_SUMS, LAYER_OUT, LAYER_ROW_BYTES, SPARSE_VECTORS, DENSE_VECTORS } from "../fields";
import { multiplyAdd } from "./activations.as";

export function sumSparseIntegers(run: usize, layer: usize, images: i32): void {
  sparseTiles(true, run, layer, images);
}
export function sumSparseFloats(run: usize, layer: usize, images: i32): void {
  sparseTiles(false, run, layer, images);
}
export function sumDenseIntegers(previous: usize, layer: usize, images: i32): void {
  denseTiles(true, previous, layer, images);
}
export function sumDenseFloats(previous: usize, layer: usize, images: i32): void {
  denseTiles(false, previous, layer, images);
}

/** All vectors of a layer in tiles as even as they go: 13 = 7 + 6. */
@inline function sparseTiles(integer: bool, run: usize, layer: usize, images: i32): void {
  const inputs = load<i32>(layer, LAYER_INPUTS);
  let w: usize = load<i32>(layer, LAYER_WEIGHTS);
  let sums: usize = load<i32>(layer, LAYER_SUMS);
  let left = load<i32>(layer, LAYER_VECTORS);
  for (let parts = (left + SPARSE_VECTORS - 1) / SPARSE_VECTORS; parts > 0; parts--) {
    const width = (left + parts - 1) / parts;
    switch (width) {
      case 7: sparseGroup(7, integer, run, layer, w, sums, images); break;
      case 6: sparseGroup(6, integer, run, layer, w, sums, images); break;
      case 5: sparseGroup(5, integer, run, layer, w, sums, images); break;
      case 4: sparseGroup(4, integer, run, layer, w, sums, images); break;
      case 3: sparseGroup(3, integer, run, layer, w, sums, images); break;
      case 2: sparseGroup(2, integer, run, layer, w, sums, images); break;
      default: sparseGroup(1, integer, run, layer, w, sums, images);
    }
    w += (width << 4) * inputs;
    sums += width << 4;
    left -= width;
  }
}

/** A tile of each image. */
@inline function sparseGroup(N: i32, integer: bool, run: usize, layer: usize, w: usize, sums: usize, images: i32): void {
  const rowBytes: usize = load<i32>(layer, LAYER_ROW_BYTES);
  const listBytes: usize = load<i32>(run, RUN_STRIDE) << 2;
  let counts: usize = load<i32>(run, RUN_COUNTS);
  let values: usize = load<i32>(run, RUN_VALUES);
  let indexes: usize = load<i32>(run, RUN_INDEXES);
  for (let n = 0; n < images; n++) {
    sparseTile(N, integer, values, indexes, load<i32>(counts), w, sums);
    counts += 4;
    values += listBytes;
    indexes += listBytes;
    sums += rowBytes;
  }
}

/** sums (N·4) = x (count) · the rows of w (·, N·4) that the indexes name: u16 of pairs, u32 of elements. */
@inline function sparseTile(N: i32, integer: bool, x: usize, indexes: usize, count: i32, w: usize, sums: usize): void {
  const zero = i32x4.splat(0);
  let a0 = zero, a1 = zero, a2 = zero, a3 = zero, a4 = zero, a5 = zero, a6 = zero;
  const end = x + (count << 2);
  while (x < end) {
    const index: u32 = integer ? <u32>load<u16>(indexes) : load<u32>(indexes);
    const row = w + index * (N << 4);
    const v = v128.load32_splat(x);
    a0 = madd(integer, a0, v, v128.load(row));
    if (N > 1) a1 = madd(integer, a1, v, v128.load(row, 16));
    if (N > 2) a2 = madd(integer, a2, v, v128.load(row, 32));
    if (N > 3) a3 = madd(integer, a3, v, v128.load(row, 48));
    if (N > 4) a4 = madd(integer, a4, v, v128.load(row, 64));
    if (N > 5) a5 = madd(integer, a5, v, v128.load(row, 80));
    if (N > 6) a6 = madd(integer, a6, v, v128.load(row, 96));
    x += 4;
    indexes += integer ? 2 : 4;
  }
  v128.store(sums, a0);
  if (N > 1) v128.store(sums, a1, 16);
  if (N > 2) v128.store(sums, a2, 32);
  if (N > 3) v128.store(sums, a3, 48);
  if (N > 4) v128.store(sums, a4, 64);
  if (N > 5) v128.store(sums, a5, 80);
  if (N > 6) v128.store(sums, a6, 96);
}

/** All vectors of a layer in tiles as even as they go: 25 = 4 + 4 + 4 + 4 + 3 + 3 + 3. */
@inline function denseTiles(integer: bool, previous: usize, layer: usize, images: i32): void {
  const inputs = load<i32>(layer, LAYER_INPUTS);
  let w: usize = load<i32>(layer, LAYER_WEIGHTS);
  let sums: usize = load<i32>(layer, LAYER_SUMS);
  let left = load<i32>(layer, LAYER_VECTORS);
  for (let parts = (left + DENSE_VECTORS - 1) / DENSE_VECTORS; parts > 0; parts--) {
    const width = (left + parts - 1) / parts;
    switch (width) {
      case 4: denseGroup(4, integer, previous, layer, w, sums, images); break;
      case 3: denseGroup(3, integer, previous, layer, w, sums, images); break;
      case 2: denseGroup(2, integer, previous, layer, w, sums, images); break;
      default: denseGroup(1, integer, previous, layer, w, sums, images);
    }
    w += (width << 4) * inputs;
    sums += width << 4;
    left -= width;
  }
}

/** A tile of each two images. An odd last one is paired with a row of an earlier group, whose sums no one reads. */
@inline function denseGroup(N: i32, integer: bool, previous: usize, layer: usize, w: usize, sums: usize, images: i32): void {
  const inputs = load<i32>(layer, LAYER_INPUTS);
  const rowBytes: usize = load<i32>(layer, LAYER_ROW_BYTES);
  const xBytes: usize = load<i32>(previous, LAYER_ROW_BYTES);
  let x: usize = load<i32>(previous, LAYER_OUT);
  for (let n = 0; n < images; n += 2) {
    denseTile(N, integer, x, xBytes, inputs, w, sums, rowBytes);
    x += xBytes << 1;
    sums += rowBytes << 1;
  }
}

/** sums (2, N·4) = x (2, count) · w (count, N·4); the second rows lie `xBytes` and `rowBytes` behind the first. */
@inline function denseTile(N: i32, integer: bool, x: usize, xBytes: usize, count: i32, w: usize, sums: usize, rowBytes: usize): void {
  const zero = i32x4.splat(0);
  let a0 = zero, a1 = zero, a2 = zero, a3 = zero;
  let b0 = zero, b1 = zero, b2 = zero, b3 = zero;
  const end = x + (count << 2);
  while (x < end) {
    const u = v128.load32_splat(x);
    const v = v128.load32_splat(x + xBytes);
    const w0 = v128.load(w);
    a0 = madd(integer, a0, u, w0);
    b0 = madd(integer, b0, v, w0);
    if (N > 1) {
      const w1 = v128.load(w, 16);
      a1 = madd(integer, a1, u, w1);
      b1 = madd(integer, b1, v, w1);
    }
    if (N > 2) {
      const w2 = v128.load(w, 32);
      a2 = madd(integer, a2, u, w2);
      b2 = madd(integer, b2, v, w2);
    }
    if (N > 3) {
      const w3 = v128.load(w, 48);
      a3 = madd(integer, a3, u, w3);
      b3 = madd(integer, b3, v, w3);
    }
    x += 4;
    w += N << 4;
  }
  storeTile(N, sums, a0, a1, a2, a3);
  storeTile(N, sums + rowBytes, b0, b1, b2, b3);
}

@inline function storeTile(N: i32, sums: usize, s0: v128, s1: v128, s2: v128, s3: v128): void {
  v128.store(sums, s0);
  if (N > 1) v128.store(sums, s1, 16);
  if (N > 2) v128.store(sums, s2, 32);
  if (N > 3) v128.store(sums, s3, 48);
}

@inline function madd(integer: bool, sum: v128, x: v128, w: v128): v128 {
  return integer ? i32x4.add(sum, i32x4.dot_i16x8_s(x, w)) : multiplyAdd(x, w, sum);
}
