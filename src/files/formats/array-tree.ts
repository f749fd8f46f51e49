/** Nested dicts and lists of arrays, as pickles and JSON have them, as one list of named arrays. */

import type { NamedArray } from "./arrays.js";

/** A value of a file. Lists of numbers are arrays already. */
export type ArrayTree =
  | { readonly kind: "dict"; readonly entries: ReadonlyMap<string, ArrayTree> }
  | { readonly kind: "list"; readonly items: readonly ArrayTree[] }
  /** `isNested`: made of nested lists, so that its first axis may count layers. */
  | { readonly kind: "array"; readonly array: NamedArray; readonly isNested?: boolean }
  | { readonly kind: "text"; readonly text: string }
  /** A value that no network needs. */
  | { readonly kind: "other" };

/** Content of a file: arrays, and the texts beside them, by the keys that lead to them: `layer1.W`, `weights.0`. */
export interface NamedContent {
  readonly arrays: Map<string, NamedArray>;
  readonly texts: Map<string, string>;
}

/** Most arrays and texts of a file. A network has two per layer. */
const MAX_NAMED = 4_096;
/** Most dicts and lists around an array. */
const MAX_DEPTH = 8;
const BIASES = /(^|\.)(b|bias|biases|intercepts?)_?$/i;

/**
 * Returns the arrays and texts of a tree by name, in order. `refuse` throws for a tree with too many of them, or with one name
 * twice: shared values can make a small file a large tree.
 */
export function namedContent(
  tree: ArrayTree,
  refuse: (expected: string, found: string) => never,
): NamedContent {
  const content: NamedContent = { arrays: new Map(), texts: new Map() };
  let visits = 0;
  const visit = (value: ArrayTree, name: string, depth: number): void => {
    visits += 1;
    if (visits > MAX_NAMED) refuse(`at most ${MAX_NAMED} values`, "more");
    if (depth > MAX_DEPTH) refuse(`at most ${MAX_DEPTH} dicts and lists around an array`, "more");
    const inner = (key: string | number) => (name === "" ? `${key}` : `${name}.${key}`);
    switch (value.kind) {
      case "dict":
        for (const [key, item] of value.entries) visit(item, inner(key), depth + 1);
        break;
      case "list":
        for (const [index, item] of value.items.entries()) visit(item, inner(index), depth + 1);
        break;
      case "array":
        if (value.isNested === true && countsLayers(name, value.array.shape)) {
          if (value.array.shape[0]! > MAX_NAMED) refuse(`at most ${MAX_NAMED} layers`, "more");
          visit({ kind: "list", items: slices(value.array) }, name, depth);
        } else if (content.arrays.has(name)) refuse("each name once", `"${name}" twice`);
        else content.arrays.set(name, value.array);
        break;
      case "text":
        content.texts.set(name, value.text);
        break;
      case "other":
        break;
    }
  };
  visit(tree, "", 0);
  return content;
}

/**
 * True for nested lists whose first axis counts layers. Layers of one size make a list of matrices look like one array of rank
 * 3, and a list of vectors like a matrix; but no weights of a layer have rank 3, and no biases have two long axes.
 */
function countsLayers(name: string, shape: readonly number[]): boolean {
  if (shape.length === 3) return true;
  return shape.length === 2 && !shape.includes(1) && BIASES.test(name);
}

function slices({ shape: [count = 0, ...shape], data }: NamedArray): ArrayTree[] {
  const length = shape.reduce((product, size) => product * size, 1);
  return Array.from({ length: count }, (_, index) => ({
    kind: "array",
    array: { shape, data: data.subarray(index * length, (index + 1) * length) },
    isNested: true,
  }));
}
