/** What simd computes again is what the reference would have answered, to the bit. */
import test from "ava";
import { ACTIVATIONS } from "#src/base/contracts/network.js";
import { forwardRow } from "#src/engines/reference.js";
import { createRowForward } from "#src/engines/simd/recompute.js";
import { foldPreprocessing } from "#src/networks/fold.js";
import { inCase } from "../helpers/in-case.js";
import { randomNetwork, seeded } from "../helpers/random.js";

test("recomputes each image, sparse, dense or blank, to the reference's bits", async (t) => {
  for (const sizes of [
    [784, 50, 100, 10],
    [64, 10],
    [9, 30, 2],
    [30, 21, 11, 10, 13],
    [1, 1],
  ]) {
    await inCase(t, `an image of ${sizes.join("-")}, sparse, dense or blank, again and again`, () => {
      for (const [n, activation] of ACTIVATIONS.entries()) {
        const layers = foldPreprocessing(randomNetwork(sizes, activation, n + 1));
        const again = createRowForward(layers);
        const random = seeded(n);
        for (const zeroShare of [0.8, 0, 1, 0.5, 0.8]) {
          const pixels = Uint8Array.from({ length: sizes[0] }, () =>
            random() < zeroShare ? 0 : Math.floor(random() * 256),
          );
          t.deepEqual(Array.from(again(pixels)), Array.from(forwardRow(layers, pixels)));
        }
      }
    });
  }
});
