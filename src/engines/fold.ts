/** Folds the preprocessing into the first layer, once, so that engines read bytes. */
import type { FoldedLayers } from "../contracts/engine.js";
import type { Layer, Network } from "../contracts/network.js";

/** W' (I,O) = W ÷ 255 for `scale`; the folded weights lie in shared memory, as all weights do. */
export function foldPreprocessing({
  layers,
  normalize,
}: Pick<Network, "layers" | "normalize">): FoldedLayers {
  if (normalize === "none") return layers;
  const [first, ...rest] = layers;
  return [{ ...first, weights: dividedBy255(first) }, ...rest];
}

function dividedBy255({ weights }: Layer): Float64Array {
  const folded = new Float64Array(new SharedArrayBuffer(weights.byteLength));
  for (let n = 0; n < weights.length; n++) folded[n] = weights[n] / 255;
  return folded;
}
