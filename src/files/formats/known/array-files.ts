/** Known files of NumPy whose names, types or layouts are not read, as weights and as images. */
import type { Split } from "#src/base/contracts/dataset.js";
import { printable } from "#src/base/text.js";
import type { FileHead, NpyOutline } from "./file-head.js";
import { otherLayers } from "./keras-files.js";
import { type Candidate, exportedSet, exportOnnx, type KnownFile } from "./known-file.js";
import { type FoundArray, handMade } from "./pickle-files.js";

const PLAIN_NAME = /^[\w .:/()+-]+$/;
const isArchive = ({ names, arrays }: FileHead) => names.length > 0 && arrays.size > 0;
const isSingle = ({ arrays }: FileHead) => arrays.has("");

/** Names of images, the likeliest first: `x_test`, `test_images` (MedMNIST), `X`, `arr_0`. */
const IMAGE_NAME = /^(x|img|imgs|image|images|data|arr_0|pixels|features)$/i;
const LABEL_NAME = /^(y|t|label|labels|target|targets|arr_1|class|classes)$/i;
const SPLIT_WORD: Readonly<Record<Split, RegExp>> = { test: /test|t10k/i, train: /train/i, val: /val/i };

interface FoundSet {
  readonly images: readonly [string, NpyOutline];
  readonly labels: readonly [string, NpyOutline] | undefined;
}

/** Finds images, of rank 3 or 4, or 2 if they are flat, and labels of the same number. */
function setIn(arrays: ReadonlyMap<string, NpyOutline>, split: Split): FoundSet | undefined {
  const mentions = (name: string) => SPLIT_WORD[split].test(name);
  const stem = (name: string) => name.replace(/[_-]?(test|t10k|train|val)[_-]?/gi, "");
  const named = [...arrays].filter(([name]) => PLAIN_NAME.test(name));
  const others = Object.entries(SPLIT_WORD).flatMap(([other, word]) => (other === split ? [] : [word]));
  const images = named
    .filter(([name, { shape }]) => shape.length >= 2 && shape.length <= 4 && IMAGE_NAME.test(stem(name)))
    .filter(([name]) => mentions(name) || !others.some((word) => word.test(name)))
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
  nextStep: ({ head, use }) =>
    use === "images"
      ? "this is a network, not images: give it to --weights"
      : exportOnnx(shapesOf(head).values()),
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
    if (set.labels === undefined) {
      return `it has no labels: save both by np.savez('out.npz', x_${split}=…, y_${split}=…), or set --no-labels`;
    }
    return ownNames(path, split);
  },
};

/**
 * True for matrices with vectors of one of their sides: they are layers, whatever their names (`arr_0`, `arr_1` …). The
 * longest side is that of the pixels, so a vector as long holds labels. Kernels (rows, columns, inputs, outputs) may stand
 * among them; images and their labels would have one first side.
 */
function isChain({ arrays }: FileHead): boolean {
  const shapes = [...arrays.values()].map(({ shape }) => shape);
  const matrices = shapes.filter(({ length }) => length === 2);
  const vectors = shapes.filter(({ length }) => length === 1);
  const kernels = shapes.filter(({ length }) => length === 4);
  const longest = kernels.length > 0 ? Infinity : Math.max(...matrices.flat());
  const layers = [...matrices, ...kernels];
  return (
    matrices.length > 0 &&
    vectors.length > 0 &&
    layers.length + vectors.length === shapes.length &&
    (kernels.length === 0 || new Set(layers.map(([first]) => first)).size > 1) &&
    vectors.every(([size = 0]) => size < longest && layers.some((layer) => layer.includes(size)))
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

const singleArray: KnownFile = {
  name: "a single NumPy array (.npy)",
  recognizes: isSingle,
  describe: ({ head }) => `a single NumPy array (.npy), ${text(head.arrays.get("") ?? NOTHING)}`,
  nextStep: (file: Candidate) => {
    if (file.use === "weights") return "give the folder that has all of W1.npy, b1.npy and so on";
    return "set --labels FILE.npy, or --no-labels with --predictions FILE to predict";
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
