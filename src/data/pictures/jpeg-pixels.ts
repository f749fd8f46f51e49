/**
 * From coefficients of a JPEG to pixels, in the integers of libjpeg-turbo, which Pillow and TensorFlow use: the same pixels come out.
 */

import { BLOCK } from "./jpeg-scan.js";

const SIDE = 8;

/** Plane of one component. */
export interface Plane {
  /** (rows of blocks × 8, stride) u8 */
  readonly samples: Uint8ClampedArray;
  readonly stride: number;
  /** Samples that belong to the picture. */
  readonly columns: number;
  readonly rows: number;
  /** Pixels for each sample. */
  readonly across: number;
  readonly down: number;
}

const work = new Int32Array(BLOCK);

/** out (8 × 8) u8 from `at` on, in rows of `stride` = the inverse DCT of x (64) · table (64); jidctint.c. */
export function inverseDct(
  x: Int16Array,
  from: number,
  table: Uint16Array,
  out: Uint8ClampedArray,
  at: number,
  stride: number,
): void {
  let isFlat = true;
  for (let n = 1; n < BLOCK; n++) {
    const value = x[from + n]!;
    if (value !== 0) isFlat = false;
    work[n] = value * table[n]!;
  }
  if (isFlat) {
    flatDct(x[from]! * table[0]!, out, at, stride);
    return;
  }
  work[0] = x[from]! * table[0]!;
  for (let column = 0; column < SIDE; column++) inverseLine(column, SIDE, 11);
  for (let row = 0; row < SIDE; row++) inverseLine(SIDE * row, 1, 18);
  for (let row = 0, n = 0, to = at; row < SIDE; row++, to += stride) {
    for (let column = 0; column < SIDE; column++) out[to + column] = 128 + work[n++]!;
  }
}

/** As `inverseDct`, of a block whose first coefficient alone is not zero. */
export function flatDct(first: number, out: Uint8ClampedArray, at: number, stride: number): void {
  const shade = 128 + ((first * 4 + 16) >> 5);
  for (let row = 0, to = at; row < SIDE; row++, to += stride) {
    for (let column = 0; column < SIDE; column++) out[to + column] = shade;
  }
}

/** One line of `work`, of 8 values from `a` on; the results lose `shift` bits, rounded. Constants have 13 bits behind the point. */
function inverseLine(a: number, step: number, shift: number): void {
  const b = a + step;
  const c = b + step;
  const d = c + step;
  const e = d + step;
  const f = e + step;
  const g = f + step;
  const h = g + step;
  const half = 1 << (shift - 1);
  const even = (work[c]! + work[g]!) * 4_433;
  const low = even - work[g]! * 15_137;
  const high = even + work[c]! * 6_270;
  const sum = (work[a]! + work[e]!) * 8_192 + half;
  const difference = (work[a]! - work[e]!) * 8_192 + half;
  const p = work[h]!;
  const q = work[f]!;
  const r = work[d]!;
  const s = work[b]!;
  const all = (p + r + q + s) * 9_633;
  const ps = (p + s) * -7_373;
  const qr = (q + r) * -20_995;
  const pr = (p + r) * -16_069 + all;
  const qs = (q + s) * -3_196 + all;
  const p2 = p * 2_446 + ps + pr;
  const q2 = q * 16_819 + qr + qs;
  const r2 = r * 25_172 + qr + pr;
  const s2 = s * 12_299 + ps + qs;
  work[a] = (sum + high + s2) >> shift;
  work[h] = (sum + high - s2) >> shift;
  work[b] = (difference + low + r2) >> shift;
  work[g] = (difference + low - r2) >> shift;
  work[c] = (difference - low + q2) >> shift;
  work[f] = (difference - low - q2) >> shift;
  work[d] = (sum - high + p2) >> shift;
  work[e] = (sum - high - p2) >> shift;
}

/** Shortest row whose samples libjpeg-turbo weighs. */
const LEAST_SMOOTH = 3;

