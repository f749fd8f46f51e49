/** Loads networks for the engine `onnx`: an ONNX file as a whole model with any operators, other files as layers. */
import { basename, resolve } from "node:path";
import type { Assumption } from "#src/base/assumptions.js";
import type { OnnxModel } from "#src/base/contracts/engine.js";
import type { Network, OutputKind } from "#src/base/contracts/network.js";
import { atLeast, NetworkError, UsageError } from "#src/base/errors.js";
import { shareBytes } from "#src/base/slab.js";
import { listed, printable } from "#src/base/text.js";
import { describeModel } from "#src/engines/onnx/describe.js";
import { fedPreprocessing } from "#src/engines/onnx/engine.js";
import { sha256Of } from "#src/files/hash.js";
import { assumedBefore } from "#src/networks/chain-facts.js";
import { assumedIn, type Metadata, pixelOrderIn } from "#src/networks/format.js";
import { KEY_PREFIX } from "#src/networks/onnx/encode.js";
import { modelPreprocessing, readOnnxFacts } from "#src/networks/onnx/preprocessing.js";
import { type LoadNetworkOptions, readNetwork, readOnnxFile } from "#src/networks/registry.js";

/**
 * Loads an ONNX file as a model that onnxruntime runs, and other sources as `loadNetwork` does.
 *
 * Pixels are preprocessed as the model's properties state (`batchwise.normalize`, …). A model whose graph scales bytes
 * itself, or whose input is u8, reads bytes; a graph that only divides them by 255 states `scale`, as a chain does. Otherwise
 * the options state it, or ÷ 255 is an assumption. The kind of the outputs is an assumption if the graph does not show it, and
 * so is the choice of the first of several outputs.
 *
 * @throws RunError ERR_ENGINE_PEER
 * @throws NetworkError ERR_ONNX_*, ERR_NORMALIZE_*, ERR_RECIPE, and all that `loadNetwork` throws
 * @throws UsageError ERR_OPTION_VALUE for an `activation`, which a whole model contains
 */
export async function loadModel(source: string, options: LoadNetworkOptions): Promise<Network | OnnxModel> {
  const file = await readOnnxFile(source, options);
  if (file === undefined) return readNetwork(source, options);
  const { path, bytes, files } = file;
  if (options.architecture !== undefined) {
    throw (await import("#src/networks/architecture/arrays.js")).statesLayers(path, "an ONNX model");
  }
  if (options.activation !== undefined) {
    const expected = `none with the engine onnx, which runs ${path} as it is`;
    throw new UsageError("ERR_OPTION_VALUE", {
      option: "--activation",
      expected,
      found: `${options.activation}`,
    });
  }
  const facts = readOnnxFacts(path, bytes);
  const { assumptions: pixels, ...chosen } = modelPreprocessing(path, facts, options);
  const fed = fedPreprocessing(chosen);
  const { input, output, ...described } = await describeModel(path, bytes, facts.endings, fed);
  if (facts.isRandom(output.name)) throw new NetworkError("ERR_ONNX_RANDOM", { path });
  const name = basename(resolve(path));
  const orders = input.shape.length === 1 ? pixelOrderIn(path, facts.metadata, KEY_PREFIX) : undefined;
  return {
    name,
    sha256: await sha256Of(files),
    ...chosen,
    assumptions: [
      ...pixels,
      ...assumedBefore(path, assumedIn(path, facts.metadata, KEY_PREFIX), []),
      ...activationAssumed(path, name, facts.metadata),
      ...outputAssumed(name, described.candidates),
      ...(described.isKnown ? [] : [outputsAssumed(name, output.kind)]),
    ],
    input: {
      ...input,
      ...(orders && { order: orders.pixelOrder, likelyOrder: orders.likelyPixelOrder }),
    },
    output,
    bytes: shareBytes(described.bytes),
  };
}

/** The first of several outputs that may be the classes is used. */
function outputAssumed(source: string, candidates: readonly string[]): readonly Assumption[] {
  const [used, ...others] = candidates;
  if (used === undefined || others.length === 0) return [];
  const what = `${printable(used)} as output (of ${listed(candidates)})`;
  return [{ subject: "outputs", what, source, option: null }];
}

function outputsAssumed(source: string, kind: OutputKind): Assumption {
  return { subject: "outputs", what: `${kind} as outputs`, source, option: null };
}

/** A file of Batchwise may name an activation that was assumed when it was written. Now it is an operator of the graph. */
function activationAssumed(path: string, source: string, metadata: Metadata): readonly Assumption[] {
  if (!assumedIn(path, metadata, KEY_PREFIX).includes("activation")) return [];
  const [activation] = atLeast((metadata.get(`${KEY_PREFIX}activations`) ?? "").split(","), 1);
  return [{ subject: "activation", what: `${printable(activation)} between layers`, source, option: null }];
}
