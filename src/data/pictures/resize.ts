/** Bilinear resizing, as Pillow does it (libImaging/Resample.c) and as TensorFlow's `tf.image.resize` does it. */

import { isUint8Array } from "#src/base/realm.js";
import type { Picture } from "./decode.js";

/** Weights of the source's elements for each new one, along one axis. */
interface Axis {
  readonly count: number;
  /** (count): the first source element. */
  readonly first: Int32Array;
  /** (count × width) weights, zeros behind the last. */
  readonly weights: Float64Array;
  readonly width: number;
  /** What the weights add up to. */
  readonly unit: number;
}

/** Pillow's fixed point: PRECISION_BITS of libImaging/Resample.c. */
const PILLOW_UNIT = 2 ** 22;

/** How pictures of another size are brought to the size: `pillow` averages what a pixel covers, `keras` takes its two neighbours. */
export type Resizing = "pillow" | "keras";

/** out (rows × columns × channels) u8 from `at` on = the picture, resized: along rows, then along columns. */
export function resizeInto(
  { width, height, channels, pixels }: Picture,
  how: Resizing,
  rows: number,
  columns: number,
  out: Uint8Array,
  at: number,
): void {
  const axis = how === "pillow" ? pillowAxis : kerasAxis;
  // Pillow rounds between the two directions, TensorFlow does not.
  const narrowed = new (how === "pillow" ? Uint8Array : Float32Array)(height * columns * channels);
  const across = width === columns ? undefined : axis(width, columns);
  for (let row = 0; row < height; row++) {
    for (let channel = 0; channel < channels; channel++) {
      along(
        across,
        pixels,
        row * width * channels + channel,
        channels,
        narrowed,
        row * columns * channels + channel,
        channels,
        columns,
      );
    }
  }
  const down = height === rows ? undefined : axis(height, rows);
  const line = columns * channels;
  for (let n = 0; n < line; n++) along(down, narrowed, n, line, out, at + n, line, rows);
}

function along(
  axis: Axis | undefined,
  x: Uint8Array | Float32Array,
  from: number,
  step: number,
  out: Uint8Array | Float32Array,
  to: number,
  toStep: number,
  count: number,
): void {
  const isWhole = isUint8Array(out);
  for (let n = 0; n < count; n++) {
    let value = x[from + n * step]!;
    if (axis !== undefined) {
      let sum = 0;
      const start = axis.first[n]!;
      for (let k = 0; k < axis.width; k++) {
        const weight = axis.weights[n * axis.width + k]!;
        if (weight !== 0) sum += weight * x[from + (start + k) * step]!;
      }
      value = sum / axis.unit;
    }
    out[to + n * toStep] = isWhole ? Math.min(255, Math.max(0, Math.floor(value + 0.5))) : value;
  }
}

/** A triangle as wide as two new pixels, at least as two old ones (`precompute_coeffs`), in fixed point. */
function pillowAxis(size: number, count: number): Axis {
  const scale = size / count;
  const support = Math.max(1, scale);
  const width = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(count);
  const weights = new Float64Array(count * width);
  for (let n = 0; n < count; n++) {
    const centre = (n + 0.5) * scale;
    const low = Math.max(0, Math.trunc(centre - support + 0.5));
    const high = Math.min(size, Math.trunc(centre + support + 0.5));
    first[n] = low;
    let sum = 0;
    for (let x = low; x < high; x++) {
      const weight = Math.max(0, 1 - Math.abs((x - centre + 0.5) / support));
      weights[n * width + x - low] = weight;
      sum += weight;
    }
    for (let k = n * width; k < (n + 1) * width; k++) {
      weights[k] = Math.floor((weights[k]! / sum) * PILLOW_UNIT + 0.5);
    }
  }
  return { count, first, weights, width, unit: PILLOW_UNIT };
}

/** Half-pixel centres, no antialiasing (`compute_interpolation_weights`, tensorflow/core/kernels/image/resize_bilinear_op.cc). */
function kerasAxis(size: number, count: number): Axis {
  const first = new Int32Array(count);
  const weights = new Float64Array(count * 2);
  for (let n = 0; n < count; n++) {
    const centre = (n + 0.5) * (size / count) - 0.5;
    const low = Math.min(Math.max(0, Math.floor(centre)), Math.max(0, size - 2));
    const share = Math.min(Math.max(0, centre - low), size > 1 ? 1 : 0);
    first[n] = low;
    weights[2 * n] = 1 - share;
    weights[2 * n + 1] = share;
  }
  return { count, first, weights, width: 2, unit: 1 };
}
