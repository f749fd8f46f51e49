/** Plans dense layers from arrays of any names: their shapes decide order, orientation and biases. */

import type { NamedArrays } from "#src/files/formats/arrays.js";
import { chains, type LayerPlan, orderByShape, type Shapes } from "./chain.js";

/** Layers that were found by shapes. */
export interface Layout {
  readonly layers: LayerPlan[];
  /** Whether the shapes chain as (inputs × outputs) and as (outputs × inputs). */
  readonly isOpen: boolean;
}

interface Shaped {
  readonly name: string;
  readonly shape: readonly number[];
}

interface Matrix extends Shaped {
  readonly inputs: number;
  readonly outputs: number;
}

/** Most arrays. Real networks have two per layer; more take time proportional to the square. */
const MAX_ARRAYS = 2_000;
/** Words for weights and biases, not part of a longer word. The last one in a name decides: `weights.b1` is a bias. */
const ROLE = /(?<![a-z])(?:w|weights?|kernels?|coefs?|b|bias|biases|intercepts?)(?![a-z])/gi;
/** Names of numbers that change what a layer computes, or that belong to the training: no layers are guessed beside them. */
const OTHER_PARTS = /gamma|beta|scale|running|moment|norm|alpha|slope|grad|(^|[._])d[wb]\d/i;
/** Names of the training's histories, which may be as long as a layer is wide. */
const HISTORY = /loss|accuracy|(^|[._])accs?($|[._\d])|_accs?$|history|costs?$|errors?$|epochs?$/i;
/** Names of numbers that standardize pixels. */
export const STATISTIC = /mean|std|sigma|norm|(^|[._])mu$|var(iance)?$/i;

/**
 * Returns the layers whose shapes chain in one orientation, or in both. Each has a bias, or none has one. The order is that of
 * the shapes; if several orders chain, that of the numbers in the names. Undefined for arrays that are not dense layers, or
 * beside which an array is left that a layer could need.
 *
 * @param favoured orientation if the shapes chain in both: true for (outputs × inputs)
 */
export function layoutByShapes(shapes: Shapes, favoured: boolean): Layout | undefined {
  const arrays = [...shapes].map(([name, shape]) => ({ name, shape }));
  if (arrays.length > MAX_ARRAYS || arrays.some(isOtherPart)) return undefined;
  const weights: Shaped[] = [];
  const vectors: Shaped[] = [];
  for (const array of arrays) {
    const kind = kindOf(array);
    if (kind === "unknown") return undefined;
    if (kind === "weights") weights.push(array);
    if (kind === "vector" && !HISTORY.test(array.name)) vectors.push(array);
  }
  if (hasGap(weights, arrays)) return undefined;
  const fits = [false, true].flatMap((transposed) => {
    const layers = layersOf(weights, vectors, transposed);
    return layers === undefined ? [] : [{ transposed, layers }];
  });
  // A classifier of images has more inputs than outputs. This decides for layers without biases.
  const likely = fits.filter(({ layers }) => layers[0]!.inputs >= layers.at(-1)!.outputs);
  const found = fits.length > 1 ? likely : fits;
  const chosen = found.find(({ transposed }) => transposed === favoured) ?? found[0];
  return chosen && { layers: chosen.layers, isOpen: found.length > 1 };
}

function isOtherPart({ name, shape }: Shaped): boolean {
  return lengthOf(shape) > 1 && OTHER_PARTS.test(name);
}

/** `number`: a single one, which is no array of a layer unless it is a bias. */
function kindOf({ name, shape }: Shaped): "weights" | "vector" | "number" | "unknown" {
  const role = Array.from(name.matchAll(ROLE), ([word]) => (/^[bi]/i.test(word) ? "biases" : "weights")).at(
    -1,
  );
  const long = shape.filter((size) => size !== 1).length;
  if (shape.includes(0) || shape.length > 2) return "unknown";
  if (role === "weights") return shape.length === 2 ? "weights" : shape.length === 0 ? "number" : "unknown";
  if (long === 2) return role === "biases" ? "unknown" : "weights";
  return long === 0 && role === undefined ? "number" : "vector";
}

function layersOf(
  weights: readonly Shaped[],
  vectors: readonly Shaped[],
  transposed: boolean,
): LayerPlan[] | undefined {
  const matrices = weights.map(({ name, shape: [a = 0, b = 0], shape }): Matrix => {
    return { name, shape, inputs: transposed ? b : a, outputs: transposed ? a : b };
  });
  const byShape = orderByShape(matrices);
  const ordered = byShape === "several" ? byNumbers(matrices) : byShape;
  if (ordered === undefined || ordered === "none" || ordered.length === 0 || !chains(ordered))
    return undefined;
  const biases = biasesOf(ordered, vectors);
  if (biases === undefined) return undefined;
  return ordered.map(({ name, inputs, outputs }) => ({
    inputs,
    outputs,
    weights: name,
    transposed,
    biases: biases.get(name),
  }));
}

/**
 * Returns the bias of each layer by the name of its weights, or none. Layers with as many units are paired by the numbers in
 * the names. Undefined if a vector is left that a layer could need: a scale, a moving mean.
 */
