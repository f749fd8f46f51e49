/** Codes of faults in files of weights, whatever their format. Exit status 3. */

import { grouped, row, shapeText } from "./define.js";

// Codes of faults in ONNX models, and of models that are more than a chain of fully connected layers. Exit status 3.

/** The next step for a model that is no chain of fully connected layers. */
export const OTHER_ENGINE =
  "--engine onnx evaluates other models, and convert writes --mean and --std into them";

export const onnxCodes = {
  ERR_ONNX_MALFORMED: row(
    3,
    (f: { path: string; offset: number; expected: string; found: string }) =>
      `${f.path}: byte ${grouped(f.offset)}: expected ${f.expected}, found ${f.found}; is this a whole ONNX model?`,
  ),
  ERR_ONNX_LIMIT: row(
    3,
    (f: { path: string; what: string; limit: number }) =>
      `${f.path}: expected at most ${grouped(f.limit)} ${f.what}, found more; the model is too large to be looked through`,
  ),
  ERR_ONNX_EXTERNAL: row(
    3,
    (f: { path: string; tensor: string }) =>
      `${f.path}: tensor "${f.tensor}": expected its data within the model, found them in another file; save it whole: python3 -c "import onnx; onnx.save_model(onnx.load('model.onnx'), 'whole.onnx', save_as_external_data=False)"`,
  ),
  ERR_ONNX_TENSOR: row(
    3,
    (f: { path: string; tensor: string; expected: string; found: string }) =>
      `${f.path}: tensor "${f.tensor}": expected ${f.expected}, found ${f.found}`,
  ),
  ERR_ONNX_OPSET: row(
    3,
    (f: { path: string; expected: string; found: string }) =>
      `${f.path}: expected ${f.expected}, found ${f.found}; ${OTHER_ENGINE}`,
  ),
  ERR_ONNX_OPERATOR: row(
    3,
    (f: { path: string; node: string; operator: string; known: readonly string[] }) =>
      `${f.path}: node "${f.node}": expected one of ${f.known.join(", ")}, found ${f.operator}; ${OTHER_ENGINE}`,
  ),
  ERR_ONNX_NODE: row(
    3,
    (f: { path: string; node: string; expected: string; found: string }) =>
      `${f.path}: node "${f.node}": expected ${f.expected}, found ${f.found}; ${OTHER_ENGINE}`,
  ),
  ERR_ONNX_GRAPH: row(
    3,
    (f: { path: string; expected: string; found: string; next?: string }) =>
      `${f.path}: ONNX graph: expected ${f.expected}, found ${f.found}${f.next === undefined ? "" : `; ${f.next}`}`,
  ),
  ERR_ONNX_BATCH: row(
    3,
    (f: { path: string }) =>
      `${f.path}: expected an image's outputs to depend on that image alone, found outputs that change with the other images or the size of its batch; export the model in eval mode, without operators over the batch axis; a dynamically quantized model needs a batch of 1`,
  ),
  ERR_ONNX_RANDOM: row(
    3,
    (f: { path: string }) =>
      `${f.path}: expected the same outputs from each run, found others in a second run of the same images: the model draws random numbers, or keeps numbers from run to run, as dropout and normalization in training mode do; export it in eval mode: torch.onnx.export(model.eval(), …)`,
  ),
  ERR_ONNX_RUNTIME: row(
    3,
    (f: { path: string; reason: string }) =>
      `${f.path}: onnxruntime cannot run it: ${f.reason}; is this a whole model, without operators of its own?`,
  ),
} as const;

/** The next step for a preprocessing whose numbers no one states. */
function statisticsStep(kind: string, isWhole = false): string {
  if (kind === "standardize") return "name them with --mean and --std, as the training had them";
  if (isWhole) return "batchwise fit folds whitening into fully connected layers, and into no other model";
  return `make a file that does: batchwise fit --normalize ${kind}`;
}

