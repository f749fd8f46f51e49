/** Known files of NumPy whose names, types or layouts are not read, as weights and as images. */
import { printable } from "#src/base/text.js";
import type { FileHead, NpyOutline } from "./file-head.js";
import { EXPORT_ONNX, otherLayers } from "./keras-files.js";
import {
  type Candidate,
  exportedSet,
  type KnownFile,
  labelsCheck,
  pixelBytes,
  pixelsCheck,
  python,
} from "./known-file.js";
import { type FoundArray, handMade } from "./pickle-files.js";

const PLAIN_NAME = /^[\w .:/()+-]+$/;
const isArchive = ({ names, arrays }: FileHead) => names.length > 0 && arrays.size > 0;
const isSingle = ({ arrays }: FileHead) => arrays.has("");

/** Names of images, the likeliest first: `x_test`, `test_images` (MedMNIST), `X`, `arr_0`. */
const IMAGE_NAME = /^(x|img|imgs|image|images|data|arr_0|pixels|features)$/i;
const LABEL_NAME = /^(y|t|label|labels|target|targets|arr_1|class|classes)$/i;
const SPLIT_WORD = { test: /test|t10k/i, train: /train/i } as const;

interface FoundSet {
  readonly images: readonly [string, NpyOutline];
  readonly labels: readonly [string, NpyOutline] | undefined;
}

/** Finds images, of rank 3 or 4, or 2 if they are flat, and labels of the same number. */
function setIn(arrays: ReadonlyMap<string, NpyOutline>, split: "test" | "train"): FoundSet | undefined {
  const mentions = (name: string) => SPLIT_WORD[split].test(name);
  const stem = (name: string) => name.replace(/[_-]?(test|t10k|train|val)[_-]?/gi, "");
  const named = [...arrays].filter(([name]) => PLAIN_NAME.test(name));
  const other = split === "test" ? "train" : "test";
  const images = named
    .filter(([name, { shape }]) => shape.length >= 2 && shape.length <= 4 && IMAGE_NAME.test(stem(name)))
    .filter(([name]) => mentions(name) || !SPLIT_WORD[other].test(name))
    .sort(([a], [b]) => Number(mentions(b)) - Number(mentions(a)))
    .at(0);
  if (images === undefined) return undefined;
  const total = images[1].shape[0];
  const labels = named
    .filter(([name, { shape }]) => shape[0] === total && LABEL_NAME.test(stem(name)) && name !== images[0])
    .sort(([a], [b]) => Number(mentions(b)) - Number(mentions(a)))
    .at(0);
  return { images, labels };
}

/** Expression for images as u8 of shape (N, rows, columns), from what NumPy's header states. */
function imagesCode(expression: string, { descr, shape }: NpyOutline): string | undefined {
  const kind = descr.replace(/^[<>|=]/, "").charAt(0);
  const sides = shapeOfImages(shape);
  if (sides === undefined) return undefined;
  const numbers =
    kind === "b"
      ? `${expression}.astype('u1')*255`
      : kind === "f"
        ? pixelBytes(expression)
        : `${expression}.astype('u1')`;
  return `np.ascontiguousarray((${numbers}).reshape(-1,${sides.join(",")}))`;
}

/** Empty for bytes and booleans, which are pixels already. */
function checkOf(expression: string, { descr }: NpyOutline): string {
  return /^[|<>=]?(u1|b1)$/.test(descr) ? "" : pixelsCheck(expression);
}

/** Rows and columns of (N, R, C), (N, R, C, 1), (N, 1, R, C) and (N, R²). */
function shapeOfImages(shape: readonly number[]): readonly [number, number] | undefined {
  const [, a = 0, b = 0, c = 0] = shape;
  if (shape.length === 3) return [a, b];
  if (shape.length === 4 && c === 1) return [a, b];
  if (shape.length === 4 && a === 1) return [b, c];
  const side = Math.sqrt(a);
  return shape.length === 2 && Number.isInteger(side) ? [side, side] : undefined;
}

