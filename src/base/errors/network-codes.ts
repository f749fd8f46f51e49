/** Codes of faults in files of weights and in ONNX models. Exit status 3. */

import { grouped, row, shapeText } from "./define.js";

/** The next step for a model that is not a chain of fully connected layers. */
export const OTHER_ENGINE =
  "--engine onnx evaluates other models, and convert writes --mean and --std into them";

export const onnxCodes = {
  ERR_ONNX_MALFORMED: row(
    3,
    (f: { path: string; offset: number; expected: string; found: string }) =>
      `${f.path}: byte ${grouped(f.offset)}: expected ${f.expected}, found ${f.found}; is this a complete ONNX model?`,
  ),
  ERR_ONNX_LIMIT: row(
    3,
    (f: { path: string; what: string; limit: number }) =>
      `${f.path}: expected at most ${grouped(f.limit)} ${f.what}, found more; the model is too large to read`,
  ),
  ERR_ONNX_EXTERNAL: row(
    3,
    (f: { path: string; tensor: string; expected: string; found: string }) =>
      `${f.path}: tensor "${f.tensor}": expected ${f.expected}, found ${f.found}; save the model as one file: python3 -c "import onnx; onnx.save_model(onnx.load('model.onnx'), 'whole.onnx', save_as_external_data=False)"`,
  ),
  ERR_ONNX_TENSOR: row(
    3,
    (f: { path: string; tensor: string; expected: string; found: string }) =>
      `${f.path}: tensor "${f.tensor}": expected ${f.expected}, found ${f.found}; export the model again`,
  ),
  ERR_ONNX_OPSET: row(
    3,
    (f: { path: string; expected: string; found: string }) =>
      `${f.path}: expected ${f.expected}, found ${f.found}; ${OTHER_ENGINE}`,
  ),
  ERR_ONNX_OPERATOR: row(
    3,
    (f: { path: string; node: string; operator: string }) =>
      `${f.path}: node "${f.node}": expected an operator of a chain of layers, found ${f.operator}; ${OTHER_ENGINE}`,
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
      `${f.path}: expected outputs that depend on one image only, found outputs that change with the other images or the size of the batch; export the model in eval mode, without operators over the batch axis; a dynamically quantized model needs a batch of 1`,
  ),
  ERR_ONNX_RANDOM: row(
    3,
    (f: { path: string }) =>
      `${f.path}: expected equal outputs from each run, found different outputs in a second run of the same images: the model uses random numbers or keeps state, as dropout and normalization do in training mode; export it in eval mode: torch.onnx.export(model.eval(), …)`,
  ),
  ERR_ONNX_RUNTIME: row(
    3,
    (f: { path: string; reason: string }) =>
      `${f.path}: onnxruntime cannot run the model: ${f.reason}; is the model complete, and free of custom operators?`,
  ),
} as const;

/** The next step for a preprocessing whose numbers are not stated. */
function statisticsStep(kind: string, isWhole = false): string {
  if (kind === "standardize") return "set --mean and --std to the values of the training";
  if (isWhole) return "batchwise fit folds whitening only into fully connected layers";
  return `write such a file with batchwise fit --normalize ${kind}`;
}