export const networkCodes = {
  ERR_NETWORK_UNKNOWN: row(
    3,
    (f: { found: string; known: readonly string[]; suggestion?: string | undefined }) =>
      `unknown network "${f.found}": ${f.suggestion ? `did you mean "${f.suggestion}"?` : `expected ${f.known.join(", ")} or a file that exists`}`,
  ),
  ERR_NETWORK_FORMAT: row(
    3,
    (f: { path: string; expected: string; found: string; next?: string | undefined }) =>
      `${f.path}: expected ${f.expected}, found ${f.found}${nextText(f)}`,
  ),
  ERR_NETWORK_KEYS: row(
    3,
    (f: { path: string; expected: string; found: string; next?: string | undefined }) =>
      `${f.path}: expected ${f.expected}, found ${f.found}${nextText(f)}`,
  ),
  ERR_NETWORK_RANK: row(
    3,
    (f: { path: string; found: string; next?: string | undefined }) =>
      `${f.path}: expected weights of fully connected layers, (outputs, inputs), found ${f.found}; convolutions and normalizations are not read from arrays${nextText(f)}`,
  ),
  ERR_NETWORK_ORDER: row(
    3,
    (f: { path: string; expected: string; found: string; next?: string | undefined }) =>
      `${f.path}: expected ${f.expected}, found ${f.found}; ${f.next ?? "name the layers W1, b1 and so on"}`,
  ),
  ERR_NETWORK_CHAIN: row(
    3,
    (f: {
      path: string;
      layer: string;
      expected: string;
      found: readonly number[];
      next?: string | undefined;
    }) =>
      `${f.path}: ${f.layer}: expected shape ${f.expected}, found ${shapeText(f.found)}; the layers do not chain${nextText(f)}`,
  ),
  ERR_NETWORK_INPUTS: row(
    3,
    (f: { path: string; expected: number; found: number; imageShape: readonly number[] }) =>
      `${f.path}: the network reads ${grouped(f.expected)} inputs, the images have ${f.imageShape.join(" × ")} = ${grouped(f.found)} pixels; choose data and weights that belong together`,
  ),
  ERR_NETWORK_IMAGES: row(
    3,
    (f: { path: string; expected: readonly number[]; found: readonly number[] }) =>
      `${f.path}: the model reads images of ${f.expected.join(" × ")} pixels, the data have ${f.found.join(" × ")}; choose data and weights that belong together`,
  ),
  ERR_NETWORK_LAYERS: row(
    3,
    (f: { path: string; engine: string }) =>
      `${f.path}: the engine "${f.engine}" needs a network of fully connected layers, found another model; run it with --engine onnx`,
  ),
  ERR_NETWORK_OUTPUTS: row(
    3,
    (f: { path: string; found: number; limit: number }) =>
      `${f.path}: expected a network of at most ${grouped(f.limit)} outputs, found ${grouped(f.found)}`,
  ),
  ERR_NETWORK_NOT_FINITE: row(
    3,
    (f: { path: string; layer: string; index: number; found: string }) =>
      `${f.path}: ${f.layer}: expected finite numbers, found ${f.found} at element ${grouped(f.index)}; was the training stopped by an overflow?`,
  ),
  ERR_LOGITS_NAN: row(
    3,
    (f: { path: string; image: number | string }) =>
      `${f.path}: image ${typeof f.image === "number" ? grouped(f.image) : f.image}: expected a logit for each class, found NaN; the network's sums overflow: check its weights and how its pixels are scaled (--normalize)`,
  ),
  ERR_ARRAY_DTYPE: row(
    3,
    (f: { path: string; layer: string; expected: string; found: string; next?: string | undefined }) =>
      `${f.path}: ${f.layer}: expected elements of ${f.expected}, found ${f.found}${nextText(f)}`,
  ),
  ERR_ARRAY_LAYOUT: row(
    3,
    (f: { path: string; layer: string; expected: string; found: string; next?: string | undefined }) =>
      `${f.path}: ${f.layer}: expected ${f.expected}, found ${f.found}${nextText(f)}`,
  ),
  ERR_PICKLE_FORBIDDEN: row(
    3,
    (f: { path: string; name: string; what?: string | undefined; next?: string | undefined }) =>
      `${f.path}: expected a pickle of NumPy arrays, found ${f.what?.includes(f.name) ? f.what : `${f.what === undefined ? "one" : `${f.what},`} that asks for ${f.name}`}; refused, nothing was run${nextText(f)}`,
  ),
  ERR_PICKLE_MALFORMED: row(
    3,
    (f: { path: string; offset: number; expected: string; found: string }) =>
      `${f.path}: byte ${grouped(f.offset)}: expected ${f.expected}, found ${f.found}; is this a NumPy pickle?`,
  ),
  ERR_PICKLE_TRUNCATED: row(
    3,
    (f: { path: string; offset: number; neededBytes: number | bigint; leftBytes: number }) =>
      `${f.path}: byte ${grouped(f.offset)}: expected ${grouped(f.neededBytes)} more bytes, found ${grouped(f.leftBytes)}; is the file complete?`,
  ),
  ERR_PICKLE_LIMIT: row(
    3,
    (f: { path: string; what: string; limit: number }) =>
      `${f.path}: expected at most ${grouped(f.limit)} ${f.what}, found more; this is no pickle of weights`,
  ),
  ERR_SAFETENSORS_HEADER: row(
    3,
    (f: { path: string; expected: string; found: string }) =>
      `${f.path}: safetensors header: expected ${f.expected}, found ${f.found}; is the file complete?`,
  ),
  ERR_NETWORK_ACTIVATIONS: row(
    3,
    (f: { found: readonly string[] }) =>
      `a .safetensors or .npz file can have one activation for all hidden layers, and identity for the last: found ${f.found.join(", ")}; .onnx holds one for each`,
  ),
  ERR_NETWORK_F32: row(
    3,
    (f: { layer: string; index: number; found: string }) =>
      `${f.layer}: expected numbers that float32 can hold, found ${f.found} at element ${grouped(f.index)}`,
  ),
  ERR_ASSUMED: row(3, (f: { assumed: string }) => `--strict refuses what no file states: ${f.assumed}`),
  ERR_NORMALIZE_MISMATCH: row(
    3,
    (f: { path: string; expected: string; found: string }) =>
      `${f.path}: the file states that pixels are preprocessed by "${f.expected}", the options ask for ${f.found}; leave them out`,
  ),
  ERR_NORMALIZE_STATISTICS: row(
    3,
    (f: { path: string; found: string; isWhole?: boolean }) =>
      `${f.path}: expected a network that states the numbers of "${f.found}", found none; ${statisticsStep(f.found, f.isWhole)}`,
  ),
  ERR_NORMALIZE_OVERFLOW: row(
    3,
    (f: { path: string; layer: string; index: number }) =>
      `${f.path}: ${f.layer}: expected weights that the mean and the std of its pixels leave finite, found one beyond float64 at element ${grouped(f.index)}; check --mean and --std, and whether the training was stopped by an overflow`,
  ),
  ERR_NORMALIZE_FITTED: row(
    3,
    (f: { path: string; found: string }) =>
      `${f.path}: expected weights that do not say their preprocessing yet, found "${f.found}"; fit the weights as they were trained`,
  ),
  ERR_NORMALIZE_FORMAT: row(
    3,
    (f: { found: string }) =>
      `a .npz holds arrays alone, and has no place for the numbers of "${f.found}"; write a .safetensors or an .onnx`,
  ),
  ERR_RECIPE: row(
    3,
    (f: { path: string; key: string; expected: string; found: string }) =>
      `${f.path}: metadata "${f.key}": expected ${f.expected}, found ${f.found}; was the file edited by hand?`,
  ),
  ERR_WEIGHTS_SIZE: row(
    3,
    (f: { path: string; actualBytes: number; limitBytes: number }) =>
      `${f.path}: expected at most ${grouped(f.limitBytes)} bytes of weights, found ${grouped(f.actualBytes)}`,
  ),
  ...onnxCodes,
} as const;

/** What to do, where the file told it. */
function nextText({ next }: { readonly next?: string | undefined }): string {
  return next === undefined ? "" : `; ${next}`;
}
