/** Lists of the bytes of an image that are not zero. */
import { RUN_STRIDE, RUN_SHUFFLES, RUN_VALUES, RUN_INDEXES, RUN_COUNTS, RUN_PIXEL_SUMS } from "../fields";

/** Makes, for each image, the list of bytes that are not zero, and their sum. */
export function listGroup(run: usize, pixels: usize, images: i32, pairs: i32): void {
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

/**
 * Pairs of bytes that are not both zero: the two as i16 in an i32, and the pair's index as u16. What a branch guesses
 * wrong costs more than a vector of zeros, so two vectors are skipped together.
 */
@inline function listPairs(pixels: usize, bytes: i32, shuffles: usize, values: usize, indexes: usize, pixelSum: usize): i32 {
  const begin = indexes;
  const whole = bytes & ~31;
  let sum = i32x4.splat(0);
  for (let at = 0; at < whole; at += 32) {
    const low = v128.load(pixels + at);
    const high = v128.load(pixels + at, 16);
    if (!v128.any_true(v128.or(low, high))) continue;
    let bytesFound = listVector(low, at >> 1, shuffles, values, indexes);
    values += bytesFound << 1;
    indexes += bytesFound;
    bytesFound = listVector(high, (at >> 1) + 8, shuffles, values, indexes);
    values += bytesFound << 1;
    indexes += bytesFound;
    const sums = i16x8.add(i16x8.extadd_pairwise_i8x16_u(low), i16x8.extadd_pairwise_i8x16_u(high));
    sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_u(sums));
  }
  if (whole < bytes) {
    const rest = v128.load(pixels + whole);
    indexes += listVector(rest, whole >> 1, shuffles, values, indexes);
    sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(rest)));
  }
  const two = i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1);
  store<i32>(pixelSum, two + i32x4.extract_lane(sum, 2) + i32x4.extract_lane(sum, 3));
  return <i32>(indexes - begin) >> 1;
}

/** Stores the pairs of one vector; `first` is the index of the first. Returns the bytes that their indexes take. */
@inline function listVector(group: v128, first: i32, shuffles: usize, values: usize, indexes: usize): i32 {
  const mask = i16x8.bitmask(i16x8.ne(group, i16x8.splat(0)));
  const shuffle = v128.load(shuffles + (mask << 4));
  const packed = i8x16.swizzle(group, shuffle);
  v128.store(values, i16x8.extend_low_i8x16_u(packed));
  v128.store(values, i16x8.extend_high_i8x16_u(packed), 16);
  const where = i8x16.swizzle(i16x8(0, 1, 2, 3, 4, 5, 6, 7), shuffle);
  v128.store(indexes, i16x8.add(i16x8.splat(<i16>first), where));
  return popcnt(mask) << 1;
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