export const networkCodes = {
  ERR_NETWORK_UNKNOWN: row(
    3,
    (f: { found: string; known: readonly string[]; suggestion?: string | undefined }) =>
      `unknown network "${f.found}": ${f.suggestion ? `did you mean "${f.suggestion}"?` : `expected ${f.known.join(", ")} or an existing file`}`,
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
      `${f.path}: expected weights of fully connected layers, (outputs, inputs), found ${f.found}; the layers of a state dict are read if they are Linear, Conv2d, BatchNorm1d or BatchNorm2d${nextText(f)}`,
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
  ERR_NETWORK_LAYER: row(
    3,
    (f: { path: string; layer: string; expected: string; found: string; next?: string | undefined }) =>
      `${f.path}: ${f.layer}: expected ${f.expected}, found ${f.found}; ${f.next ?? "export the model to ONNX, and use --engine onnx"}`,
  ),
  ERR_NETWORK_ARCHITECTURE: row(
    3,
    (f: {
      path: string;
      layer: string;
      inputs: number;
      pictures: string;
      found: string;
      next?: string | undefined;
    }) =>
      `${f.path}: expected convolutions of one conventional architecture (${f.pictures} pictures, paddings of 0 or half a kernel, 2 × 2 max pools) that give ${f.layer} its ${grouped(f.inputs)} inputs, found ${f.found}${f.next?.includes("--architecture") ? "" : "; state the layers with --architecture"}${nextText(f)}`,
  ),
  ERR_NETWORK_INPUTS: row(
    3,
    (f: { path: string; expected: number; found: number; imageShape: readonly number[]; next?: string }) =>
      `${f.path}: expected images of ${grouped(f.expected)} pixels, found ${f.imageShape.join(" × ")} = ${grouped(f.found)}; ${f.next ?? "choose data and weights that belong together"}`,
  ),
  ERR_NETWORK_IMAGES: row(
    3,
    (f: { path: string; expected: readonly number[]; found: readonly number[]; next?: string }) =>
      `${f.path}: expected images of ${f.expected.join(" × ")} pixels, found ${f.found.join(" × ")}; ${f.next ?? "choose data and weights that belong together"}`,
  ),
  ERR_NETWORK_LAYERS: row(
    3,
    (f: { path: string; engine: string }) =>
      `${f.path}: expected a chain of layers for the engine "${f.engine}", found another model; set --engine onnx`,
  ),
  ERR_NETWORK_OUTPUTS: row(
    3,
    (f: { path: string; found: number; limit: number }) =>
      `${f.path}: expected a network of at most ${grouped(f.limit)} outputs, found ${grouped(f.found)}; is this a classifier?`,
  ),
  ERR_NETWORK_CLASSES: row(
    3,
    (f: { path: string; found: string; known?: readonly string[] | undefined }) =>
      `${f.path}: expected outputs named ${f.known?.slice(0, 12).join(", ") ?? "by digits"}, found ${f.found}; give --classes a file with these names, one per line, the first for label 0`,
  ),
  ERR_NETWORK_SCORES: row(
    3,
    (f: { path: string; use: "probabilities" | "file" }) =>
      `${f.path}: expected probabilities or logits, found scores; ${f.use === "file" ? "evaluate this file itself: no format that is written states scores" : "leave out --predictions, --report, --calibration, --top-k and --probabilities, which need probabilities"}`,
  ),
  ERR_NETWORK_NOT_FINITE: row(
    3,
    (f: { path: string; layer: string; index: number; found: string }) =>
      `${f.path}: ${f.layer}: expected finite numbers, found ${f.found} at element ${grouped(f.index)}; did the training overflow?`,
  ),
  ERR_LOGITS_NAN: row(
    3,
    (f: { path: string; image: number | string }) =>
      `${f.path}: image ${typeof f.image === "number" ? grouped(f.image) : f.image}: expected a logit for each class, found NaN; the network's sums overflow, or its outputs are of another kind than assumed: check its weights and the scale of its pixels (--normalize)`,
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
      `${f.path}: expected a pickle of arrays alone, found ${f.what?.includes(f.name) ? f.what : `${f.what === undefined ? "one" : `${f.what},`} that requests ${f.name}`}; nothing was run${nextText(f)}`,
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
      `${f.path}: expected at most ${grouped(f.limit)} ${f.what}, found more; this is not a pickle of weights`,
  ),
  ERR_SAFETENSORS_HEADER: row(
    3,
    (f: { path: string; expected: string; found: string }) =>
      `${f.path}: safetensors header: expected ${f.expected}, found ${f.found}; is the file complete?`,
  ),
  ERR_WEIGHTS_TEXT: row(
    3,
    (f: { path: string; offset: number; expected: string; found: string }) =>
      `${f.path}: byte ${grouped(f.offset)}: expected ${f.expected}, found ${f.found}; is the file complete, and written from an array?`,
  ),
  ERR_NETWORK_WRITTEN: row(
    1,
    (f: { path: string; expected: string; found: string }) =>
      `${f.path}: expected the written network to give the logits of the one that was read, but for ${f.expected}, found a difference of ${f.found}; no file was written; report this with the network`,
  ),
  ERR_NETWORK_ACTIVATIONS: row(
    3,
    (f: { found: readonly string[] }) =>
      `expected one activation for all hidden layers and identity for the last, as .npz files have, found ${f.found.join(", ")}; write a .safetensors or an .onnx file`,
  ),
  ERR_NETWORK_F32: row(
    3,
    (f: { layer: string; index: number; found: string }) =>
      `${f.layer}: expected numbers that float32 can hold, found ${f.found} at element ${grouped(f.index)}; did the training overflow?`,
  ),
  ERR_ASSUMED: row(3, (f: { assumed: string }) => `--strict: expected no assumptions, found ${f.assumed}`),
  ERR_NORMALIZE_MISMATCH: row(
    3,
    (f: { path: string; expected: string; found: string }) =>
      `${f.path}: expected the preprocessing "${f.expected}" that the file states, found ${f.found} in the options; remove these options`,
  ),
  ERR_NORMALIZE_CHANNELS: row(
    3,
    (f: { path: string; expected: number; found: number }) =>
      `${f.path}: expected a mean and a deviation for ${f.expected === 1 ? "the one channel" : `each of ${f.expected} channels`} of the images, found ${f.found} numbers; set one number, or one for each channel`,
  ),
  ERR_NORMALIZE_STATISTICS: row(
    3,
    (f: { path: string; found: string; isWhole?: boolean }) =>
      `${f.path}: expected a network that states the numbers of "${f.found}", found none; ${statisticsStep(f.found, f.isWhole)}`,
  ),
  ERR_NORMALIZE_OVERFLOW: row(
    3,
    (f: { path: string; layer: string; index: number }) =>
      `${f.path}: ${f.layer}: expected weights that stay finite when mean and std are folded in, found an overflow at element ${grouped(f.index)}; check --mean, --std and the weights`,
  ),
  ERR_NORMALIZE_FITTED: row(
    3,
    (f: { path: string; found: string }) =>
      `${f.path}: expected weights without a stated preprocessing, found "${f.found}"; fit the original weights`,
  ),
  ERR_NORMALIZE_FORMAT: row(
    3,
    (f: { what: string }) =>
      `expected a format that can hold ${f.what}, found .npz; write a .safetensors or an .onnx file`,
  ),
  ERR_RECIPE: row(
    3,
    (f: { path: string; key: string; expected: string; found: string }) =>
      `${f.path}: metadata "${f.key}": expected ${f.expected}, found ${f.found}; was the file edited by hand?`,
  ),
  ERR_WEIGHTS_SIZE: row(
    3,
    (f: { path: string; actualBytes: number; limitBytes: number }) =>
      `${f.path}: expected at most ${grouped(f.limitBytes)} bytes of weights, found ${grouped(f.actualBytes)}; the network is too large to read`,
  ),
  ...onnxCodes,
} as const;

/** The next step, if the reader of the file knows one. */
function nextText({ next }: { readonly next?: string | undefined }): string {
  return next === undefined ? "" : `; ${next}`;
}