/** Expression for labels as whole numbers (N,), from (N, 1), from one column per class, or from floats. */
function labelsCode(expression: string, { shape }: NpyOutline): string {
  const flat = shape.length === 2 && shape[1]! > 1 ? `${expression}.argmax(1)` : `${expression}.ravel()`;
  return `${flat}.astype('i8')`;
}

/** Stops at columns that are not one per class, and at floats that are no classes. */
function labelsCheckOf(expression: string, { descr, shape }: NpyOutline): string {
  if (shape.length === 2 && shape[1]! > 1)
    return `; assert abs(${expression}.sum(1)-1).max()<.001,'labels are not one column per class'`;
  return /^[<>=]?f/.test(descr) ? labelsCheck(expression) : "";
}

const text = ({ descr, shape, fortranOrder }: NpyOutline) =>
  `${printable(descr)} (${shape.join(", ")}${shape.length === 1 ? "," : ""})${fortranOrder ? " in Fortran order" : ""}`;
const listOf = (arrays: ReadonlyMap<string, NpyOutline>) =>
  [...arrays]
    .slice(0, 6)
    .map(([name, array]) => `${printable(name)} ${text(array)}`)
    .join(", ") + (arrays.size > 6 ? ` and ${arrays.size - 6} more` : "");

/** True for names that end like those of layers. Images have other names. */
const looksLikeWeights = ({ arrays }: FileHead) =>
  [...arrays].some(([name, { shape }]) => /weight|bias|^w_?\d+$|kernel/i.test(name) && shape.length === 2) &&
  setIn(arrays, "test") === undefined;

/** State dict of layers that are not read, in a .npz or in safetensors. */
const otherStateDict: KnownFile = {
  name: "a state dict",
  recognizes: (head) =>
    otherLayers(shapesOf(head)) !== undefined &&
    [...shapesOf(head).keys()].some((name) => /weight$/.test(name)),
  describe: ({ head }) => `a state dict with ${otherLayers(shapesOf(head))}`,
  nextStep: ({ use }) =>
    use === "images" ? "this is a network, not images: give it to --weights" : EXPORT_ONNX,
};

function shapesOf({ arrays, content }: FileHead): ReadonlyMap<string, readonly number[]> {
  if (arrays.size > 0) return new Map([...arrays].map(([name, { shape }]) => [name, shape]));
  return safetensorsShapes(content);
}

/** Header of safetensors: a u64 with its length, then JSON (github.com/huggingface/safetensors#format). */
function safetensorsShapes(content: Uint8Array): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  if (content.length < 9 || content[8] !== 0x7b) return shapes;
  const length = Number(Buffer.from(content.subarray(0, 8)).readBigUInt64LE());
  if (length > content.length - 8) return shapes;
  const text = Buffer.from(content.subarray(8, 8 + length)).toString("utf8");
  for (const [, name = "", shape = ""] of text.matchAll(
    /"([^"\\]+)"\s*:\s*\{[^{}]*"shape"\s*:\s*\[([\d,\s]*)\]/g,
  )) {
    shapes.set(
      name,
      Array.from(shape.matchAll(/\d+/g), ([digits]) => Number(digits)),
    );
  }
  return shapes;
}

const networkArchive: KnownFile = {
  name: "a .npz of weights",
  recognizes: (head) => isArchive(head) && looksLikeWeights(head),
  describe: ({ head }) => `a .npz of weights: ${listOf(head.arrays)}`,
  nextStep: ({ head, use }) =>
    use === "images"
      ? "this is a network, not images: give it to --weights"
      : handMade(foundArrays(head.arrays)),
};

