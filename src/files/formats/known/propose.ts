/** Arrays with unknown names or layout → the NumPy arguments that name and turn them as W1, b1 …, where their shapes tell. */

import { printable } from "#src/base/text.js";
import type { Outline } from "#src/files/formats/pickle-outline.js";

export interface FoundArray {
  /** As Python writes it: `d['w1']`. */
  readonly expression: string;
  /** For messages, and for the numbers in it: `weights.0`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** NumPy's name of the elements' type, where it is known. */
  readonly dtype?: string | undefined;
}

/** A text that Python reads between single quotes as it stands, within the double quotes of a shell. */
const PLAIN_KEY = /^[\w .:/()+-]+$/;
/** More are no network of dense layers, and a line of them helps nobody. */
const MAX_ARRAYS = 64;
const MAX_DEPTH = 4;

/** The arrays of nested dicts, lists and tuples, in order. */
export function arraysIn(outline: Outline | undefined, expression = "d", name = ""): FoundArray[] {
  const depth = name.split(".").length;
  if (outline === undefined || depth > MAX_DEPTH) return [];
  const inner = (key: string) => (name === "" ? key : `${name}.${key}`);
  switch (outline.kind) {
    case "array":
    case "tensor":
      return outline.shape === undefined
        ? []
        : [{ expression, name, shape: outline.shape, ...("dtype" in outline && { dtype: outline.dtype }) }];
    case "dict":
      return [...outline.entries].flatMap(([key, value]) =>
        PLAIN_KEY.test(key) ? arraysIn(value, `${expression}['${key}']`, inner(key)) : [],
      );
    case "list":
    case "tuple":
      return outline.items
        .slice(0, MAX_ARRAYS)
        .flatMap((value, index) => arraysIn(value, `${expression}[${index}]`, inner(`${index}`)));
    default:
      return [];
  }
}

/**
 * `W1=d['w1'].T,b1=d['b1'].ravel()`: undefined where the arrays are no chain of dense layers, or chain in both
 * orientations, so that only their maker knows.
 *
 * @param wrap what makes an array of an expression, where it is none yet
 */
export function proposeArguments(
  arrays: readonly FoundArray[],
  wrap: (expression: string) => string = (expression) => expression,
): string | undefined {
  if (arrays.length > MAX_ARRAYS || arrays.some(({ shape }) => shape.length > 2)) return undefined;
  const isVector = ({ shape }: FoundArray) =>
    shape.length === 1 || (shape.length === 2 && (shape[0] === 1 || shape[1] === 1));
  const matrices = byNumber(arrays.filter((array) => array.shape.length === 2 && !isVector(array)));
  const vectors = byNumber(arrays.filter(isVector));
  const orientations = [false, true].filter((turned) => chains(matrices, vectors, turned));
  if (matrices.length === 0 || orientations.length !== 1) return undefined;
  const [turned] = orientations;
  const biases = biasesOf(matrices, vectors, turned) ?? [];
  const numbers = (array: FoundArray) =>
    `${wrap(array.expression)}${isReadable(array) ? "" : ".astype('f8')"}`;
  const parts = matrices.flatMap((matrix, index) => {
    const bias = biases[index];
    return [
      `W${index + 1}=${numbers(matrix)}${turned ? ".T" : ""}`,
      `b${index + 1}=${bias === undefined ? `np.zeros(${matrix.shape[turned ? 0 : 1]})` : `${numbers(bias)}.ravel()`}`,
    ];
  });
  return parts.join(",");
}

/** f2, f4 and f8 are; an unknown type is taken for one. */
function isReadable({ dtype }: FoundArray): boolean {
  return dtype === undefined || /^[<>|=]?f[248]$/.test(dtype);
}

/** Names of numbers that pixels are standardized with. */
const STATISTIC = /mean|std|sigma|norm|(^|[._])mu$|var(iance)?$/i;
/** Sizes of the layers, which their shapes state; the cost and the length of the training, which change no answer. */
const KNOWN_OTHERWISE = /(sizes?|cost|loss|epochs?)$/i;
const MOST_NAMED = 6;

/**
 * What stands behind a command that writes the layers alone: the arrays and numbers that it leaves out, so that none gets
 * lost without a word.
 */
