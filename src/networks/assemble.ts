/** Assembles a network from the arrays of a file: its layers, and what had to be assumed about them. */

import { inTurns } from "#src/base/abort.js";
import type { Assumption, AssumptionSubject } from "#src/base/assumptions.js";
import type { Activation, Activations, Layer, MapOrder, Preprocessing } from "#src/base/contracts/network.js";
import { atLeast, UsageError } from "#src/base/errors.js";
import { listed } from "#src/base/text.js";
import type { NamedArrays } from "#src/files/formats/arrays.js";
import { assumedBefore, type LikelyPixels } from "./chain-facts.js";
import { guessedBiases, statisticsIn } from "./layout.js";
import { planNetwork } from "./state-dict.js";
import { floatShapes, layersInSteps } from "./validate.js";

/** The activation that is assumed for arrays W1, b1 and so on, as the book's network has it. */
export const DEFAULT_ACTIVATION: Activation = "sigmoid";
/** The activation that is assumed for other arrays, and for PyTorch's state dicts: nearly all public ones have it. */
const OTHER_ACTIVATION: Activation = "relu";

/** Arrays of a file, and what it states about the network. */
export interface DecodedArrays {
  readonly arrays: NamedArrays;
  /** Activation of all hidden layers, or of each. */
  readonly activation?: Activations | undefined;
  /** Activation that the writer of such files is known for, if the file does not state it. */
  readonly likelyActivation?: Activation | undefined;
  readonly preprocessing?: Preprocessing | undefined;
  /** As in a chain. */
  readonly likelyPixels?: LikelyPixels | undefined;
  readonly imageSizes?: readonly number[] | undefined;
  /** As in a network. */
  readonly pixelOrder?: MapOrder | undefined;
  readonly likelyPixelOrder?: MapOrder | undefined;
  /** What the file's writer had to assume; empty if it assumed nothing. */
  readonly assumed: readonly AssumptionSubject[];
  /** What the reader chose of several networks in the file. */
  readonly chosen?: readonly Assumption[] | undefined;
  /** Whether the format states which axis of the weights are the inputs. */
  readonly isOriented: boolean;
}

/** Facts of a format that states only arrays. */
export const ARRAYS_ALONE = { assumed: [], isOriented: false } as const;

/** A network without its name. */
export interface Assembled {
  readonly layers: readonly Layer[];
  /** Undefined if the file does not state it. */
  readonly preprocessing: Preprocessing | undefined;
  readonly likelyPixels?: LikelyPixels | undefined;
  readonly imageSizes: readonly number[] | undefined;
  readonly pixelOrder?: MapOrder | undefined;
  readonly likelyPixelOrder?: MapOrder | undefined;
  /** Names of single numbers beside the layers that may have standardized the pixels. */
  readonly statistics: readonly string[];
  /** What neither the file nor an option states. */
  readonly assumptions: readonly Assumption[];
}

/**
 * Returns the network of these arrays. `source` is its name in assumptions.
 *
 * @throws NetworkError and UsageError as `loadNetwork`
 */
