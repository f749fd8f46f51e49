/** Codes of faults in ONNX models, and of models that are more than a chain of fully connected layers. Exit status 3. */
import { grouped, row } from "./define.js";

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
