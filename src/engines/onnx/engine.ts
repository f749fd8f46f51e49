/**
 * The engine `onnx`: onnxruntime on one thread of the processor. It computes in the model's own type, mostly float32, in an
 * order that may change with the batch and the processor. Its logits are close to the reference's but not the same bits, so
 * two classes that are nearly equal may change places.
 */

import { shareBytes } from "#src/base/allocate.js";
import type {
  Engine,
  FoldedLayers,
  OnnxModel,
  OutputKind,
  Preprocessing,
} from "#src/base/contracts/network.js";
import { shapeText } from "#src/base/errors/define.js";
import { atLeast } from "#src/base/errors.js";
import { probabilitiesInPlace } from "#src/engines/logits.js";
import { layerSizes } from "#src/networks/chain.js";
import { encodeOnnx, INPUT, OUTPUT } from "#src/networks/onnx/encode.js";
import { createFeed, isRows } from "./feed.js";
import { loadRuntime, numbersOf, openSession, type RuntimeTensor } from "./runtime.js";

/** Images per run if the model does not fix them, so that the activations of a convolution fit into memory. */
const MOST_RUN_IMAGES = 256;

/** Returns layers, which read bytes, as a model of float32. @throws NetworkError ERR_NETWORK_F32 */
export function modelOfLayers(layers: FoldedLayers): OnnxModel {
  const preprocessing = { kind: "none" } as const;
  const sizes = layerSizes({ layers });
  return {
    name: "layers",
    sha256: "",
    preprocessing,
    assumptions: [],
    input: { name: INPUT, type: "float32", shape: sizes.slice(0, 1), batch: undefined },
    output: { name: OUTPUT, classes: sizes[sizes.length - 1]!, kind: "logits", holds: "logits" },
    bytes: shareBytes(encodeOnnx({ layers, preprocessing })),
  };
}

/** Creates the engine. @throws RunError ERR_ENGINE_PEER @throws NetworkError ERR_ONNX_RUNTIME */
export async function createOnnxEngine(model: OnnxModel): Promise<Engine> {
  const { name, input, output, bytes } = model;
  const runtime = await loadRuntime();
  const session = await openSession(runtime, name, bytes);
  const feed = createFeed(runtime, input, fedPreprocessing(model));
  const [inputs] = atLeast(layerSizes(model), 1);
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
        const values = valuesOf(given[output.name]!, rows, classes);
        for (let n = 0; n < images * classes; n++) logits[start * classes + n] = logitOf(holds, values[n]!);
      }
    },
  };
}

/** Preprocessing of the bytes before the graph. */
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

/** Tolerance of sums. Float16 gives three digits; a softmax over another axis is off by far more. */
const TOLERANCE = 0.01;

/** Numbers (rows, classes), row-major. */
export interface Rows {
  readonly values: ArrayLike<number>;
  readonly classes: number;
}

/** Returns the logit of a value of this kind; for a softmax, up to a number that all classes share. */
export function logitOf(kind: OutputKind, value: number): number {
  switch (kind) {
    case "logits":
    case "log-softmax":
      return value;
    case "softmax":
      return Math.log(value);
    case "sigmoid":
      return Math.log(value / (1 - value));
  }
}

/** True if a model that ends with `kind` makes `outputs` of these logits. */
export function agree(kind: OutputKind, logits: ArrayLike<number>, { values, classes }: Rows): boolean {
  if (logits.length !== values.length) return false;
  const expected = Float64Array.from(logits);
  if (kind !== "sigmoid") {
    for (let start = 0; start < expected.length; start += classes) {
      probabilitiesInPlace(kind, expected, start, classes);
    }
  }
  return expected.every((value, n) => {
    const found = kind === "log-softmax" ? Math.exp(values[n]!) : values[n]!;
    return Math.abs((kind === "sigmoid" ? 1 / (1 + Math.exp(-value)) : value) - found) <= TOLERANCE;
  });
}

/** True if numbers can be outputs of this kind. All numbers can be logits. */
export function canBe(kind: OutputKind, { values, classes }: Rows): boolean {
  const numbers = Array.from(values);
  switch (kind) {
    case "logits":
      return true;
    case "sigmoid":
      return numbers.every((value) => value >= 0 && value <= 1);
    case "softmax":
      return numbers.every((value) => value >= 0 && value <= 1 + TOLERANCE) && sumToOne(numbers, classes);
    case "log-softmax":
      return numbers.every((value) => value <= TOLERANCE) && sumToOne(numbers.map(Math.exp), classes);
  }
}

/** Returns the likeliest kind of the outputs of an unknown operator. */
export function likeliest(rows: Rows): OutputKind {
  return (["softmax", "log-softmax", "sigmoid"] as const).find((kind) => canBe(kind, rows)) ?? "logits";
}

function sumToOne(numbers: readonly number[], classes: number): boolean {
  for (let start = 0; start < numbers.length; start += classes) {
    const sum = numbers.slice(start, start + classes).reduce((a, b) => a + b, 0);
    if (!(Math.abs(sum - 1) <= TOLERANCE)) return false;
  }
  return true;
}