export async function assembled(
  path: string,
  source: string,
  decoded: DecodedArrays,
  options: { readonly activation?: Activations | undefined; readonly signal?: AbortSignal | undefined },
): Promise<Assembled> {
  const { arrays, assumed } = decoded;
  const book = await bookChain(path, source, arrays, options.activation);
  if (book !== undefined) return book;
  const { layers: plan, isOpen, isBook: isBookNamed } = planNetwork(path, floatShapes(arrays));
  const inFile = decoded.activation;
  // A list that is too short is of another network, or of something else.
  const said = typeof inFile === "object" && inFile.length < plan.length - 1 ? undefined : inFile;
  const isActivationStated = said !== undefined && !assumed.includes("activation");
  if (isActivationStated) checkActivation(path, said, options.activation);
  const assumedActivation = decoded.likelyActivation ?? (isBookNamed ? DEFAULT_ACTIVATION : OTHER_ACTIVATION);
  checkCount(options.activation, plan.length - 1);
  const activation = options.activation ?? said ?? assumedActivation;
  const layers = await inTurns(layersInSteps(path, arrays, activation), options.signal);
  const inherited = assumedBefore(path, assumed, layers).filter(({ subject }) => subject !== "activation");
  const assumptions: Assumption[] = [...(decoded.chosen ?? []), ...inherited];
  const guessed = guessedBiases(plan);
  if (guessed.length > 0) {
    assumptions.push({
      subject: "architecture",
      what: `${listed(guessed)} as biases`,
      source,
      option: "--architecture",
    });
  }
  if (layers.length > 1 && options.activation === undefined && !isActivationStated) {
    assumptions.push(activationAssumed(source, layers));
  }
  if (!decoded.isOriented && isOpen) {
    assumptions.push(
      orientationAssumed(
        source,
        plan.some(({ transposed }) => transposed),
      ),
    );
  }
  return {
    layers,
    imageSizes: decoded.imageSizes,
    pixelOrder: decoded.pixelOrder,
    likelyPixelOrder: decoded.likelyPixelOrder,
    preprocessing: decoded.preprocessing,
    likelyPixels: decoded.likelyPixels,
    statistics: statisticsIn(arrays),
    assumptions,
  };
}

/** A convolutional network of the book; undefined for other arrays. */
async function bookChain(
  path: string,
  source: string,
  arrays: NamedArrays,
  activation: Activations | undefined,
): Promise<Assembled | undefined> {
  if (arrays.get("W1")?.shape.length !== 4) return undefined;
  const found = (await import("./book.js")).bookNetwork(path, arrays, activation);
  if (found === undefined) return undefined;
  checkCount(activation, found.hidden);
  const { architecture, layers, preprocessing, imageSizes, pixelOrder } = found;
  const assumptions: Assumption[] = [
    { subject: "architecture", what: architecture, source, option: "--architecture" },
  ];
  if (activation === undefined) assumptions.push(activationAssumed(source, layers));
  return { layers, preprocessing, imageSizes, pixelOrder, statistics: [], assumptions };
}

function activationAssumed(source: string, layers: readonly Layer[]): Assumption {
  const [{ activation }] = atLeast(layers, 1);
  return { subject: "activation", what: `${activation} between layers`, source, option: "--activation" };
}

/** Assumption for weights whose shapes chain in both orientations: all are square, for example. */
function orientationAssumed(source: string, transposed: boolean): Assumption {
  const what = `weights (${transposed ? "outputs × inputs" : "inputs × outputs"})`;
  return { subject: "orientation", what, source, option: "--architecture" };
}

/** @throws UsageError ERR_OPTION_VALUE if a list has not one activation for each hidden layer */
export function checkCount(activation: Activations | undefined, layers: number): void {
  if (typeof activation !== "object" || activation.length === layers) return;
  const expected = `one activation for each of ${layers} hidden layers`;
  throw new UsageError("ERR_OPTION_VALUE", { option: "--activation", expected, found: `${activation}` });
}

/** @throws UsageError ERR_OPTION_VALUE if the option names another activation than the file */
export function checkActivation(
  path: string,
  inFile: Activations | undefined,
  option: Activations | undefined,
): void {
  if (option === undefined) return;
  const known = new Set(typeof inFile === "string" ? [inFile] : inFile);
  const given = new Set(typeof option === "string" ? [option] : option);
  const isSame =
    typeof option === "string" || typeof inFile === "string" || `${inFile}`.startsWith(`${option}`);
  if (known.size === 0 || (isSame && `${[...known].sort()}` === `${[...given].sort()}`)) return;
  const expected = `${[...known].join(", ")}, which ${path} names`;
  throw new UsageError("ERR_OPTION_VALUE", { option: "--activation", expected, found: `${option}` });
}
