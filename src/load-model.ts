/** Loads what the engine `onnx` runs: an ONNX file as it is, whatever its operators, and any other network as its layers. */
import { createHash } from "node:crypto";
import { basename, resolve } from "node:path";
import type { Assumption } from "./contracts/assumption.js";
import type { Network } from "./contracts/network.js";
import type { OnnxModel } from "./contracts/onnx-model.js";
import type { Preprocessing } from "./contracts/preprocessing.js";
import { describeModel } from "./engines/onnx/describe.js";
import { NetworkError, UsageError } from "./errors.js";
import { assumedIn } from "./networks/metadata.js";
import { KEY_PREFIX } from "./networks/onnx/decode.js";
import { readOnnxFacts } from "./networks/onnx/facts.js";
import type { PixelsTaken } from "./networks/onnx/pixels.js";
import { choosePreprocessing, readPreprocessing } from "./networks/recipe.js";
import { type LoadNetworkOptions, readNetwork, readOnnxFile } from "./networks/registry.js";
import { printable } from "./printable.js";
import { shareBytes } from "./shared-memory.js";

/**
 * A file of ONNX as a model that onnxruntime runs; anything else as `loadNetwork` has it.
 *
 * Pixels are preprocessed as the model's properties state (`batchwise.normalize`, …). A model whose graph scales bytes
 * itself, or whose input is of u8, reads bytes. If neither tells, the options do; otherwise ÷ 255 is an assumption. So is
 * the kind of the outputs, if the graph does not show it.
 *
 * @throws RunError ERR_ENGINE_PEER. NetworkError ERR_ONNX_*, ERR_NORMALIZE_*, ERR_RECIPE, and all that `loadNetwork` throws.
 * @throws UsageError ERR_OPTION_VALUE for an `activation`, which a whole model has within it.
 */
export async function loadModel(source: string, options: LoadNetworkOptions): Promise<Network | OnnxModel> {
  const file = await readOnnxFile(source, options);
  if (file === undefined) return readNetwork(source, options);
  const { path, bytes } = file;
  if (options.activation !== undefined) {
    const expected = `none with the engine onnx, which runs ${path} as it is`;
    throw new UsageError("ERR_OPTION_VALUE", {
      option: "--activation",
      expected,
      found: options.activation,
    });
  }
  const { metadata, pixels, endings } = readOnnxFacts(path, bytes);
  const assumed = assumedIn(path, metadata, KEY_PREFIX);
  const stated = assumed.includes("pixels") ? undefined : readPreprocessing(path, metadata, KEY_PREFIX);
  const described = await describeModel(path, bytes, endings);
  const { input, output } = described;
  const readsBytes = pixels.kind === "bytes" || input.type === "uint8";
  if (readsBytes) assertBytes(path, stated);
  const preprocessing = readsBytes ? (stated ?? ({ kind: "none" } as const)) : stated;
  const chosen = choosePreprocessing(path, preprocessing, options);
  const name = basename(resolve(path));
  const assumptions: Assumption[] = chosen.assumptions.map((assumption) => ({
    ...assumption,
    what: `${assumption.what}${pixelsReason(pixels)}`,
  }));
  if (assumed.includes("activation")) {
    const [activation] = (metadata.get(`${KEY_PREFIX}activations`) ?? "").split(",");
    assumptions.push({
      subject: "activation",
      what: `${printable(activation)} between layers`,
      source: name,
      option: null,
    });
  }
  if (!described.isKnown) {
    assumptions.push({ subject: "outputs", what: `${output.kind} as outputs`, source: name, option: null });
  }
  return {
    name,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    preprocessing: chosen.preprocessing,
    assumptions,
    input,
    output,
    bytes: shareBytes(described.bytes),
  };
}

/** Why pixels ÷ 255 are assumed, where the graph does more to its input than read it. */
function pixelsReason(pixels: PixelsTaken): string {
  switch (pixels.kind) {
    case "fractions":
      return `, since ${pixels.because}`;
    case "unclear":
      return `, which a graph that begins with ${printable(pixels.beginning)} leaves open: try batchwise diagnose`;
    default:
      return "";
  }
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
