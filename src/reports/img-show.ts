/** Shows an image on a terminal, as the book's `img_show` does in a window. */
import { checkArgument, either, instanceOf } from "#src/base/arguments.js";
import type { ImageShape } from "#src/base/contracts/dataset.js";
import { UsageError } from "#src/base/errors.js";
import { IMAGE_SHAPE } from "#src/base/known-arguments.js";
import { imageLines } from "./image-text.js";

const PIXELS = either(instanceOf("a Uint8Array", Uint8Array), instanceOf("a Float32Array", Float32Array));

/**
 * An image in half blocks, two rows of pixels a line; print it with `console.log(imgShow(image))`. A pixel from 96 on is
 * drawn. Source: the book's ch03/mnist_show.py.
 *
 * @param pixels (rows × columns), row-major: u8, 0 is paper and 255 is ink; or f32 in 0..1, as `loadMnist` normalises
 * @param shape default 28 × 28
 * @throws UsageError ERR_ARGUMENT where the pixels are not those of such an image
 */
export function imgShow(
  pixels: Uint8Array | Float32Array,
  shape: ImageShape = { rows: 28, columns: 28 },
): string {
  checkArgument("imgShow", "pixels", pixels, PIXELS);
  checkArgument("imgShow", "shape", shape, IMAGE_SHAPE);
  const expected = shape.rows * shape.columns;
  if (pixels.length !== expected) {
    throw new UsageError("ERR_ARGUMENT", {
      call: "imgShow",
      argument: "pixels",
      expected: `${expected} of ${shape.rows} rows and ${shape.columns} columns`,
      found: String(pixels.length),
    });
  }
  const bytes =
    pixels instanceof Uint8Array ? pixels : Uint8Array.from(pixels, (value) => Math.round(value * 255));
  return imageLines(bytes, shape).join("\n");
}
