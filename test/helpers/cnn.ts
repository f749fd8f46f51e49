/** A small convolutional network: as an ONNX model in several layouts, and as plain loops. */
import { FLOAT, int64s, intAttribute, intsAttribute, model, type TestNode, tensor, value } from "./onnx.js";
import { seeded } from "./random.js";

export const SIDE = 28;
export const PIXELS = SIDE * SIDE;
export const CLASSES = 10;
const CHANNELS = 4;
const KERNEL = 5;
const PADDING = 2;
const POOL = 4;
const POOLED = SIDE / POOL;
const FEATURES = CHANNELS * POOLED * POOLED;

const random = seeded(28);
const floats = (length: number, spread: number) =>
  Float32Array.from({ length }, () => (random() - 0.5) * spread);
/** (channels, 1, kernel, kernel); (channels); (features, classes); (classes) */
const kernels = floats(CHANNELS * KERNEL * KERNEL, 1);
const offsets = floats(CHANNELS, 1);
const weights = floats(FEATURES * CLASSES, 0.5);
const biases = floats(CLASSES, 1);

export interface CnnLayout {
  /** Shape of the input, batch first. */
  readonly shape: readonly (number | string)[];
  /** TensorProto.DataType of the input. */
  readonly type?: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Input → float32 (N,1,28,28) → Conv 5×5 → Relu → MaxPool 4×4 → Flatten → Gemm → logits (N,10). */
export function cnnModel({ shape, type = FLOAT, metadata = {} }: CnnLayout): Buffer {
  const adapt: TestNode[] = [];
  let images = "images";
  const add = (node: Omit<TestNode, "inputs">, ...constants: string[]) => {
    adapt.push({ ...node, inputs: [images, ...constants] });
    images = node.output;
  };
  if (type !== FLOAT) add({ op: "Cast", output: "cast", attributes: [intAttribute("to", FLOAT)] });
  if (shape.length === 2) add({ op: "Reshape", output: "reshaped" }, "image shape");
  else if (shape.length === 3) add({ op: "Unsqueeze", output: "channelled" }, "channel axis");
  else if (shape[3] === 1) {
    add({ op: "Transpose", output: "transposed", attributes: [intsAttribute("perm", [0, 3, 1, 2])] });
  }
  return model({
    nodes: [
      ...adapt,
      {
        op: "Conv",
        inputs: [images, "kernels", "offsets"],
        output: "c",
        attributes: [intsAttribute("pads", [PADDING, PADDING, PADDING, PADDING])],
      },
      { op: "Relu", inputs: ["c"], output: "r" },
      {
        op: "MaxPool",
        inputs: ["r"],
        output: "p",
        attributes: [intsAttribute("kernel_shape", [POOL, POOL]), intsAttribute("strides", [POOL, POOL])],
      },
      { op: "Flatten", inputs: ["p"], output: "f" },
      { op: "Gemm", inputs: ["f", "weights", "biases"], output: "logits" },
    ],
    tensors: [
      tensor("kernels", [CHANNELS, 1, KERNEL, KERNEL], [...kernels]),
      tensor("offsets", [CHANNELS], [...offsets]),
      tensor("weights", [FEATURES, CLASSES], [...weights]),
      tensor("biases", [CLASSES], [...biases]),
      ...(shape.length === 2 ? [int64s("image shape", [-1, 1, SIDE, SIDE])] : []),
      ...(shape.length === 3 ? [int64s("channel axis", [1])] : []),
    ],
    inputs: [value("images", shape, type)],
    outputs: [value("logits", [shape[0]!, CLASSES])],
    metadata,
  });
}

/** x (28,28), preprocessed → logits (10), in float64. */
export function cnnLogits(x: ArrayLike<number>): number[] {
  const logits = Array.from(biases);
  for (let channel = 0; channel < CHANNELS; channel++) {
    for (let row = 0; row < POOLED; row++) {
      for (let column = 0; column < POOLED; column++) {
        const feature = (channel * POOLED + row) * POOLED + column;
        const best = pooled(x, channel, row * POOL, column * POOL);
        for (let o = 0; o < CLASSES; o++) logits[o]! += best * weights[feature * CLASSES + o]!;
      }
    }
  }
  return logits;
}

/** The largest of a window's convolutions, or 0. */
function pooled(x: ArrayLike<number>, channel: number, top: number, left: number): number {
  let best = 0;
  for (let row = top; row < top + POOL; row++) {
    for (let column = left; column < left + POOL; column++) {
      best = Math.max(best, convolved(x, channel, row - PADDING, column - PADDING));
    }
  }
  return best;
}

function convolved(x: ArrayLike<number>, channel: number, top: number, left: number): number {
  let sum = offsets[channel]!;
  for (let i = 0; i < KERNEL; i++) {
    for (let j = 0; j < KERNEL; j++) {
      const [row, column] = [top + i, left + j];
      if (row < 0 || column < 0 || row >= SIDE || column >= SIDE) continue;
      sum += x[row * SIDE + column]! * kernels[(channel * KERNEL + i) * KERNEL + j]!;
    }
  }
  return sum;
}
