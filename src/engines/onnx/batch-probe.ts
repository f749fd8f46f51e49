/**
 * Proves by a few runs that a model gives an image the same numbers whatever else is in its batch, and each time. Without
 * that, a result depends on the batch size or on chance, and no file or option states either.
 */
import type { ModelInput } from "#src/base/contracts/onnx-model.js";
import { NetworkError } from "#src/base/errors.js";
import type { Feed } from "./feed.js";
import { numbersOf, type RuntimeTensor } from "./runtime.js";

/** Images that differ, or fewer where the model's own batch is smaller. */
const IMAGES = 4;
/**
 * Largest difference between batches of different sizes, as a share of the image's largest output. Sums in another order
 * differ by less, even of float16 or rounded to eight bits; an operator over the batch differs by far more.
 */
const SIZE_TOLERANCE = 0.01;
const WHITE = 255;
/** A third of the noise is black, the rest has at most half of white: a range over the whole batch would show. */
const BLACK_SHARE = 1 / 3;
const NOISE_LEVELS = 128;

/** input (images, …shape) → the output that is judged, row by row. */
export type ProbeRun = (images: RuntimeTensor) => Promise<RuntimeTensor>;

/**
 * Runs one batch twice, then with other images around its first and around its last one, then the last one alone. Batches
 * of the same size have their sums in the same order, so that they are compared bit by bit. Returns the outputs of the
 * first batch, row by row.
 *
 * @throws NetworkError ERR_ONNX_RANDOM when the second run differs; ERR_ONNX_BATCH when an image's numbers depend on the
 *   other images or on the size of the batch
 */
export async function assertSteady(
  path: string,
  { batch, shape }: Pick<ModelInput, "batch" | "shape">,
  feed: Feed,
  run: ProbeRun,
): Promise<readonly number[]> {
  const inputs = shape.reduce((product, size) => product * size, 1);
  const rowsOf = async (images: readonly Uint8Array[]): Promise<Float64Array[]> => {
    const rows = batch ?? images.length;
    const pixels = new Uint8Array(images.length * inputs);
    for (const [n, image] of images.entries()) pixels.set(image, n * inputs);
    const values = Float64Array.from(numbersOf(await run(feed(pixels, images.length, rows))));
    const width = values.length / rows;
    return images.map((_, n) => values.slice(n * width, (n + 1) * width));
  };
  const images = Array.from({ length: Math.min(batch ?? IMAGES, IMAGES) }, (_, n) => noise(inputs, n + 1));
  const together = await rowsOf(images);
  const again = await rowsOf(images);
  if (!together.every((row, n) => isSame(row, again[n]))) throw new NetworkError("ERR_ONNX_RANDOM", { path });
  const last = images.length - 1;
  for (const kept of last === 0 ? [] : [0, last]) {
    const white = new Uint8Array(inputs).fill(WHITE);
    const beside = await rowsOf(images.map((image, n) => (n === kept ? image : white)));
    if (!isSame(together[kept], beside[kept])) throw new NetworkError("ERR_ONNX_BATCH", { path });
  }
  const [alone] = await rowsOf(images.slice(last));
  if (!isNear(together[last], alone)) throw new NetworkError("ERR_ONNX_BATCH", { path });
  return together.flatMap((row) => [...row]);
}

/** Bit by bit; NaN is itself. */
function isSame(a: Float64Array, b: Float64Array): boolean {
  return a.length === b.length && a.every((value, n) => Object.is(value, b[n]));
}

function isNear(a: Float64Array, b: Float64Array): boolean {
  const largest = a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const isClose = (value: number, n: number) =>
    Object.is(value, b[n]) || Math.abs(value - b[n]) <= SIZE_TOLERANCE * largest;
  return a.length === b.length && a.every(isClose);
}

/** Pixels that differ from image to image: the linear congruential generator of Numerical Recipes, §7.1. */
function noise(inputs: number, seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length: inputs }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const share = state / 2 ** 32;
    return share < BLACK_SHARE ? 0 : Math.floor(share * NOISE_LEVELS);
  });
}
