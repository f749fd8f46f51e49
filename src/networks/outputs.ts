/** Brings the outputs of a network into the order of a data set's labels. */
import type { Assumption } from "#src/base/assumptions.js";
import type { DenseLayer, Layer, Network } from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import { listed, printable } from "#src/base/text.js";

/** Score of a label that the network does not know: below every score that it can give, and finite in float32. */
const NEVER = -(2 ** 100);
/** Most outputs among which others are placed: weights of zeros for all of them take memory. Evaluations have no more. */
const MOST_OUTPUTS = 1024;
/** Largest preprocessed pixel: ((255 ÷ 255) + 10) ÷ 10⁻⁹, by the limits of mean and deviation. */
const LARGEST_PIXEL = 1.1e10;

/**
 * Moves output i to place `places[i]` of `count` outputs. A place without an output is never predicted. Of equal scores the first
 * label is predicted, so places in ascending order keep the rule of the file's framework.
 *
 * @throws NetworkError ERR_NETWORK_LAYER if the last layer is not a plain dense one, or can give a score as low as `NEVER`;
 *   ERR_NETWORK_OUTPUTS
 */
export function arrangeOutputs(
  path: string,
  layers: readonly Layer[],
  places: readonly number[],
  count: number,
): readonly Layer[] {
  if (count === places.length && places.every((place, output) => place === output)) return layers;
  const limit = Math.max(MOST_OUTPUTS, places.length);
  if (count > limit) throw new NetworkError("ERR_NETWORK_OUTPUTS", { path, found: count, limit });
  const last = layers.at(-1);
  const fault = (expected: string, found: string) =>
    new NetworkError("ERR_NETWORK_LAYER", { path, layer: "output", expected, found });
  if (last?.kind !== "dense" || last.activation !== "identity") {
    throw fault("a dense layer at the end, to match its outputs with labels", last?.kind ?? "none");
  }
  if (count > places.length && !(lowestOf(layers) > NEVER)) {
    throw fault(`scores above ${NEVER} for all pixels`, "weights that can give lower ones");
  }
  const moved = <T extends Float64Array>(values: Float64Array, out: T): T => {
    const rows = values.length / last.outputs;
    for (let row = 0; row < rows; row++) {
      for (const [output, place] of places.entries()) {
        out[row * count + place] = values[row * last.outputs + output]!;
      }
    }
    return out;
  };
  const shared = (length: number, value: number) =>
    new Float64Array(new SharedArrayBuffer(length * Float64Array.BYTES_PER_ELEMENT)).fill(value);
  const arranged: DenseLayer = {
    ...last,
    outputs: count,
    weights: moved(last.weights, shared(last.inputs * count, 0)),
    biases: moved(last.biases, shared(count, NEVER)),
  };
  return [...layers.slice(0, -1), arranged];
}

/** Bound below all scores: no activation gives a larger number than it gets, but for constants. */
function lowestOf(layers: readonly Layer[]): number {
  let largest = LARGEST_PIXEL;
  for (const layer of layers) {
    if (!("weights" in layer)) continue;
    const sums = Float64Array.from(layer.biases, Math.abs);
    for (let n = 0; n < layer.weights.length; n++)
      sums[n % sums.length]! += largest * Math.abs(layer.weights[n]!);
    largest = Math.max(1, ...sums);
  }
  return -largest;
}

/** @throws NetworkError ERR_NETWORK_SCORES if the outputs are scores, which no format that is written can state */
export function assertStatable({ name: path, layers }: Pick<Network, "name" | "layers">): void {
  if (layers.at(-1)?.ends === "scores") throw new NetworkError("ERR_NETWORK_SCORES", { path, use: "file" });
}

/** English words that are labels in data sets of digits. */
const WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/**
 * Returns the network with output k for label k, by the names of its outputs: by a data set's names of its classes, or else as
 * numbers if they are digits or the words zero to nine, which is an assumption.
 *
 * @throws NetworkError ERR_NETWORK_CLASSES if the names are neither; ERR_NETWORK_LAYER as `arrangeOutputs`
 */
export function matchOutputs<N extends Pick<Network, "name" | "classNames" | "assumptions">>(
  network: N,
  classNames: readonly string[] | undefined,
): N {
  const { name: path, classNames: own, assumptions = [] } = network;
  if (own === undefined || !hasLayers(network)) return network;
  const arranged = (places: readonly number[], count: number, more: readonly Assumption[]) => ({
    ...network,
    classNames: undefined,
    layers: arrangeOutputs(path, network.layers, places, count),
    assumptions: [...assumptions, ...more],
  });
  const named = own.map((name) => classNames?.indexOf(name) ?? -1);
  if (classNames !== undefined && !named.includes(-1)) return arranged(named, classNames.length, []);
  const numbers = own.map(labelNamed);
  if (numbers.includes(-1) || new Set(numbers).size < numbers.length) {
    throw new NetworkError("ERR_NETWORK_CLASSES", {
      path,
      found: listed(own.slice(0, MAX_LISTED).map((one) => `"${printable(one)}"`)),
      known: classNames === undefined ? undefined : classNames.map((one) => printable(one)),
    });
  }
  const [least, count] = [Math.min(...numbers), Math.max(...numbers) + 1];
  const nameOf = (label: number) => `"${printable(own[numbers.indexOf(label)] ?? "")}"`;
  const what = `classes ${nameOf(least)} to ${nameOf(count - 1)} as labels ${least} to ${count - 1}`;
  const option = "--classes";
  return arranged(numbers, count, [{ subject: "labels", what, source: path, option }]);
}

/** Most names that an error lists. */
const MAX_LISTED = 12;

function hasLayers<N>(network: N): network is N & Pick<Network, "layers"> {
  return typeof network === "object" && network !== null && "layers" in network;
}

/** −1 for another name. */
function labelNamed(name: string): number {
  return /^(0|[1-9]\d{0,4})$/.test(name) ? Number(name) : WORDS.indexOf(name.toLowerCase());
}
