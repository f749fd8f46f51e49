/** An image again in float64, where the kernel's bound leaves two classes possible. */
import type { FoldedLayers } from "#src/base/contracts/network.js";
import { ACTIVATE } from "#src/engines/argmax.js";
import { gatherNonZero, sumRows } from "#src/engines/sparse-row.js";

/** x (I) u8 → logits (O) f64, to the bit as the engine `reference` has them; the next call writes over them. */
export function createRowForward(layers: FoldedLayers): (pixels: Uint8Array) => Float64Array {
  const input = new Float64Array(layers[0].inputs);
  const widest = Math.max(...layers.map(({ inputs }) => inputs));
  const values = new Float64Array(widest);
  const offsets = new Int32Array(widest);
  const stages = layers.map(({ weights, biases, outputs, activation }) => ({
    weights,
    biases,
    sums: new Float64Array(outputs),
    activate: ACTIVATE[activation],
  }));
  return (pixels) => {
    input.set(pixels);
    let x = input;
    for (const { weights, biases, sums, activate } of stages) {
      const found = gatherNonZero(x, sums.length, values, offsets);
      sumRows(sums, values, offsets, found, weights);
      for (let j = 0; j < sums.length; j++) sums[j] = activate(sums[j] + biases[j]);
      x = sums;
    }
    return x;
  };
}
