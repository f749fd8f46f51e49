/**
 * The convolutional networks of *Deep Learning from Scratch*, chapters 7 and 8. Their pickles state neither padding nor pooling:
 * the shapes of their arrays tell them from all others.
 *
 * DeepConvNet is computed without its Dropout layers, as most frameworks do it. The book's own `predict` multiplies by 0.5 there: it
 * classifies 9,935 of MNIST's test images correctly, and the network without Dropout 9,938.
 *
 * Source: WegraLee/deep-learning-from-scratch, ch07/simple_convnet.py, ch08/deep_convnet.py, common/layers.py.
 */
import type { Activation } from "#src/base/contracts/network.js";
import type { NamedArray, NamedArrays } from "#src/files/formats/arrays.js";
import { activationAt } from "./chain.js";
import { ChainBuilder } from "./chain-builder.js";
import type { BuiltChain } from "./chain-facts.js";
import { convWeights } from "./weight-order.js";

/** Padding of DeepConvNet's convolutions, all of 3 × 3 with a stride of 1. A pool of 2 × 2 follows each second one. */
const DEEP_PADS = [1, 1, 1, 2, 1, 1] as const;
const DEEP_CHANNELS = [1, 16, 16, 32, 32, 64, 64] as const;
const DEEP_SIDE = 28;
/** Units of DeepConvNet after its last pool: 64 × 4 × 4. */
const DEEP_UNITS = 1_024;

/** Convolution that was recognized, with its padding on each side, and whether a pool of 2 × 2 follows. */
interface Convolution {
  readonly pad: number;
  readonly isPooled: boolean;
}

interface Architecture {
  /** Name for messages. */
  readonly name: string;
  /** Rows, and columns, of an image. */
  readonly side: number;
  readonly convolutions: readonly Convolution[];
}

/** A network of the book, of which the file states only the arrays. */
export interface BookNetwork extends BuiltChain {
  /** Name of its architecture. */
  readonly architecture: string;
  /** Number of layers with an activation. */
  readonly hidden: number;
}

/**
 * Returns the book's network with these arrays, W1, b1 …; undefined for other arrays.
 *
 * @param activation of the hidden layers, or of each; the book's is ReLU
 * @throws NetworkError as `ChainBuilder`
 */
export function bookNetwork(
  path: string,
  arrays: NamedArrays,
  activation: Activation | readonly Activation[] = "relu",
): BookNetwork | undefined {
  const architecture = recognized(arrays);
  if (architecture === undefined) return undefined;
  const { name, side, convolutions } = architecture;
  const input = { rows: side, columns: side, channels: 1 };
  const builder = new ChainBuilder(path, input, "channels-first");
  const total = arrays.size / 2;
  for (let layer = 1; layer <= total; layer++) {
    const [weights, biases] = [arrays.get(`W${layer}`), arrays.get(`b${layer}`)];
    if (weights === undefined || biases === undefined) return undefined;
    const convolution = convolutions[layer - 1];
    if (convolution !== undefined) convolve(builder, `W${layer}`, weights, biases, convolution.pad);
    else {
      builder.flatten(`W${layer}`);
      const { data, shape } = weights;
      builder.dense(`W${layer}`, { weights: data, outputs: shape[1] ?? 0, biases: biases.data });
    }
    const hidden = activationAt(activation, layer - 1) ?? "identity";
    if (layer < total) builder.activation(`W${layer}`, hidden);
    if (convolution?.isPooled) builder.pool2d(`W${layer}`, "max", { kernel: [2, 2] });
  }
  return { ...builder.finish(), architecture: name, hidden: total - 1 };
}

function convolve(
  builder: ChainBuilder,
  name: string,
  { data, shape }: NamedArray,
  biases: NamedArray,
  pad: number,
): void {
  const [channels = 0, , rows = 0, columns = 0] = shape;
  builder.conv2d(name, {
    weights: convWeights(data, shape),
    channels,
    kernel: [rows, columns],
    biases: biases.data,
    padding: { top: pad, left: pad, bottom: pad, right: pad },
  });
}

function recognized(arrays: NamedArrays): Architecture | undefined {
  const shapes = Array.from(
    { length: arrays.size / 2 },
    (_, index) => arrays.get(`W${index + 1}`)?.shape ?? [],
  );
  return simpleConvNet(shapes) ?? deepConvNet(shapes);
}

/** W1 (filters, 1, k, k), W2 (filters · p · p, hidden), W3 (hidden, classes): a side of 2p + k − 1 pixels before the pool. */
function simpleConvNet([first, second, third, ...more]: readonly (readonly number[])[]):
  | Architecture
  | undefined {
  const [filters = 0, channels, rows = 0, columns] = first ?? [];
  const [units = 0, hidden] = second ?? [];
  const places = Math.sqrt(units / filters);
  const isKnown =
    first?.length === 4 &&
    second?.length === 2 &&
    third?.length === 2 &&
    more.length === 0 &&
    channels === 1 &&
    rows === columns &&
    Number.isInteger(places) &&
    hidden === third[0];
  if (!isKnown) return undefined;
  return {
    name: "SimpleConvNet of the book's chapter 7 (stride 1, padding 0 and a 2 × 2 max pool)",
    side: 2 * places + rows - 1,
    convolutions: [{ pad: 0, isPooled: true }],
  };
}

function deepConvNet(shapes: readonly (readonly number[])[]): Architecture | undefined {
  const convolutions = DEEP_PADS.map((pad, index) => ({ pad, isPooled: index % 2 === 1 }));
  const isKnown =
    shapes.length === convolutions.length + 2 &&
    convolutions.every((_, index) => {
      const expected = [DEEP_CHANNELS[index + 1], DEEP_CHANNELS[index], 3, 3];
      return `${shapes[index]}` === `${expected}`;
    }) &&
    shapes.at(-2)?.length === 2 &&
    shapes.at(-2)?.[0] === DEEP_UNITS;
  if (!isKnown) return undefined;
  const name = `DeepConvNet of the book's chapter 8 (paddings ${DEEP_PADS.join(", ")}), without Dropout`;
  return { name, side: DEEP_SIDE, convolutions };
}