const setArchive: KnownFile = {
  name: "a .npz of images",
  recognizes: (head) =>
    isArchive(head) &&
    (setIn(head.arrays, "test") ?? setIn(head.arrays, "train")) !== undefined &&
    !(isChain(head) && isUnnamed(head)),
  describe: ({ head }) => `a .npz of ${listOf(head.arrays)}`,
  nextStep: (file) => {
    const { head, path, use, split } = file;
    if (use === "weights")
      return "these are images, not weights: give them to --dataset, and the network to --weights";
    const set = setIn(head.arrays, split);
    if (set === undefined) return "it has no arrays of this split: choose the other with --split";
    const [name, array] = set.images;
    const images = imagesCode(`d['${name}']`, array);
    if (images === undefined)
      return "images have one channel here: save them as u1 (images, rows, columns), as x_test, with y_test";
    if (set.labels === undefined) {
      return withLabels(file, `import numpy as np; d=np.load(FILE)${checkOf(`d['${name}']`, array)}`, images);
    }
    const y = `d['${set.labels[0]}']`;
    const check = checkOf(`d['${name}']`, array) + labelsCheckOf(y, set.labels[1]);
    const labels = labelsCode(y, set.labels[1]);
    return exportedSet(
      path,
      `import numpy as np; d=np.load(FILE)${check}; np.savez('out.npz',x_${split}=${images},y_${split}=${labels})`,
    );
  },
};

/**
 * True for matrices with vectors of one of their sides: they are layers, whatever their names (`arr_0`, `arr_1` …). The
 * longest side is that of the pixels, so a vector as long holds labels.
 */
function isChain({ arrays }: FileHead): boolean {
  const shapes = [...arrays.values()].map(({ shape }) => shape);
  const matrices = shapes.filter(({ length }) => length === 2);
  const vectors = shapes.filter(({ length }) => length === 1);
  const longest = Math.max(...matrices.flat());
  return (
    matrices.length > 0 &&
    vectors.length > 0 &&
    matrices.length + vectors.length === shapes.length &&
    vectors.every(([size = 0]) => size < longest && matrices.some((matrix) => matrix.includes(size)))
  );
}

/** Names that np.savez gives to arrays without one. */
const isUnnamed = ({ arrays }: FileHead) => [...arrays.keys()].every((name) => /^arr_\d+$/.test(name));

const otherArchive: KnownFile = {
  name: "a .npz of other arrays",
  recognizes: isArchive,
  describe: ({ head }) => `a .npz of ${listOf(head.arrays)}`,
  nextStep: ({ head, path, use, split }) => {
    if (use === "weights") return handMade(foundArrays(head.arrays));
    return isChain(head) ? "this looks like a network: give it to --weights" : ownNames(path, split);
  },
};

const ownNames = (path: string, split: string) =>
  exportedSet(
    path,
    `import numpy as np; d=np.load(FILE); np.savez('out.npz',x_${split}=d['IMAGES'],y_${split}=d['LABELS'])`,
  );

const foundArrays = (arrays: ReadonlyMap<string, NpyOutline>): FoundArray[] =>
  [...arrays].map(([name, { shape, descr }]) => ({ name, shape, dtype: descr }));

/** Expression for labels in a file of their own, a .npy or a .npz with one array; LABELS if no file was named. */
function withLabels({ path, split, labels }: Candidate, load: string, images: string): string {
  const known = labels !== undefined && PLAIN_NAME.test(labels) ? labels : "LABELS";
  const code = `${load}; y=np.load('${known}'); y=y[y.files[0]] if hasattr(y,'files') else y; np.savez('out.npz',x_${split}=${images},y_${split}=y.ravel())`;
  return `run ${python(path, code)}${known === "LABELS" ? " with your file of labels for LABELS" : ""} and give --dataset out.npz alone`;
}

const singleArray: KnownFile = {
  name: "a single NumPy array (.npy)",
  recognizes: isSingle,
  describe: ({ head }) => `a single NumPy array (.npy), ${text(head.arrays.get("") ?? NOTHING)}`,
  nextStep: (file: Candidate) => {
    const { head, use } = file;
    const array = head.arrays.get("") ?? NOTHING;
    if (use === "weights") return "give the folder that has all of W1.npy, b1.npy and so on";
    const images = imagesCode("x", array);
    if (images === undefined)
      return "give the images, u1 (images, rows, columns), and their labels in one .npz, as x_test and y_test";
    return withLabels(file, `import numpy as np; x=np.load(FILE)${checkOf("x", array)}`, images);
  },
};

const NOTHING: NpyOutline = { descr: "", fortranOrder: false, shape: [], headerBytes: 0 };

export const ARRAY_FILES: readonly KnownFile[] = [
  otherStateDict,
  networkArchive,
  setArchive,
  otherArchive,
  singleArray,
];
