/** Reads a written network back and compares its logits with those of the network that it was made of. */
import type { Layer, Network } from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import { inTurn } from "#src/base/slab.js";
import { readDataset } from "#src/data/registry.js";
import { createEngine } from "#src/engines/registry.js";
import { outputsOf } from "#src/networks/chain.js";
import { foldPreprocessing } from "#src/networks/fold-maps.js";
import { networkOfBytes } from "#src/networks/registry.js";
import type { NetworkEnding, WrittenNetwork } from "#src/networks/writers.js";

/** Images of the comparison. */
export const COMPARED_IMAGES = 100;

/** Part of the largest logit that numbers of activations in float32, and sums in another order, explain. */
const ROUNDING = 1e-6;
/** How much more than rounded weights the written file may differ: some numbers are products of several weights. */
const MARGIN = 8;

export interface ReadBack {
  /** Largest |written logit − read logit|. */
  readonly difference: number;
  /** Largest |read logit|. */
  readonly largest: number;
  readonly images: string;
}

/**
 * Compares the logits on 100 images: of the bundled set if they have the network's size, otherwise seeded pixels.
 *
 * @throws NetworkError ERR_NETWORK_WRITTEN if they differ by more than the written type explains; all that `loadNetwork` throws
 */
export async function compareWritten(
  path: string,
  ending: NetworkEnding,
  network: Pick<Network, "layers" | "preprocessing" | "imageSizes">,
  { bytes, type }: Pick<WrittenNetwork, "bytes" | "type">,
): Promise<ReadBack> {
  const back = await networkOfBytes(path, bytes, ending === ".npz" ? unstated(network) : {});
  const inputs = network.layers[0]?.inputs ?? 0;
  const found = await pixelsFor(inputs, network.imageSizes);
  const expected = await logitsOf(network, found.pixels);
  const written = await logitsOf(back, found.pixels);
  const difference = largestDifference(expected, written);
  const largest = expected.reduce((most, logit) => Math.max(most, Math.abs(logit)), 0);
  const isRounded = type === "float32" && difference > 0;
  const rounded = isRounded ? await logitsOf(inFloat32(network), found.pixels) : expected;
  const explained = MARGIN * largestDifference(expected, rounded) + ROUNDING * Math.max(1, largest);
  // A difference that is no number is not explained either.
  if (!(difference <= explained)) {
    const facts = {
      path,
      expected: `${explained.toPrecision(2)} by ${type}`,
      found: difference.toPrecision(2),
    };
    throw new NetworkError("ERR_NETWORK_WRITTEN", facts);
  }
  return { difference, largest, images: found.images };
}

/** Options for what a .npz does not state. Whitening is folded into its weights, which read bytes. */
function unstated({ layers, preprocessing }: Pick<Network, "layers" | "preprocessing">) {
  const activation = layers.slice(0, -1).map((layer) => layer.activation);
  const normalize = "folded" in preprocessing ? ("none" as const) : preprocessing.kind;
  return { activation: activation.length > 0 ? activation : undefined, normalize };
}

async function pixelsFor(
  inputs: number,
  sizes: readonly number[] | undefined,
): Promise<{ readonly pixels: Uint8Array; readonly images: string }> {
  const { facts, slabs } = await bundled();
  const { rows, columns } = facts.shape;
  if (rows * columns === inputs && (sizes === undefined || `${sizes}` === `${[rows, columns]}`)) {
    return { pixels: await slabs(), images: `${COMPARED_IMAGES} images of ${facts.name}` };
  }
  const pixels = new Uint8Array(COMPARED_IMAGES * inputs);
  // Numerical Recipes' linear congruential generator; its upper bits are the good ones.
  let state = 1;
  for (let n = 0; n < pixels.length; n++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    pixels[n] = state >>> 24;
  }
  return { pixels, images: `${COMPARED_IMAGES} images of seeded pixels` };
}

async function bundled() {
  const dataset = await readDataset({ dataset: "bundled", split: "test" });
  const slabs = async () => {
    const pixels: Uint8Array[] = [];
    const stream = dataset.slabs({ offset: 0, limit: COMPARED_IMAGES }, { multiple: 1, lanes: 1 });
    for await (const slab of inTurn(stream)) pixels.push(slab.pixels.slice());
    return new Uint8Array(Buffer.concat(pixels));
  };
  return { facts: dataset.facts, slabs };
}

async function logitsOf(
  network: Pick<Network, "layers" | "preprocessing">,
  pixels: Uint8Array,
): Promise<Float64Array> {
  const source = foldPreprocessing(network);
  const logits = new Float64Array(COMPARED_IMAGES * outputsOf(source));
  const engine = await createEngine("ml-matrix", source);
  await engine.forward(pixels, COMPARED_IMAGES, logits);
  return logits;
}

/** NaN if one is NaN where the other is not, or if their numbers differ. */
function largestDifference(a: Float64Array, b: Float64Array): number {
  if (a.length !== b.length) return Number.NaN;
  return a.reduce((most, one, n) => (Object.is(one, b[n]) ? most : Math.max(most, Math.abs(one - b[n]!))), 0);
}

function inFloat32({ layers, preprocessing }: Pick<Network, "layers" | "preprocessing">) {
  const rounded = layers.map((layer): Layer => {
    if (!("weights" in layer)) return layer;
    return { ...layer, weights: layer.weights.map(Math.fround), biases: layer.biases.map(Math.fround) };
  });
  return { layers: rounded, preprocessing };
}
