/** Proposes NumPy arguments that name and orient arrays as W1, b1 …, if their shapes determine it. */

import { atLeast } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import type { Outline } from "#src/files/formats/pickle-outline.js";

export interface FoundArray {
  /** Python expression: `d['w1']`. */
  readonly expression: string;
  /** Name for messages, and for the numbers in it: `weights.0`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** NumPy's name of the elements' type, if known. */
  readonly dtype?: string | undefined;
}

/** Text that needs no escapes in single quotes of Python within double quotes of a shell. */
const PLAIN_KEY = /^[\w .:/()+-]+$/;
/** Most arrays in a proposal. A longer line would not help. */
const MAX_ARRAYS = 64;
const MAX_DEPTH = 4;

/** Returns the arrays of nested dicts, lists and tuples, in order. */
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
 * Returns arguments such as `W1=d['w1'].T,b1=d['b1'].ravel()`. Undefined if the arrays are not a chain of dense layers, or chain
 * in both orientations, so that only their maker knows.
 *
 * @param wrap makes an expression an array if it is not one yet
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
  const [turned] = atLeast(orientations, 1);
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

/** True for f2, f4 and f8, and for an unknown type. */
function isReadable({ dtype }: FoundArray): boolean {
  return dtype === undefined || /^[<>|=]?f[248]$/.test(dtype);
}

/** Names of numbers that standardize pixels. */
const STATISTIC = /mean|std|sigma|norm|(^|[._])mu$|var(iance)?$/i;
/** Names that may be left out: sizes of layers, which the shapes state, and facts of the training. */
const KNOWN_OTHERWISE = /(sizes?|cost|loss|epochs?)$/i;
const MOST_NAMED = 6;

const WHOLE_NUMBERS = /^[<>|=]?[iu]\d/;

/** Note after a command that writes only the layers: what it leaves out, and whole numbers, which may need scales. */
export function leftOutNote(
  arrays: readonly FoundArray[],
  proposal: string,
  outline?: Outline | undefined,
): string {
  const isWhole = ({ expression, dtype = "" }: FoundArray) =>
    proposal.includes(expression) && WHOLE_NUMBERS.test(dtype);
  const whole = arrays.some(isWhole)
    ? "; its weights are whole numbers: multiply quantized ones by their scales"
    : "";
  return whole + leftOut(arrays, proposal, outline);
}

/** Names the arrays and numbers that the command leaves out. */
function leftOut(arrays: readonly FoundArray[], proposal: string, outline?: Outline | undefined): string {
  const isLeft = ({ expression, name }: Pick<FoundArray, "expression" | "name">) =>
    !proposal.includes(expression) && !KNOWN_OTHERWISE.test(name);
  const left = outline === undefined ? arrays.filter(isLeft) : entriesIn(outline, proposal).filter(isLeft);
  if (left.length === 0) return "";
  const isWide = arrays.some((array) => isLeft(array) && STATISTIC.test(array.name) && lengthOf(array) > 1);
  const advice = isWide
    ? "; no option takes one number per pixel: if the training used such numbers, write W1 / std[:, None] and b1 - (mean / std) @ W1 instead"
    : "; if the training used them, give them as --mean and --std, of pixels ÷ 255";
  const names = left.slice(0, MOST_NAMED).map(({ name }) => printable(name));
  return `; this leaves out ${names.join(", ")}${left.length > MOST_NAMED ? " and more" : ""}${left.some(({ name }) => STATISTIC.test(name)) ? advice : ""}`;
}

/** Collects the entries of dicts and lists that a command does not use. Partly used entries are searched too. */
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

/** Note before a command that transposes weights. */
export function orientationNote(proposal: string | undefined): string {
  return proposal?.includes(".T,") ? "its weights are (outputs, inputs): " : "";
}

/** Checks that all weights have one orientation, and that each has a bias or none has one. */
function chains(matrices: readonly FoundArray[], vectors: readonly FoundArray[], turned: boolean): boolean {
  const sides = matrices.map(({ shape: [a, b] }) => (turned ? [b, a] : [a, b]));
  return (
    sides.every(([inputs], index) => index === 0 || sides[index - 1]![1] === inputs) &&
    biasesOf(matrices, vectors, turned) !== undefined &&
    // A classifier of images has more inputs than outputs. This decides for one layer without a bias.
    (sides.at(0)?.[0] ?? 0) >= (sides.at(-1)?.[1] ?? 0)
  );
}

/**
 * Returns the biases in order, each of its layer's length, or none. Vectors of other lengths, such as sizes, are left out. A
 * further vector that could be a bias (a scale, a moving mean) makes the answer undefined.
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

/** Sorts by the numbers in names if all differ. Arrays without a number, such as sizes, come last. */
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
  return at < 0 ? a.length - b.length : a[at]! - (b[at] ?? -1);
}
