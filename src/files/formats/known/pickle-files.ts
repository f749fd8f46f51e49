/** Known pickles by their content: scikit-learn, joblib, the book's images, arrays with other names. */

import { printable } from "#src/base/text.js";
import type { Outline, PickleOutline } from "#src/files/formats/pickle-outline.js";
import type { FileHead } from "./file-head.js";
import {
  type Candidate,
  exampleInput,
  exported,
  type KnownFile,
  networkFile,
  python,
  TRUSTED,
  WITH_ACTIVATION,
} from "./known-file.js";

const JOBLIB = /^joblib\./;

/** Outline of the file itself, or of the beginning of its compressed content. */
const pickleOf = (head: FileHead): PickleOutline | undefined => head.pickle ?? head.inflated?.pickle;
const isPlain = (head: FileHead) => head.pickle !== undefined && head.names.length === 0;
/** True for a file compressed by joblib: zlib or gzip around a pickle. */
const isCompressed = (head: FileHead) => head.pickle === undefined && head.inflated?.pickle !== undefined;
const isJoblib = (head: FileHead) =>
  isCompressed(head) || (pickleOf(head)?.globals.some((name) => JOBLIB.test(name)) ?? false);
const load = (head: FileHead, modules: string, name: string) =>
  isJoblib(head)
    ? `import joblib,${modules}; ${name}=joblib.load(FILE)`
    : `import pickle,${modules}; ${name}=pickle.load(open(FILE,'rb'),encoding='latin1')`;

/** Name of the estimator, at any place in the file: the outline of a compressed file has no value. */
function sklearnClass(head: FileHead): string | undefined {
  const pickle = pickleOf(head);
  const value = pickle?.value;
  if (value?.kind === "object" && value.name.startsWith("sklearn.")) return value.name;
  return pickle?.globals.find((name) => /^sklearn\.(?!preprocessing)/.test(name));
}

const sklearn: KnownFile = {
  name: "a scikit-learn model",
  recognizes: (head) => sklearnClass(head) !== undefined,
  describe: ({ head }) =>
    `a scikit-learn model (${printable(sklearnClass(head) ?? "")})${isJoblib(head) ? ", saved by joblib" : ""}`,
  nextStep: ({ head }) =>
    /^(dict|list|tuple)$/.test(pickleOf(head)?.value?.kind ?? "")
      ? "save the classifier by itself, or a pipeline of its scaler and it, by joblib.dump(model, 'out.joblib'), and give --weights out.joblib"
      : (unreadPart(pickleOf(head)?.globals ?? []) ??
        "it is not a network of dense layers that Batchwise reads (MLPClassifier, LogisticRegression, SGDClassifier, LinearSVC or RidgeClassifier, alone or after StandardScaler, MinMaxScaler or MaxAbsScaler): export it by skl2onnx.to_onnx, with the option zipmap False, and give --weights model.onnx --engine onnx (that loads the file, which may run code: only for one that you trust)"),
};

/** Next step for a classifier that is read, but not as it was saved, by the names in its pickle. */
function unreadPart(globals: readonly string[]): string | undefined {
  const mentions = (name: RegExp) => globals.some((one) => name.test(one));
  if (mentions(/^sklearn\.linear_model\./) && mentions(/^scipy\.sparse\./)) {
    return "its weights are sparse: call model.densify(), and save it again";
  }
  if (mentions(/^numpy\.(\w+\.)*memmap$/)) {
    return "its arrays are mapped from a file: load the model without mmap_mode, and save it again";
  }
  const hasOthers = mentions(
    /^sklearn\.(?!(linear_model|neural_network|model_selection|preprocessing|pipeline|utils)\.)/,
  );
  return mentions(/^sklearn\.model_selection\./) && !hasOthers
    ? "a search is read if it keeps its best classifier, of the kinds MLPClassifier, LogisticRegression, SGDClassifier, LinearSVC or RidgeClassifier: fit it with refit=True, and save it again"
    : undefined;
}

/** Dict that the book's dataset/mnist.py writes. */
const BOOK_KEYS = ["train_img", "train_label", "test_img", "test_label"];

const bookImages: KnownFile = {
  name: "the book's mnist.pkl, which holds images",
  recognizes: ({ pickle }) => {
    const value = pickle?.value;
    return value?.kind === "dict" && [...value.entries.keys()].some((key) => BOOK_KEYS.includes(key));
  },
  describe: () => "the book's mnist.pkl, which holds the images and labels (train_img, test_img …)",
  nextStep: ({ use }) =>
    use === "weights"
      ? "the book's network is another file: sample_weight.pkl of its ch03, or --weights book"
      : "dataset/mnist.py of the book writes it again",
};

/**
 * MNIST as `((train x, y), (validation x, y), (test x, y))`, gzipped, protocol 2.
 * Source: deeplearning.net, and mnist_loader.py of Nielsen's book.
 */
