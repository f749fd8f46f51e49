/** Shows an image on a terminal, as the book's `img_show` does in a window. */
import type { ImageShape } from "./contracts/dataset.js";
import { imageLines } from "./reports/image-text.js";

/**
 * An image in half blocks, two rows of pixels a line; print it with `console.log(imgShow(image))`. A pixel from 96 on is
 * drawn. Source: the book's ch03/mnist_show.py.
 *
 * @param pixels (rows × columns), row-major: u8, 0 is paper and 255 is ink; or f32 in 0..1, as `loadMnist` normalises
 * @param shape default 28 × 28
 */
export function imgShow(
  pixels: Uint8Array | Float32Array,
  shape: ImageShape = { rows: 28, columns: 28 },
): string {
  const bytes =
    pixels instanceof Uint8Array ? pixels : Uint8Array.from(pixels, (value) => Math.round(value * 255));
  return imageLines(bytes, shape).join("\n");
}
