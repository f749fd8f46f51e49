import test from "ava";
import { viewPixels } from "#src/data/view-pixels.js";

const NO_CHANGE = { invert: false, transpose: false };

test("transposes and inverts coloured pictures pixel by pixel", (t) => {
  const shape = { rows: 2, columns: 3, channels: 3 };
  // (images, rows, columns, channels): each byte names its place.
  const pixels = Uint8Array.from({ length: 2 * 18 }, (_, n) => n);
  const seen = pixels.slice();
  viewPixels(seen, shape, { ...NO_CHANGE, transpose: true });
  for (let image = 0; image < 2; image++) {
    for (let row = 0; row < 2; row++) {
      for (let column = 0; column < 3; column++) {
        for (let channel = 0; channel < 3; channel++) {
          const from = image * 18 + (row * 3 + column) * 3 + channel;
          t.is(seen[image * 18 + (column * 2 + row) * 3 + channel], pixels[from]);
        }
      }
    }
  }
  viewPixels(seen, { rows: 3, columns: 2, channels: 3 }, { ...NO_CHANGE, transpose: true, invert: true });
  t.deepEqual(
    seen,
    pixels.map((byte) => 255 - byte),
  );
});