const nielsenImages: KnownFile = {
  name: "Nielsen's mnist.pkl.gz, which holds images",
  recognizes: (head) => {
    const pickle = pickleOf(head);
    const [first] = pickle?.value?.kind === "tuple" ? pickle.value.items : [];
    const isPair = first?.kind === "tuple" && first.items.length === 2;
    const isCut = pickle?.value === undefined && isCompressed(head);
    return (
      (isPair || isCut) &&
      (pickle?.firstShape?.length ?? 0) >= 2 &&
      (pickle?.firstShape?.[0] ?? 0) >= (isCut ? 10_000 : 1)
    );
  },
  describe: () => "Nielsen's mnist.pkl.gz, which holds images: (training, validation, test)",
  nextStep: ({ use }) =>
    use === "weights"
      ? "it holds no weights: give the network to --weights"
      : "expected three pairs of arrays, as in mnist_loader.py of Nielsen's book; is the download complete?",
};

const kerasPickled: KnownFile = {
  name: "a pickled Keras model",
  recognizes: (head) => pickleOf(head)?.globals.some((name) => /^(keras|tensorflow)\./.test(name)) ?? false,
  nextStep: ({ head, path }) =>
    exported(
      path,
      `${load(head, "numpy as np", "m")}; np.savez('out.npz',**{'Wb'[i%2]+str(i//2+1):v for i,v in enumerate(m.get_weights())})`,
      `${WITH_ACTIVATION}${TRUSTED}`,
    ),
};

const torchPickled: KnownFile = {
  name: "a pickled PyTorch model",
  recognizes: (head) =>
    head.names.length === 0 && (pickleOf(head)?.globals.some((name) => name.startsWith("torch.")) ?? false),
  nextStep: () =>
    "in the program that has its class, call torch.save(model.state_dict(), 'out.pt'), and give --weights out.pt",
};

const ofClass: KnownFile = {
  name: "a pickled object",
  recognizes: (head) =>
    isPlain(head) &&
    pickleOf(head)?.value?.kind === "object" &&
    /^(__main__|[a-z]\w*)\./.test(className(head)) &&
    !/^(os|posix|nt|builtins|__builtin__|subprocess|sys)\./.test(className(head)),
  describe: ({ head }) => `a pickle of an object of the class ${printable(className(head))}`,
  nextStep: () =>
    "only the program that has its class can load it: there, save its arrays by np.savez('out.npz', W1=…, b1=…), weights as (inputs, outputs), and give --weights out.npz",
};

const className = (head: FileHead): string => {
  const value = pickleOf(head)?.value;
  return value?.kind === "object" ? value.name : "";
};

/** Array in a refused file. */
export interface FoundArray {
  /** Names of dicts and numbers of lists, separated by dots: `weights.0`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** NumPy's name of the elements' type, if known. */
  readonly dtype?: string | undefined;
}

/** Most items of a list that are looked at. */
const MAX_ITEMS = 64;
const MAX_DEPTH = 4;

/** Returns the arrays of nested dicts, lists and tuples, in order. */
export function arraysIn(outline: Outline | undefined, name = ""): FoundArray[] {
  if (outline === undefined || name.split(".").length > MAX_DEPTH) return [];
  const inner = (key: string | number) => (name === "" ? `${key}` : `${name}.${key}`);
  switch (outline.kind) {
    case "array":
    case "tensor":
      return outline.shape === undefined
        ? []
        : [{ name, shape: outline.shape, ...("dtype" in outline && { dtype: outline.dtype }) }];
    case "dict":
      return [...outline.entries].flatMap(([key, value]) => arraysIn(value, inner(key)));
    case "list":
    case "tuple":
      return outline.items.slice(0, MAX_ITEMS).flatMap((value, index) => arraysIn(value, inner(index)));
    default:
      return [];
  }
}

/** Dict, list or tuple of arrays that is refused: joblib wrote it, or its arrays are not those of dense layers. */
const arrays: KnownFile = {
  name: "a pickle of arrays",
  recognizes: (head) =>
    head.names.length === 0 && head.arrays.size === 0 && arraysIn(pickleOf(head)?.value).length > 0,
  describe: ({ head }) =>
    isJoblib(head)
      ? `${described(pickleOf(head)?.value)}, saved by joblib`
      : `a pickle of ${described(pickleOf(head)?.value)}`,
  nextStep: arraysStep,
};

/** Arrays that joblib wrote are read once pickle has written them. */
function arraysStep({ head, path }: Candidate): string {
  if (!isJoblib(head)) return handMade(arraysIn(pickleOf(head)?.value));
  const code = "import joblib,pickle; pickle.dump(joblib.load(FILE),open('out.pkl','wb'))";
  return `run ${python(path, code)} and give --weights out.pkl${WITH_ACTIVATION}${TRUSTED}`;
}