export function leftOutNote(
  arrays: readonly FoundArray[],
  proposal: string,
  outline?: Outline | undefined,
): string {
  const isLeft = ({ expression, name }: Pick<FoundArray, "expression" | "name">) =>
    !proposal.includes(expression) && !KNOWN_OTHERWISE.test(name);
  const left = outline === undefined ? arrays.filter(isLeft) : entriesIn(outline, proposal).filter(isLeft);
  if (left.length === 0) return "";
  const isWide = arrays.some((array) => isLeft(array) && STATISTIC.test(array.name) && lengthOf(array) > 1);
  const advice = isWide
    ? "; numbers for each pixel are no option: where the training used them, write W1 / std[:, None] and b1 - (mean / std) @ W1 instead"
    : "; where the training used them, give them as --mean and --std, of pixels ÷ 255";
  const names = left.slice(0, MOST_NAMED).map(({ name }) => printable(name));
  return `; this leaves out ${names.join(", ")}${left.length > MOST_NAMED ? " and more" : ""}${left.some(({ name }) => STATISTIC.test(name)) ? advice : ""}`;
}

/** Entries of dicts and lists of which a command uses nothing, whatever they hold; others are looked into. */
function entriesIn(
  outline: Outline,
  proposal: string,
  expression = "d",
  name = "",
): Pick<FoundArray, "expression" | "name">[] {
  if (!proposal.includes(expression)) return [{ expression, name }];
  const inner = (key: string) => (name === "" ? key : `${name}.${key}`);
  switch (outline.kind) {
    case "dict":
      return [...outline.entries].flatMap(([key, value]) =>
        entriesIn(value, proposal, `${expression}['${key}']`, inner(key)),
      );
    case "list":
    case "tuple":
      return outline.items.flatMap((value, index) =>
        entriesIn(value, proposal, `${expression}[${index}]`, inner(`${index}`)),
      );
    default:
      return [];
  }
}

/** What stands before a command that turns weights. */
export function orientationNote(proposal: string | undefined): string {
  return proposal?.includes(".T,") ? "its weights are (outputs, inputs): " : "";
}

/** Whether all are (inputs × outputs), or turned, and each has its bias, or none has one. */
function chains(matrices: readonly FoundArray[], vectors: readonly FoundArray[], turned: boolean): boolean {
  const sides = matrices.map(({ shape: [a, b] }) => (turned ? [b, a] : [a, b]));
  return (
    sides.every(([inputs], index) => index === 0 || sides[index - 1][1] === inputs) &&
    biasesOf(matrices, vectors, turned) !== undefined &&
    // A classifier of images reads more than it answers; this decides for one layer without a bias.
    (sides.at(0)?.[0] ?? 0) >= (sides.at(-1)?.[1] ?? 0)
  );
}

/**
 * In order, each of its layer's length. Vectors of other lengths, as sizes are, are left out; one that is left and could be
 * a bias (a scale, a moving mean) makes it undefined. None, or all.
 */
function biasesOf(
  matrices: readonly FoundArray[],
  vectors: readonly FoundArray[],
  turned: boolean,
): FoundArray[] | undefined {
  const left = [...vectors];
  const biases: FoundArray[] = [];
  for (const { shape } of matrices) {
    const outputs = turned ? shape[0] : shape[1];
    const at = left.findIndex((vector) => lengthOf(vector) === outputs);
    if (at >= 0) biases.push(...left.splice(at, 1));
  }
  const lengths = new Set(matrices.map(({ shape }) => shape[turned ? 0 : 1]));
  if (left.some((vector) => lengths.has(lengthOf(vector)))) return undefined;
  return biases.length === matrices.length || vectors.length === 0 ? biases : undefined;
}

/** By the numbers in their names, where no two have the same; those without, as sizes are, stand last. */
function byNumber(arrays: readonly FoundArray[]): readonly FoundArray[] {
  const keyed = arrays.map((array) => ({ array, key: numbersIn(array.name) }));
  const numbered = keyed.filter(({ key }) => key.length > 0);
  if (new Set(numbered.map(({ key }) => key.join())).size !== numbered.length) return arrays;
  const others = keyed.filter(({ key }) => key.length === 0);
  return [...numbered.sort((a, b) => compare(a.key, b.key)), ...others].map(({ array }) => array);
}

function lengthOf({ shape }: FoundArray): number {
  return shape.reduce((product, size) => product * size, 1);
}

function numbersIn(name: string): number[] {
  return Array.from(name.matchAll(/\d+/g), ([digits]) => Number(digits));
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((number, index) => number !== b[index]);
  return at < 0 ? a.length - b.length : a[at] - (b[at] ?? -1);
}