/** line (width) = row `y` of the plane, widened (jdsample.c: `h2v1_fancy_upsample`, `h1v2_…`, `h2v2_…`, `int_upsample`). */
function rowOf(
  { samples, stride, columns, rows, across, down }: Plane,
  y: number,
  width: number,
  line: Uint8Array,
  sums: Int32Array,
): void {
  const row = Math.floor(y / down);
  const start = row * stride;
  const isWide = across === 2 && down <= 2 && columns >= LEAST_SMOOTH;
  const isHigh = across === 1 && down === 2;
  if (!isWide && !isHigh) {
    if (across === 1) line.set(samples.subarray(start, start + width));
    else for (let x = 0; x < width; x++) line[x] = samples[start + Math.floor(x / across)]!;
    return;
  }
  // ¾ of the nearer row and ¼ of the other, in quarters; or the row itself.
  const isUpper = y % 2 === 0;
  const other = Math.min(rows - 1, Math.max(0, row + (isUpper ? -1 : 1))) * stride;
  for (let n = 0; n < columns; n++) {
    sums[n] = down === 2 ? 3 * samples[start + n]! + samples[other + n]! : samples[start + n]!;
  }
  if (isHigh) {
    for (let x = 0; x < width; x++) line[x] = (sums[x]! + (isUpper ? 1 : 2)) >> 2;
    return;
  }
  // Each pixel has ¾ of its sample and ¼ of the next one: pairs are to the left and to the right of their sample.
  const shift = down === 2 ? 4 : 2;
  const [left, right] = down === 2 ? [8, 7] : [1, 2];
  for (let x = 0, column = 0; x < width; column++) {
    const near = 3 * sums[column]!;
    line[x++] = (near + sums[column === 0 ? 0 : column - 1]! + left) >> shift;
    if (x < width) line[x++] = (near + sums[column + 1 < columns ? column + 1 : column]! + right) >> shift;
  }
}

/** (height × width × planes) u8, row-major: grey, or red, green and blue. */
export function pixelsOf(
  planes: readonly Plane[],
  width: number,
  height: number,
  isRgb: boolean,
): Uint8Array {
  const channels = planes.length;
  const out = new Uint8Array(width * height * channels);
  const clamped = new Uint8ClampedArray(out.buffer);
  const sums = new Int32Array(width);
  const lines = planes.map(() => new Uint8Array(width));
  for (let y = 0, at = 0; y < height; y++) {
    for (const [n, plane] of planes.entries()) rowOf(plane, y, width, lines[n]!, sums);
    const [first, second, third] = lines;
    if (first === undefined || second === undefined || third === undefined) {
      out.set(lines[0]!, at);
      at += width;
      continue;
    }
    if (isRgb) interleave(first, second, third, out, at);
    else toRgb(first, second, third, clamped, at);
    at += width * channels;
  }
  return out;
}

function interleave(
  red: Uint8Array,
  green: Uint8Array,
  blue: Uint8Array,
  out: Uint8Array,
  from: number,
): void {
  for (let x = 0, at = from; x < red.length; x++) {
    out[at++] = red[x]!;
    out[at++] = green[x]!;
    out[at++] = blue[x]!;
  }
}

/** Luma and two differences to red, green and blue, with 16 bits behind the point, rounded (jdcolor.c). */
function toRgb(y: Uint8Array, cb: Uint8Array, cr: Uint8Array, out: Uint8ClampedArray, from: number): void {
  for (let x = 0, at = from; x < y.length; x++) {
    const luma = y[x]!;
    const blue = cb[x]! - 128;
    const red = cr[x]! - 128;
    out[at++] = luma + ((91_881 * red + HALF) >> 16);
    out[at++] = luma + ((-22_554 * blue - 46_802 * red + HALF) >> 16);
    out[at++] = luma + ((116_130 * blue + HALF) >> 16);
  }
}

const HALF = 1 << 15;