/** Names of numbers that standardize pixels. */
const STATISTIC = /mean|std|sigma|norm|(^|[._])mu$|var(iance)?$/i;
const WHOLE_NUMBERS = /^[<>|=]?[iu]\d/;

/** Next step for arrays that are refused as a network. */
export function handMade(found: readonly FoundArray[]): string {
  if (found.some(({ shape }) => shape.length > 2)) {
    return `convolutions are read from arrays only in the book's shapes or under PyTorch's names: state the layers with --architecture; or build the model in PyTorch, load these, call torch.onnx.export(model, ${exampleInput()}, 'out.onnx'), and give --weights out.onnx --engine onnx`;
  }
  const isWide = found.some(
    ({ name, shape }) => STATISTIC.test(name) && shape.reduce((product, size) => product * size, 1) > 1,
  );
  const isWhole = found.some(({ shape, dtype = "" }) => shape.length === 2 && WHOLE_NUMBERS.test(dtype));
  return [
    ...(isWhole ? ["multiply weights of whole numbers by their scales"] : []),
    ...(isWide
      ? [
          "no option takes a mean and a deviation of each pixel: if the training used them, compute W1 / std[:, None] and b1 - (mean / std) @ W1",
        ]
      : []),
    "save the layers by np.savez('out.npz', W1=…, b1=…, W2=…, b2=…), weights as (inputs, outputs), biases as (outputs,), and give --weights out.npz",
  ].join("; ");
}

/** Description in words: `a list of 6 arrays: (784, 50), (50,) …`. */
export function described(value: Outline | undefined): string {
  if (value === undefined) return "values";
  const found = arraysIn(value).slice(0, 6);
  const shapes = found.map(
    ({ name, shape }) =>
      `${/^\d*$/.test(name) ? "" : `${printable(name)} `}(${shape.join(", ")}${shape.length === 1 ? "," : ""})`,
  );
  const total = arraysIn(value).length;
  const what = value.kind === "dict" ? "a dict" : `a ${value.kind}`;
  return `${what} with ${total === 1 ? "one array" : `${total} arrays`}${shapes.length > 0 ? `: ${shapes.join(", ")}${total > 6 ? " …" : ""}` : ""}`;
}

/** .npy file of Python objects, mostly a dict that was given to np.save. */
const npyObjects: KnownFile = {
  name: "a .npy file of Python objects",
  recognizes: ({ arrays }) => arrays.get("")?.descr === "|O",
  describe: ({ head }) => `a .npy file of Python objects, ${described(itemOf(head))}`,
  nextStep: ({ head }) => handMade(arraysIn(itemOf(head))),
};

/** Outline of what `item()` returns, or of the list of elements. */
function itemOf({ pickle, arrays }: FileHead): Outline | undefined {
  const objects = pickle?.value?.kind === "array" ? pickle.value.objects : undefined;
  return objects?.kind === "list" && arrays.get("")?.shape.length === 0 ? objects.items[0] : objects;
}

const otherPickle: KnownFile = {
  name: "a pickle",
  recognizes: (head) => {
    const kind = isPlain(head) || isCompressed(head) ? pickleOf(head)?.value?.kind : undefined;
    return (
      isCompressed(head) ||
      kind === "list" ||
      kind === "tuple" ||
      kind === "number" ||
      kind === "text" ||
      kind === "bytes"
    );
  },
  describe: ({ head }) =>
    `${isCompressed(head) ? "a compressed pickle" : "a pickle"} of ${described(pickleOf(head)?.value)}`,
  nextStep: arraysStep,
};

/** Compressions of joblib that are not read, by their first bytes in hexadecimal digits (joblib/compressor.py). */
const COMPRESSIONS: readonly (readonly [start: string, name: string])[] = [
  ["425a68", "bz2"],
  ["fd377a585a", "xz"],
  ["5d0000", "lzma"],
  ["04224d18", "lz4"],
];
const compressionOf = ({ hex }: FileHead) => COMPRESSIONS.find(([start]) => hex.startsWith(start))?.[1];

const packed: KnownFile = {
  name: "a compressed file",
  recognizes: (head) => compressionOf(head) !== undefined,
  describe: ({ head }) => `a file compressed by ${compressionOf(head)}, as joblib writes it`,
  nextStep: ({ path, use }) => {
    if (use === "images") return "unpack it, and give what it holds to --dataset";
    const code = "import joblib; joblib.dump(joblib.load(FILE),'out.joblib')";
    return `run ${python(path, code)} and give --weights out.joblib${TRUSTED}`;
  },
};

export const PICKLE_FILES: readonly KnownFile[] = [
  packed,
  bookImages,
  nielsenImages,
  ...[sklearn, kerasPickled, torchPickled, npyObjects, ofClass, arrays, otherPickle].map(networkFile),
];
