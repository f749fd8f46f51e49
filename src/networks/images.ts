/** Whether a network reads images of a shape, and its layers as engines read them. */

import { inTurns } from "#src/base/abort.js";
import { type ImageShape, imageBytes, imageSizes } from "#src/base/contracts/dataset.js";
import type { EngineSource, OnnxModel } from "#src/base/contracts/engine.js";
import type { Layer, Network } from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import { foldPlain, isPlain } from "./fold.js";

/**
 * @throws NetworkError ERR_NETWORK_INPUTS if the number of inputs is not that of an image's bytes; ERR_NETWORK_IMAGES if the
 *   file states other rows, columns or channels
 */
export function assertFitsImages(
  { layers, imageSizes: stated }: Pick<Network, "layers" | "imageSizes">,
  path: string,
  shape: ImageShape,
): void {
  const sizes = stated ?? mapSizes(layers[0]);
  assertSizes(path, sizes, layers[0]?.inputs ?? 0, shape);
}

/** Sizes of the map that the first layer reads; undefined if it reads a list. */
export function mapSizes(first: Layer | undefined): readonly number[] | undefined {
  if (first === undefined || !("input" in first) || first.input.rows * first.input.columns === 1)
    return undefined;
  return imageSizes(first.input);
}

export function assertSizes(
  path: string,
  stated: readonly number[] | undefined,
  expected: number,
  shape: ImageShape,
): void {
  const found = imageBytes(shape);
  const imageShape = imageSizes(shape);
  const next = nextStep(stated, expected, shape);
  if (found !== expected) {
    throw new NetworkError("ERR_NETWORK_INPUTS", { path, expected, found, imageShape, ...next });
  }
  if (stated === undefined || `${stated}` === `${imageShape}`) return;
  throw new NetworkError("ERR_NETWORK_IMAGES", { path, expected: stated, found: imageShape, ...next });
}

/** What to do if only the channels differ. */
export function nextStep(
  stated: readonly number[] | undefined,
  expected: number,
  { rows, columns, channels }: ImageShape,
): { readonly next?: string } {
  const places = rows * columns;
  const isSameSize = stated === undefined || (stated[0] === rows && stated[1] === columns);
  if (!isSameSize) return {};
  if (channels > 1 && expected === places) {
    return { next: "the network reads one channel: set --grayscale, or give it another set" };
  }
  if (channels === 1 && expected === 3 * places) {
    return { next: "the network reads red, green and blue: give it images in colour" };
  }
  return {};
}

/** Source of an engine: layers that read bytes, or a whole model. */
export async function engineSource(
  network: Network | OnnxModel,
  signal?: AbortSignal,
): Promise<EngineSource> {
  if (!("layers" in network)) return network;
  if (isPlain(network)) return inTurns(foldPlain(network), signal);
  return (await import("./fold-maps.js")).foldPreprocessing(network);
}
