/**
 * x · w without the terms that are zero, in float64. Each sum starts at +0 and runs over ascending k, as in the plain loop:
 * a term 0 · w with finite w is ±0 and leaves such a sum as it is, so leaving it out gives the same bits.
 */

/** Sums kept in registers at once. Measured: 5 are slower by 7 %, row views instead of one flat array by 16 %. */
const TILE = 10;

/** The elements that are not zero, and where, in a matrix of `stride` columns, their rows begin; answers how many. */
export function gatherNonZero(
  elements: Float64Array,
  stride: number,
  values: Float64Array,
  offsets: Int32Array,
): number {
  let found = 0;
  for (let k = 0; k < elements.length; k++) {
    if (elements[k] === 0) continue;
    values[found] = elements[k];
    offsets[found] = k * stride;
    found++;
  }
  return found;
}

/** sums (O) = values (found) · the rows of w (·,O) that begin at the offsets. `| 0` keeps V8 in 32-bit indices. */
export function sumRows(
  sums: Float64Array,
  x: Float64Array,
  at: Int32Array,
  found: number,
  w: Float64Array,
): void {
  let j = 0;
  // Written out, since arrays of ten or destructuring cost a fifth of the speed.
  // biome-ignore format: ten sums in few lines
  for (; j + TILE <= sums.length; j += TILE) {
    let s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0, s8 = 0, s9 = 0;
    for (let n = 0; n < found; n++) {
      const v = x[n], k = (at[n] + j) | 0;
      s0 += v * w[k]; s1 += v * w[(k + 1) | 0]; s2 += v * w[(k + 2) | 0]; s3 += v * w[(k + 3) | 0];
      s4 += v * w[(k + 4) | 0]; s5 += v * w[(k + 5) | 0]; s6 += v * w[(k + 6) | 0]; s7 += v * w[(k + 7) | 0];
      s8 += v * w[(k + 8) | 0]; s9 += v * w[(k + 9) | 0];
    }
    sums[j] = s0; sums[j + 1] = s1; sums[j + 2] = s2; sums[j + 3] = s3; sums[j + 4] = s4;
    sums[j + 5] = s5; sums[j + 6] = s6; sums[j + 7] = s7; sums[j + 8] = s8; sums[j + 9] = s9;
  }
  for (; j < sums.length; j++) {
    let sum = 0;
    for (let n = 0; n < found; n++) sum += x[n] * w[(at[n] + j) | 0];
    sums[j] = sum;
  }
}
