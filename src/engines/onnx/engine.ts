/**
 * The engine `onnx`: onnxruntime on one thread of the processor. It computes in the model's own type, mostly float32, in
 * an order of its own that may change with the batch and the processor: its logits are near the reference's and not its
 * bits, and two classes that are all but equal may change places.
 */
import type { Engine, FoldedLayers } from "#src/base/contracts/engine.js";
import type { OnnxModel } from "#src/base/contracts/onnx-model.js";
import type { Preprocessing } from "#src/base/contracts/preprocessing.js";
import { shapeText } from "#src/base/errors/define.js";
import { shareBytes } from "#src/base/shared-memory.js";
import { layerSizes } from "#src/networks/layer-sizes.js";
import { encodeOnnx, INPUT, OUTPUT } from "#src/networks/onnx/encode.js";
import { isRows } from "./ends.js";
import { createFeed } from "./feed.js";
import { logitOf } from "./outputs.js";
import { loadRuntime, numbersOf, openSession, type RuntimeTensor } from "./runtime.js";

/** Images a run where the model does not say: what a convolution keeps between its layers is to stay in memory. */
const MOST_RUN_IMAGES = 256;

/** Layers, which read bytes, as a model of float32. @throws NetworkError ERR_NETWORK_F32. */
export function modelOfLayers(layers: FoldedLayers): OnnxModel {
  const preprocessing = { kind: "none" } as const;
  const sizes = layerSizes({ layers });
  return {
    name: "layers",
    sha256: "",
    preprocessing,
    assumptions: [],
    input: { name: INPUT, type: "float32", shape: sizes.slice(0, 1), batch: undefined },
    output: { name: OUTPUT, classes: sizes[sizes.length - 1], kind: "logits", holds: "logits" },
    bytes: shareBytes(encodeOnnx({ layers, preprocessing })),
  };
}

/** @throws RunError ERR_ENGINE_PEER. NetworkError ERR_ONNX_RUNTIME. */
export async function createOnnxEngine(model: OnnxModel): Promise<Engine> {
  const { name, input, output, bytes } = model;
  const runtime = await loadRuntime();
  const session = await openSession(runtime, name, bytes);
  const feed = createFeed(runtime, input, fedPreprocessing(model));
  const [inputs] = layerSizes(model);
  const { classes, holds } = output;
  const runImages = input.batch ?? MOST_RUN_IMAGES;

  return {
    name: "onnx",
    ends: output.kind,
    async forward(pixels, count, logits) {
      for (let start = 0; start < count; start += runImages) {
        const images = Math.min(runImages, count - start);
        const rows = input.batch ?? images;
        const tensor = feed(pixels.subarray(start * inputs, (start + images) * inputs), images, rows);
        const given = await session.run({ [input.name]: tensor }, [output.name]);
        const values = valuesOf(given[output.name], rows, classes);
        for (let n = 0; n < images * classes; n++) logits[start * classes + n] = logitOf(holds, values[n]);
      }
    },
  };
}

/** What is left to do to the bytes before the graph. */
export function fedPreprocessing({
  preprocessing,
  isWithin = false,
}: Pick<OnnxModel, "preprocessing" | "isWithin">): Preprocessing {
  return isWithin ? { kind: "none" } : preprocessing;
}

function valuesOf(tensor: RuntimeTensor, rows: number, classes: number): ArrayLike<number> {
  const { dims } = tensor;
  if (!isRows(dims, rows, classes)) {
    throw new Error(`expected logits ${shapeText([rows, classes])}, found ${shapeText(dims)}`);
  }
  return numbersOf(tensor);
}
