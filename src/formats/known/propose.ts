/** Arrays with unknown names or layout → the NumPy arguments that name and turn them as W1, b1 …, where their shapes tell. */
import type { Outline } from "../pickle-outline.js";

export interface FoundArray {
  /** As Python writes it: `d['w1']`. */
  readonly expression: string;
  /** For messages, and for the numbers in it: `weights.0`. */
  readonly name: string;
  readonly shape: readonly number[];
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
      return outline.shape === undefined ? [] : [{ expression, name, shape: outline.shape }];
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
  if (arrays.length > MAX_ARRAYS) return undefined;
  const isVector = ({ shape }: FoundArray) =>
    shape.length === 1 || (shape.length === 2 && (shape[0] === 1 || shape[1] === 1));
  const matrices = byNumber(arrays.filter((array) => array.shape.length === 2 && !isVector(array)));
  const vectors = byNumber(arrays.filter(isVector));
  const orientations = [false, true].filter((turned) => chains(matrices, vectors, turned));
  if (matrices.length === 0 || orientations.length !== 1) return undefined;
  const [turned] = orientations;
  const biases = biasesOf(matrices, vectors, turned) ?? [];
  const parts = matrices.flatMap(({ expression, shape }, index) => {
    const bias = biases[index];
    return [
      `W${index + 1}=${wrap(expression)}${turned ? ".T" : ""}`,
      `b${index + 1}=${bias === undefined ? `np.zeros(${turned ? shape[0] : shape[1]})` : `${wrap(bias.expression)}.ravel()`}`,
    ];
  });
  return parts.join(",");
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

/** In order, each of its layer's length; vectors of other lengths (sizes, statistics) are left out. None, or all. */
function biasesOf(
  matrices: readonly FoundArray[],
  vectors: readonly FoundArray[],
  turned: boolean,
): FoundArray[] | undefined {
  const left = [...vectors];
  const biases: FoundArray[] = [];
  for (const { shape } of matrices) {
    const outputs = turned ? shape[0] : shape[1];
    const at = left.findIndex(
      (vector) => vector.shape.reduce((product, size) => product * size, 1) === outputs,
    );
    if (at >= 0) biases.push(...left.splice(0, at + 1).slice(-1));
  }
  return biases.length === matrices.length || vectors.length === 0 ? biases : undefined;
}

/** By the numbers in their names, where each has some and no two have the same; else as they stand. */
function byNumber(arrays: readonly FoundArray[]): readonly FoundArray[] {
  const keyed = arrays.map((array) => ({ array, key: numbersIn(array.name) }));
  const keys = new Set(keyed.map(({ key }) => key.join()));
  if (keys.size !== arrays.length || keys.has("")) return arrays;
  return keyed.sort((a, b) => compare(a.key, b.key)).map(({ array }) => array);
}

function numbersIn(name: string): number[] {
  return Array.from(name.matchAll(/\d+/g), ([digits]) => Number(digits));
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((number, index) => number !== b[index]);
  return at < 0 ? a.length - b.length : a[at] - (b[at] ?? -1);
}
