/** Names that a file of scikit-learn may request, and the passive records that stand for their objects. Nothing of the file runs. */

import { isMap } from "#src/base/realm.js";
import { printable } from "#src/base/text.js";
import { runNextPickle } from "#src/files/formats/pickle/machine.js";
import type { ByteReader } from "#src/files/formats/pickle/reader.js";
import {
  kindOf,
  NUMPY,
  PickledArray,
  type PickledDict,
  PickledDtype,
  PickledGlobal,
  PickledObject,
  PickledTuple,
  type PickledValue,
  type Vocabulary,
} from "#src/files/formats/pickle/values.js";

/** Classes that the reader knows, and classes of which it needs nothing, by their last names: modules differ by version. */
const CLASSES = new Set(
  [
    "MLPClassifier LogisticRegression LogisticRegressionCV SGDClassifier Perceptron LinearSVC RidgeClassifier RidgeClassifierCV",
    "Pipeline StandardScaler MinMaxScaler MaxAbsScaler GridSearchCV RandomizedSearchCV",
    "LabelBinarizer AdamOptimizer SGDOptimizer KFold StratifiedKFold ShuffleSplit StratifiedShuffleSplit",
    "Hinge SquaredHinge Log ModifiedHuber SquaredLoss Huber EpsilonInsensitive SquaredEpsilonInsensitive",
    "CyHalfBinomialLoss CyHalfSquaredError CyHuberLoss",
    "_passthrough_scorer _PassthroughScorer _PredictScorer _ProbaScorer _ThresholdScorer _Scorer",
  ].flatMap((names) => names.split(" ")),
);
const MODULE = /^sklearn(\.\w+)+$/;

/** Names of other modules whose calls make nothing: the state of random numbers, masks of a search, types. */
const BESIDE: Readonly<Record<string, string>> = {
  "numpy.random._pickle": "__randomstate_ctor __bit_generator_ctor __generator_ctor",
  "numpy.random._mt19937": "MT19937",
  "numpy.random._pcg64": "PCG64 PCG64DXSM",
  "numpy.random.bit_generator": "SeedSequence __pyx_unpickle_SeedSequence",
  "numpy.random": "__RandomState_ctor",
  "numpy.ma": "MaskedArray",
  "numpy.ma.core": "MaskedArray _mareconstruct",
  numpy: "float32 float64 int32 int64 bool_ str_",
  builtins: "object set frozenset int float bool str",
  __builtin__: "object set frozenset int float bool str",
};
const RECONSTRUCTORS = ["copyreg._reconstructor", "copy_reg._reconstructor"];
/** joblib's stand-in for an array, whose elements follow it in the file. Before 0.22 scikit-learn had a joblib of its own. */
const WRAPPERS = [
  "joblib.numpy_pickle.NumpyArrayWrapper",
  "sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper",
];

/** A name of the list. */
class SklearnName extends PickledObject {
  constructor(readonly name: string) {
    super();
  }

  override get what(): string {
    return `the name ${this.name}`;
  }
}

/** An object with the attributes that it was saved with. */
export class SklearnObject extends PickledObject {
  /** Name of the class without its module. */
  readonly type: string;
  /** Set by BUILD; `undefined` before. */
  state: PickledValue | undefined;

  constructor(name: string) {
    super();
    this.type = name.slice(name.lastIndexOf(".") + 1);
  }

  override get what(): string {
    return `an object of ${this.type}`;
  }

  /** Attributes by name; empty for an object without. */
  get attributes(): PickledDict {
    return isMap(this.state) ? this.state : new Map();
  }
}

/** Vocabulary of one file. */
export class SklearnVocabulary implements Vocabulary {
  /** Arrays of joblib that wait for their state. */
  readonly #wrappers = new Set<PickledArray>();
  readonly outside = {
    persistent: (reader: ByteReader): never => {
      throw reader.forbidden("a persistent object (BINPERSID)");
    },
    instance: (reader: ByteReader, [type]: readonly PickledValue[]): PickledValue => {
      if (!(type instanceof SklearnName)) throw reader.malformed("a class", kindOf(type));
      return this.#objectOf(type);
    },
    /** Scores by class are dicts whose keys are numbers of NumPy. */
    key: (value: PickledValue, index: number): string | undefined =>
      value instanceof PickledArray || value === null || typeof value === "boolean"
        ? `key ${index}`
        : undefined,
  };

