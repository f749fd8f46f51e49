/**
 * The forward pass in WebAssembly SIMD, written in AssemblyScript.
 *
 * All state lies in memory that the caller lays out (layout.ts): globals and static data would
 * be one an instance. Pointers and counts are i32 fields.
 *
 * Layers come in two arithmetics, a row of V vectors of four outputs at a time:
 * - integer: sums (V·4) i32 = x (pairs) i16·2 · w (pairs, V·4) i16·2, exact, dequantised afterwards;
 * - float:   sums (V·4) f32 = x (I) f32 · w (I, V·4) f32.
 * The first layer reads bytes and skips zeros. Weights lie tile by tile, since a tile's then stay in a core's first
 * cache while a group of images passes by.
 */
import { RUN_STRIDE, RUN_LAYERS, RUN_LAYER_COUNT, RUN_PIXEL_SUMS, LAYER_BYTES, LAYER_IS_INTEGER, LAYER_VECTORS, LAYER_OUT, LAYER_ROW_BYTES, GROUP } from "../fields";
import { listGroup } from "./lists.as";
import { sumSparseIntegers, sumSparseFloats, sumDenseIntegers, sumDenseFloats } from "./tiles.as";
import { finishGroup } from "./activations.as";
import { UNCERTAIN, decide, isApart, lastLayer } from "./certainty.as";

/** Writes an answer u32 for each of `count` images at `pixels`: the class, plus UNCERTAIN if the bound leaves another one possible. */
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

/** Writes logits (count, V·4) f32. */
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
