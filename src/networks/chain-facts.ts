/** What readers of formats tell of layers, and what they return: the contract of the chain builder. */
import { basename, resolve } from "node:path";
import type { Assumption, AssumptionSubject } from "#src/base/assumptions.js";
import type {
  Activation,
  Layer,
  MapOrder,
  Padding,
  Pair,
  Preprocessing,
} from "#src/base/contracts/network.js";

export interface DenseFacts {
  /** (inputs × outputs) row-major, with inputs in the framework's order. */
  readonly weights: ArrayLike<number>;
  readonly outputs: number;
  /** (outputs). Default: zeros. */
  readonly biases?: ArrayLike<number> | undefined;
}

interface WindowFacts {
  readonly kernel: Pair;
  readonly stride?: Pair | undefined;
  /** `same` is TensorFlow's. Default: none. */
  readonly padding?: Padding | "same" | undefined;
}

export interface ConvFacts extends WindowFacts {
  /** (kernel rows × kernel columns × input channels ÷ groups × channels), row-major. */
  readonly weights: ArrayLike<number>;
  /** Output channels. */
  readonly channels: number;
  /** (channels). Default: zeros. */
  readonly biases?: ArrayLike<number> | undefined;
  readonly dilation?: Pair | undefined;
  readonly groups?: number | undefined;
  /** Number in the padding. Default 0. */
  readonly paddingValue?: number | undefined;
}

export interface PoolFacts extends WindowFacts {
  /** Whether an average counts the zeros of the padding. Default false. */
  readonly countsPadding?: boolean | undefined;
  /** Whether a last window may reach beyond the padding. Default false. */
  readonly ceil?: boolean | undefined;
}

/** Pixels that can be assumed: ÷ 255, or bytes. */
export type LikelyPixels = "scale" | "none";

export interface BuiltChain {
  readonly layers: readonly Layer[];
  /** What the file states about pixels (bytes): undefined if it states nothing. */
  readonly preprocessing: Preprocessing | undefined;
  /** Rows and columns of one image, and its channels if there are several, if the chain needs them. */
  readonly imageSizes: readonly number[] | undefined;
  /** As in a network. */
  readonly pixelOrder?: MapOrder | undefined;
  /** As in a network. */
  readonly likelyPixelOrder?: MapOrder | undefined;
}

/** What a reader of a format that describes layers returns. */
export interface DecodedChain extends BuiltChain {
  /** What the reader assumed, without the preprocessing. */
  readonly assumptions: readonly Assumption[];
  /** Activations that the file states; empty if the file states none, or the reader took them from the option. */
  readonly stated: readonly Activation[];
  /** Reason for the assumption of pixels ÷ 255, to follow its text. */
  readonly pixelsReason?: string | undefined;
  /** Pixels that are assumed instead of those ÷ 255. */
  readonly likelyPixels?: LikelyPixels | undefined;
  /** Names of the outputs, if the file states them. */
  readonly classNames?: readonly string[] | undefined;
  /** Bytes on disk, if there are more files than one. */
  readonly files?: readonly Uint8Array[];
}

/**
 * Assumptions about layers that the writer of a file of Batchwise had to make, and that its readers make again. Those about
 * pixels follow from the preprocessing.
 */
export function assumedBefore(
  path: string,
  assumed: readonly AssumptionSubject[],
  layers: readonly Layer[],
): Assumption[] {
  const source = basename(resolve(path));
  const [first, ...more] = layers;
  return assumed.flatMap((subject): Assumption[] => {
    if (subject === "architecture") {
      return [{ subject, what: "the layers that its writer assumed", source, option: null }];
    }
    // Pixels are an assumption of each reader.
    if (subject === "pixels") return [];
    if (subject !== "activation")
      return [{ subject, what: `${subject} that its writer assumed`, source, option: null }];
    if (first === undefined || more.length === 0) return [];
    return [{ subject, what: `${first.activation} between layers`, source, option: "--activation" }];
  });
}