  find(reader: ByteReader, module: string, name: string): PickledValue {
    const full = `${module}.${name}`;
    const beside = Object.hasOwn(BESIDE, module) ? BESIDE[module] : undefined;
    const isKnown =
      (MODULE.test(module) && CLASSES.has(name)) ||
      beside?.split(" ").includes(name) ||
      WRAPPERS.includes(full) ||
      RECONSTRUCTORS.includes(full);
    return isKnown ? new SklearnName(full) : NUMPY.find(reader, module, name);
  }

  reduce(reader: ByteReader, call: readonly PickledValue[]): PickledValue {
    const [callee, args] = call;
    if (!(callee instanceof SklearnName)) return NUMPY.reduce(reader, call);
    if (!RECONSTRUCTORS.includes(callee.name)) return this.#objectOf(callee);
    // _reconstructor(class, object, None) of protocols 0 and 1.
    const [type] = args instanceof PickledTuple ? args.items : [];
    if (!(type instanceof SklearnName)) throw reader.malformed("a class", kindOf(type));
    return this.#objectOf(type);
  }

  build(reader: ByteReader, state: PickledValue, target: PickledValue): void {
    if (target instanceof PickledArray && this.#wrappers.delete(target)) readWrapped(reader, state, target);
    else if (!(target instanceof SklearnObject)) NUMPY.build(reader, state, target);
    else if (target.state === undefined) target.state = state;
    else throw reader.malformed("an object without a state", kindOf(target));
  }

  #objectOf({ name }: SklearnName): SklearnObject | PickledArray {
    if (!WRAPPERS.includes(name)) return new SklearnObject(name);
    const array = new PickledArray();
    this.#wrappers.add(array);
    return array;
  }
}

/** Reads the elements behind the state of joblib's stand-in (joblib/numpy_pickle.py, `read_array`). */
function readWrapped(reader: ByteReader, state: PickledValue, array: PickledArray): void {
  const facts: PickledDict = isMap(state) ? state : new Map();
  const [dtype, order, shape, type] = ["dtype", "order", "shape", "subclass"].map((key) => facts.get(key));
  const isArray = type instanceof PickledGlobal && type.kind === "ndarray";
  if (!(dtype instanceof PickledDtype && typeof order === "string" && isArray)) {
    throw reader.malformed("an array of joblib: its subclass, dtype and order", kindOf(state));
  }
  if (dtype.name.startsWith("O")) {
    // Objects are a pickle of their own. It may request what arrays need, and no array of joblib.
    const objects = runNextPickle(reader, NUMPY);
    if (!(objects instanceof PickledArray)) throw reader.malformed("an array of objects", kindOf(objects));
    array.state = objects.state;
    return;
  }
  const sizes = shape instanceof PickledTuple ? shape.items : [];
  const elementBytes = elementBytesOf(dtype.name);
  const areCounts = sizes.every(
    (size) => typeof size === "number" && Number.isSafeInteger(size) && size >= 0,
  );
  if (!(shape instanceof PickledTuple) || elementBytes === undefined || !areCounts) {
    const found = `dtype ${printable(dtype.name)} of ${kindOf(shape)}`;
    throw reader.malformed("an array of joblib: elements of one size, and a shape", found);
  }
  // joblib 1.2 and later align elements: a byte with the number of bytes that follow it.
  if (typeof facts.get("numpy_array_alignment_bytes") === "number") {
    reader.takeOutside(reader.takeOutside(1)[0] ?? 0);
  }
  const counts = sizes.map(Number);
  const bytes = counts.reduce((product, size) => product * size, elementBytes);
  array.state = { payload: reader.takeOutside(bytes), dtype, order, shape: counts };
}

/** Bytes of an element of numbers, or of texts, by NumPy's name of the type. */
function elementBytesOf(name: string): number | undefined {
  const [, kind, size] = /^([biufcSU])(\d{1,4})$/.exec(name) ?? [];
  return kind === undefined ? undefined : Number(size) * (kind === "U" ? 4 : 1);
}
