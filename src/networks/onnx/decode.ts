/** An ONNX model of fully connected layers → named arrays, the activation of each layer, and the preprocessing. */
import type { AssumptionSubject } from "#src/base/contracts/assumption.js";
import type { Activation } from "#src/base/contracts/network.js";
import type { Preprocessing } from "#src/base/contracts/preprocessing.js";
import { NetworkError } from "#src/base/errors.js";
import type { NamedArrays } from "#src/files/formats/arrays.js";
import { assumedIn } from "#src/networks/metadata.js";
import { readPreprocessing } from "#src/networks/recipe.js";
import { chainOf } from "./chain.js";
import { LayerBuilder } from "./layer-builder.js";
import { readModel } from "./model.js";
import { applyStep } from "./operators.js";

/** What our keys among a model's properties begin with. */
export const KEY_PREFIX = "batchwise.";

export interface DecodedOnnx {
  /** W1 (inputs × outputs), b1 (outputs) … Wn, bn; a tensor that two layers use is one array. */
  readonly arrays: NamedArrays;
  /** Of every layer but the last. */
  readonly activations: readonly Activation[];
  readonly preprocessing: Preprocessing | undefined;
  /** What the properties name as assumed by the file's writer. */
  readonly assumed: readonly AssumptionSubject[];
}

/**
 * Reads a chain of Gemm, or MatMul and Add, with Sigmoid, Relu or Tanh behind all but the last; a Softmax at the end is
 * left out, Flatten and the like are followed. A division by 255 before the first layer is read as the preprocessing
 * `scale`; without one, the model's properties tell (`batchwise.normalize`, `batchwise.mean`, …). Elements are float32, float64, float16 or
 * bfloat16, in whatever field onnx.proto has for them. `path` is for messages.
 *
 * Format: onnx/onnx.proto and docs/IR.md in github.com/onnx/onnx.
 *
 * @throws NetworkError ERR_ONNX_*, ERR_NETWORK_FORMAT for a property that is none of ours, ERR_WEIGHTS_SIZE.
 */
export function decodeOnnx(path: string, bytes: Uint8Array): DecodedOnnx {
  const model = readModel(path, bytes);
  if (model.graphParts !== 1) {
    throw new NetworkError("ERR_ONNX_GRAPH", { path, expected: "one graph", found: `${model.graphParts}` });
  }
  const { input, steps } = chainOf(path, model);
  const builder = new LayerBuilder(path, input);
  for (const step of steps) applyStep(builder, step);
  const { arrays, activations, scaled } = builder.finish();
  const said = readPreprocessing(path, model.metadata, KEY_PREFIX);
  const assumed = assumedIn(path, model.metadata, KEY_PREFIX);
  if (!scaled) return { arrays, activations, preprocessing: said, assumed };
  if (said !== undefined && said.kind !== "none") {
    const expected = "pixels divided by 255 once";
    const found = `a division in the graph, and ${KEY_PREFIX}normalize = ${said.kind}`;
    throw new NetworkError("ERR_ONNX_GRAPH", { path, expected, found });
  }
  return { arrays, activations, preprocessing: { kind: "scale" }, assumed };
}
