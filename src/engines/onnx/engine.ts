/**
 * The engine `onnx`: onnxruntime on one thread of the processor. It computes in the model's own type, mostly float32, in an
 * order that may change with the batch and the processor. Its logits are close to the reference's but not the same bits, so
 * two classes that are nearly equal may change places.
 */
import type { Engine, FoldedLayers, OnnxModel } from "#src/base/contracts/engine.js";
import type { OutputKind, Preprocessing } from "#src/base/contracts/network.js";
import { shapeText } from "#src/base/errors/define.js";
import { atLeast, NetworkError } from "#src/base/errors.js";
import { shareBytes } from "#src/base/slab.js";
import { probabilitiesInPlace } from "#src/engines/logits.js";
import { layerSizes } from "#src/networks/chain.js";
import { encodeOnnx } from "#src/networks/onnx/encode.js";
import { INPUT, imageShapeOf, OUTPUT } from "#src/networks/onnx/write-layers.js";
import { createFeed, isRows } from "./feed.js";
import { loadRuntime, numbersOf, openSession, type RuntimeTensor } from "./runtime.js";

/** Images per run if the model does not fix them, so that the activations of a convolution fit into memory. */
const MOST_RUN_IMAGES = 256;

/** Returns layers, which read bytes, as a model of float32. @throws NetworkError ERR_NETWORK_F32 */
export function modelOfLayers(layers: FoldedLayers): OnnxModel {
  const preprocessing = { kind: "none" } as const;
  const last = layers[layers.length - 1]!;
  // The engine gives the logits, without the file's last operation.
  const withLogits = [...layers.slice(0, -1), { ...last, ends: undefined }];
  return {
    name: "layers",
    sha256: "",
    preprocessing,
    assumptions: [],
    input: { name: INPUT, type: "float32", shape: imageShapeOf(layers), batch: undefined },
    output: { name: OUTPUT, classes: last.outputs, kind: last.ends ?? "logits", holds: "logits" },
    bytes: shareBytes(encodeOnnx({ layers: withLogits, preprocessing })),
  };
}

/**
 * Creates the engine. After the first run of each size it computes two of the images again, each alone: a graph may mix images
 * only in batches larger than those that `assertSteady` tries. If the outputs differ, `forward` throws ERR_ONNX_BATCH.
 *
 * @throws RunError ERR_ENGINE_PEER
 * @throws NetworkError ERR_ONNX_RUNTIME
 */
export async function createOnnxEngine(model: OnnxModel): Promise<Engine> {
  const { name, input, output } = model;
  const runtime = await loadRuntime();
  const session = await openSession(runtime, name, model.bytes);
  const feed = createFeed(runtime, input, fedPreprocessing(model));
  const [inputs] = atLeast(layerSizes(model), 1);
  const { classes, holds } = output;
  const runImages = input.batch ?? MOST_RUN_IMAGES;
  /** Numbers of images per run that were compared with images alone. A single image is alone. */
  const compared = new Set([1]);

  const run = async (images: Uint8Array, count: number): Promise<ArrayLike<number>> => {
    const rows = input.batch ?? count;
    const given = await session.run({ [input.name]: feed(images, count, rows) }, [output.name]);
    return valuesOf(given[output.name]!, rows, classes);
  };

  const compareAlone = async (
    images: Uint8Array,
    count: number,
    values: ArrayLike<number>,
  ): Promise<void> => {
    // With a fixed batch, an image alone costs as much as all, and its place in the batch changes too.
    const chosen = [Math.floor(count / 3), ...(input.batch === undefined ? [count - 1] : [])];
    for (const n of new Set(chosen)) {
      const alone = await run(images.subarray(n * inputs, (n + 1) * inputs), 1);
      if (!isNear(rowOf(values, n, classes), rowOf(alone, 0, classes))) {
        throw new NetworkError("ERR_ONNX_BATCH", { path: name });
      }
    }
  };

  return {
    name: "onnx",
    ends: output.kind,
    async forward(pixels, count, logits) {
      for (let start = 0; start < count; start += runImages) {
        const images = Math.min(runImages, count - start);
        const bytes = pixels.subarray(start * inputs, (start + images) * inputs);
        const values = await run(bytes, images);
        for (let n = 0; n < images * classes; n++) logits[start * classes + n] = logitOf(holds, values[n]!);
        if (compared.has(images)) continue;
        await compareAlone(bytes, images, values);
        compared.add(images);
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

function rowOf(values: ArrayLike<number>, row: number, classes: number): Float64Array {
  return Float64Array.from({ length: classes }, (_, n) => values[row * classes + n]!);
}

/**
 * Largest difference between batches of different sizes, relative to the image's largest output. Sums in another order
 * differ by less, even of float16 or rounded to eight bits; an operator over the batch differs by far more.
 */
const SIZE_TOLERANCE = 0.01;

/** True if an image's outputs in one batch can be those in another. NaN equals NaN. */
export function isNear(a: Float64Array, b: Float64Array): boolean {
  const largest = a.filter(Number.isFinite).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const isClose = (value: number, n: number) =>
    Object.is(value, b[n]) || Math.abs(value - b[n]!) <= SIZE_TOLERANCE * largest;
  return a.length === b.length && a.every(isClose);
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
    case "scores":
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
    case "scores":
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
