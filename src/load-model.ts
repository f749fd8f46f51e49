/** Loads what the engine `onnx` runs: an ONNX file as it is, whatever its operators, and any other network as its layers. */
import { createHash } from "node:crypto";
import { basename, resolve } from "node:path";
import type { Network } from "./contracts/network.js";
import type { OnnxModel } from "./contracts/onnx-model.js";
import type { Preprocessing } from "./contracts/preprocessing.js";
import { describeModel } from "./engines/onnx/describe.js";
import { NetworkError, UsageError } from "./errors.js";
import { KEY_PREFIX } from "./networks/onnx/decode.js";
import { readOnnxFacts } from "./networks/onnx/facts.js";
import { choosePreprocessing, readPreprocessing } from "./networks/recipe.js";
import { type LoadNetworkOptions, loadNetwork, readOnnxFile } from "./networks/registry.js";
import { shareBytes } from "./shared-memory.js";

/**
 * A file of ONNX as a model that onnxruntime runs; anything else as `loadNetwork` has it.
 *
 * Pixels are preprocessed as the model's properties say (`batchwise.normalize`, …); where they say nothing, as `normalize`
 * asks, else ÷ 255. A model whose graph divides by 255 itself, or whose input is of u8, reads bytes.
 *
 * @throws RunError ERR_ENGINE_PEER. NetworkError ERR_ONNX_*, ERR_NORMALIZE_*, ERR_RECIPE, and all that `loadNetwork` throws.
 * @throws UsageError ERR_OPTION_VALUE for an `activation`, which a whole model has within it.
 */
export async function loadModel(source: string, options: LoadNetworkOptions): Promise<Network | OnnxModel> {
  const file = await readOnnxFile(source, options);
  if (file === undefined) return loadNetwork(source, options);
  const { path, bytes } = file;
  if (options.activation !== undefined) {
    const expected = `none with the engine onnx, which runs ${path} as it is`;
    throw new UsageError("ERR_OPTION_VALUE", {
      option: "--activation",
      expected,
      found: options.activation,
    });
  }
  const { metadata, scaled } = readOnnxFacts(path, bytes);
  const said = readPreprocessing(path, metadata, KEY_PREFIX);
  const { input, output } = await describeModel(path, bytes);
  const readsBytes = scaled || input.type === "uint8";
  if (readsBytes) assertBytes(path, said);
  const preprocessing = readsBytes ? (said ?? ({ kind: "none" } as const)) : said;
  const chosen = choosePreprocessing(path, preprocessing, options);
  return {
    name: basename(resolve(path)),
    sha256: createHash("sha256").update(bytes).digest("hex"),
    ...chosen,
    input,
    output,
    bytes: shareBytes(bytes),
  };
}

/** @throws NetworkError ERR_ONNX_GRAPH when properties ask for numbers that the model's input cannot be. */
function assertBytes(path: string, said: Preprocessing | undefined): void {
  if (said === undefined || said.kind === "none" || "folded" in said) return;
  throw new NetworkError("ERR_ONNX_GRAPH", {
    path,
    expected: "pixels as they are, which the graph asks for",
    found: `${KEY_PREFIX}normalize = ${said.kind}`,
  });
}
