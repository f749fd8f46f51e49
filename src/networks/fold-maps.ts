/** Folds the preprocessing into any first layer: a plain one, one that reads a map, or with numbers for each channel. */

import { finished } from "#src/base/abort.js";
import type { FoldedLayers } from "#src/base/contracts/engine.js";
import type { DenseLayer, Layer, Network } from "#src/base/contracts/network.js";
import { atLeast } from "#src/base/errors.js";
import {
  assertFinite,
  type Foldable,
  foldPlain,
  isPlain,
  type PixelUnit,
  type Shift,
  shiftOf,
} from "./fold.js";
import { type Affine, foldInto, perChannel } from "./normalization.js";
import { channelsOf } from "./recipe.js";

/**
 * Returns layers that read pixels in `unit` and give what the network's layers give for preprocessed pixels:
 * W' (I,O) = W ÷ divisor, b' (O) = b − Σ over I of offset · W', in float64. New weights are in shared memory. If
 * nothing changes, the layers are the network's own.
 *
 * With `none`, pixels stay unchanged in either unit.
 *
 * @throws NetworkError ERR_NORMALIZE_OVERFLOW if W' or b' is beyond float64
 */
export function foldPreprocessing(
  network: Pick<Network, "preprocessing"> & {
    readonly layers: readonly DenseLayer[];
    readonly name?: string;
  },
  unit?: PixelUnit,
): readonly DenseLayer[];
export function foldPreprocessing(
  network: Pick<Network, "layers" | "preprocessing"> & { readonly name?: string },
  unit?: PixelUnit,
): FoldedLayers;
export function foldPreprocessing(
  network: Pick<Network, "layers" | "preprocessing"> & { readonly name?: string },
  unit?: PixelUnit,
): FoldedLayers {
  return isPlain(network) ? finished(foldPlain(network, unit)) : foldOther(network, unit);
}

function foldOther(network: Foldable, unit: PixelUnit = "byte"): FoldedLayers {
  const { layers, preprocessing, name = "" } = network;
  if (channelsOf(preprocessing) > 1) return foldChannels(network, unit);
  const { offset, divisor } = shiftOf(preprocessing, unit);
  if (offset === 0 && divisor === 1) return layers;
  const [first, ...rest] = atLeast(layers, 1);
  return [...foldMap(first, { offset, divisor }, name), ...rest];
}

/** The same with numbers for each channel. A list of pixels lies in the network's order. */
function foldChannels(
  { layers, preprocessing, pixelOrder, likelyPixelOrder, name = "" }: Foldable,
  unit: PixelUnit,
): Layer[] {
  const channels = channelsOf(preprocessing);
  const shifts = Array.from({ length: channels }, (_, channel) => shiftOf(preprocessing, unit, channel));
  const [first, ...rest] = atLeast(layers, 1);
  const isMap = "input" in first && first.input.channels < first.inputs;
  const isFirst = !isMap && (pixelOrder ?? likelyPixelOrder) === "channels-first";
  const count = isFirst ? first.inputs : channels;
  const shiftAt = (n: number) => shifts[isFirst ? Math.floor((n * channels) / first.inputs) : n]!;
  const given: Affine = {
    scale: Float64Array.from({ length: count }, (_, n) => 1 / shiftAt(n).divisor),
    shift: Float64Array.from({ length: count }, (_, n) => -shiftAt(n).offset / shiftAt(n).divisor),
  };
  return [...foldAffineInto(first, given, name), ...rest];
}

/**
 * The same for a first layer that reads a map. The zeros of a convolution's padding are x' = 0, and so bytes x = offset.
 * Other layers get a convolution of 1 × 1 before them.
 */
function foldMap(first: Layer, { offset, divisor }: Shift, name: string): Layer[] {
  const given: Affine = { scale: Float64Array.of(1 / divisor), shift: Float64Array.of(-offset / divisor) };
  return foldAffineInto(first, given, name);
}

function foldAffineInto(first: Layer, given: Affine, name: string): Layer[] {
  const folded = "weights" in first ? foldInto(given, first) : undefined;
  if (folded !== undefined) {
    assertFinite(name, "W1", folded.weights);
    assertFinite(name, "b1", folded.biases);
    return [folded];
  }
  return [perChannel("input" in first ? first.input : first.inputs, given), first];
}