function biasesOf(layers: readonly Matrix[], vectors: readonly Shaped[]): Map<string, string> | undefined {
  const biases = new Map<string, string>();
  const widths = new Set(layers.flatMap(({ inputs, outputs }) => [inputs, outputs]));
  if (vectors.some(({ name, shape }) => STATISTIC.test(name) && lengthOf(shape) > 1)) return undefined;
  const candidates = vectors.filter(({ shape }) => widths.has(lengthOf(shape)));
  if (candidates.length === 0)
    return vectors.some(({ name }) => ROLE_OF_BIASES.test(name)) ? undefined : biases;
  if (candidates.length !== layers.length) return undefined;
  for (const width of new Set(layers.map(({ outputs }) => outputs))) {
    const wide = layers.filter(({ outputs }) => outputs === width);
    const fitting = candidates.filter(({ shape }) => lengthOf(shape) === width);
    if (fitting.length !== wide.length) return undefined;
    const [first, second] = wide.length === 1 ? [wide, fitting] : [byNumbers(wide), byNumbers(fitting)];
    if (first === undefined || second === undefined) return undefined;
    for (const [index, { name }] of first.entries()) biases.set(name, second[index]!.name);
  }
  return biases;
}

/** Names of vectors that are the biases by nothing but their shapes: neither a word for biases nor a place in a list. */
export function guessedBiases(layers: readonly LayerPlan[]): string[] {
  return layers.flatMap(({ biases }) =>
    biases === undefined || BIASES.test(biases) || PLACE.test(biases) ? [] : [biases],
  );
}

const BIASES = /(?<![a-z])(?:b|bias|biases|intercepts?)(?![a-z])|bias/i;
/** Places in lists, and the names that numpy.savez gives to arrays without names. */
const PLACE = /^(arr_)?[\d.]+$/;
const ROLE_OF_BIASES = /(?<![a-z])(?:b|bias|biases)(?![a-z])/i;

function lengthOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Sorts names that differ only in their numbers, ascending. Undefined for other names. */
export function byNumbers<T extends { readonly name: string }>(named: readonly T[]): T[] | undefined {
  const skeletons = new Set(named.map(({ name }) => name.replace(/\d+/g, "#")));
  const numbered = named.map((one) => ({
    one,
    numbers: Array.from(one.name.matchAll(/\d+/g), ([digits]) => Number(digits)),
  }));
  numbered.sort((a, b) => compare(a.numbers, b.numbers));
  const isDistinct = numbered.every(
    ({ numbers }, index) => index === 0 || compare(numbered[index - 1]!.numbers, numbers) !== 0,
  );
  return skeletons.size === 1 && isDistinct ? numbered.map(({ one }) => one) : undefined;
}

/** True if a number is left out of W1, W2 …: the file may be without a layer. PyTorch counts modules, not layers. */
function hasGap(weights: readonly Shaped[], arrays: readonly Shaped[]): boolean {
  const stems = new Set(weights.flatMap(({ name }) => /^(\D+)\d+$/.exec(name)?.[1] ?? []));
  return [...stems].some((stem) => {
    const numbers = arrays.flatMap(({ name }) => {
      const digits = name.startsWith(stem) ? name.slice(stem.length) : "";
      return /^\d+$/.test(digits) ? [Number(digits)] : [];
    });
    numbers.sort((a, b) => a - b);
    return numbers.some((number, index) => (index === 0 ? number > 1 : number !== numbers[index - 1]! + 1));
  });
}

/** Compares names by the first number that differs. */
function compare(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((number, at) => number !== b[at]);
  return index < 0 ? 0 : a[index]! - b[index]!;
}

/** Names of lists of the layers' widths. */
const SIZES = /(sizes?|layers?|dims?|dimensions|shapes?|arch|architecture|topology|structure|units)$/i;

/**
 * Returns the name of an array beside the layers that contradicts them: sizes that the weights do not have, or whole numbers
 * that could be biases. Undefined if there is none. Other arrays beside the layers change nothing that they compute.
 */
export function contradiction(layers: readonly LayerPlan[], arrays: NamedArrays): string | undefined {
  const used = new Set(layers.flatMap(({ weights, biases }) => [weights, biases]));
  const widths = [layers[0]!.inputs, ...layers.map(({ outputs }) => outputs)];
  const known = `,${widths},`;
  for (const [name, array] of arrays) {
    const isSizes = SIZES.test(name);
    if (used.has(name) || lengthOf(array.shape) < 2 || (array.isWhole !== true && !isSizes)) continue;
    const couldBeBiases = !isSizes && widths.includes(lengthOf(array.shape));
    if ((isSizes && !known.includes(`,${[...array.data]},`)) || couldBeBiases) return name;
  }
  return undefined;
}

/** Names of single numbers that may have standardized the pixels of the training: `mean`, `std`. */
export function statisticsIn(arrays: NamedArrays): string[] {
  return [...arrays].flatMap(([name, { shape }]) =>
    shape.every((size) => size === 1) && STATISTIC.test(name) ? [name] : [],
  );
}
