/** What an ONNX file says of itself that onnxruntime does not tell: its properties, its pixels and its outputs. */
import { NetworkError } from "#src/base/errors.js";
import { printable } from "#src/base/printable.js";
import type { Metadata } from "#src/networks/metadata.js";
import { drawsNumbers, type Ending, endingOf } from "./ending.js";
import { type Model, readModel, type Tensor } from "./model.js";
import { type PixelsTaken, pixelsTakenBy } from "./pixels.js";
import { GraphView } from "./view.js";

/** Fields of all messages of a model that is run whole: a graph of 20,000 nodes. */
const MAX_FIELDS = 500_000;

/** TensorProto.DataType. */
const UINT8 = 2;

export interface OnnxFacts {
  readonly metadata: Metadata;
  readonly pixels: PixelsTaken;
  /** The ending of each of the graph's outputs, by its name. */
  readonly endings: ReadonlyMap<string, Ending>;
  /** Whether a tensor depends on an operator that draws random numbers. */
  isRandom(tensor: string): boolean;
}

/**
 * Looks at a model of any operators; its weights are skipped over. `path` is for messages.
 *
 * @throws NetworkError ERR_ONNX_MALFORMED, ERR_ONNX_LIMIT; ERR_ONNX_EXTERNAL, before any runtime would open the other file.
 */
export function readOnnxFacts(path: string, bytes: Uint8Array): OnnxFacts {
  const model = readModel(path, bytes, MAX_FIELDS);
  assertInternal(path, model);
  const view = new GraphView(path, model);
  const pixels = pixelsTakenBy(view);
  return {
    metadata: model.metadata,
    pixels: pixels.kind === "bytes" || !isOfBytes(model, view) ? pixels : { kind: "bytes" },
    endings: new Map(view.outputs.map((output) => [output, endingOf(view, output)])),
    isRandom: (tensor) => drawsNumbers(view, tensor),
  };
}

function isOfBytes({ graph }: Model, view: GraphView): boolean {
  return graph.inputs.some(({ name, type }) => name === view.inputs[0] && type === UINT8);
}

function assertInternal(path: string, { graph }: Model): void {
  const inNodes = graph.nodes.flatMap(({ attributes }) => attributes.flatMap(({ tensor }) => tensor ?? []));
  const external = [...graph.initializers, ...inNodes].find((tensor: Tensor) => tensor.external);
  if (external === undefined) return;
  throw new NetworkError("ERR_ONNX_EXTERNAL", { path, tensor: printable(external.name) });
}
