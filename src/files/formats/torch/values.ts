/** Passive stand-ins for the objects in PyTorch's pickles: storages, tensors, modules, and names that do nothing. */

import type { ElementType } from "#src/files/formats/arrays.js";
import { PickledObject, type PickledValue } from "#src/files/formats/pickle/values.js";

/** Bytes per element of the types that no weight has. */
const OTHER_BYTES = {
  bool: 1,
  uint8: 1,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  complex64: 8,
  complex128: 16,
} as const;

export type StorageType = ElementType | keyof typeof OTHER_BYTES;

/** Elements of one type that stand outside the pickle. Tensors can share them. */
export class TorchStorage extends PickledObject {
  override readonly what = "a storage";

  /**
   * @param key name of the bytes outside the pickle
   * @param begin index of the first element; other than 0 only for a view of a file before PyTorch 1.6
   */
  constructor(
    readonly type: StorageType,
    readonly key: string,
    readonly begin: number,
    readonly count: number,
  ) {
    super();
  }
}

/** A tensor: which elements of a storage it has. Element (i, j) is at offset + i · strides[0] + j · strides[1]. */
export class TorchTensor extends PickledObject {
  override readonly what = "a tensor";

  constructor(
    readonly storage: TorchStorage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {
    super();
  }
}

/** An object of a class of torch.nn, with the attributes that it was saved with. */
export class TorchModule extends PickledObject {
  readonly type: string;
  /** Set by BUILD; `undefined` before. */
  attributes: ReadonlyMap<string, PickledValue> | undefined;

  constructor(type: string) {
    super();
    this.type = type;
  }

  override get what(): string {
    return `a module ${this.type}`;
  }
}

/** Object that a call of a name returns. */
export type TorchCall = "dict" | "tensor" | "parameter" | "module" | "nothing" | "type";

export class TorchName extends PickledObject {
  constructor(
    readonly name: string,
    readonly call: TorchCall,
    readonly type?: StorageType | undefined,
  ) {
    super();
  }

  override get what(): string {
    return `the name ${this.name}`;
  }
}

/** An object that the reader does not need: a device, a set, a number of NumPy. */
export class TorchThing extends PickledObject {
  constructor(readonly name: string) {
    super();
  }

  override get what(): string {
    return `an object of ${this.name}`;
  }
}

const STORAGES: ReadonlyMap<string, StorageType> = new Map<string, StorageType>([
  ["FloatStorage", "float32"],
  ["DoubleStorage", "float64"],
  ["HalfStorage", "float16"],
  ["BFloat16Storage", "bfloat16"],
  ["LongStorage", "int64"],
  ["IntStorage", "int32"],
  ["ShortStorage", "int16"],
  ["CharStorage", "int8"],
  ["ByteStorage", "uint8"],
  ["BoolStorage", "bool"],
  ["ComplexFloatStorage", "complex64"],
  ["ComplexDoubleStorage", "complex128"],
]);

/** Classes whose objects hold numbers that the reader of nn.Sequential knows, by the last part of their names. */
const MODULES =
  "Sequential Linear Conv2d BatchNorm1d BatchNorm2d MaxPool2d AvgPool2d AdaptiveAvgPool2d AdaptiveMaxPool2d Flatten Dropout Dropout2d AlphaDropout Identity ReLU ReLU6 LeakyReLU PReLU ELU SELU GELU SiLU Hardsigmoid Hardtanh Softplus Softsign Tanh Sigmoid Softmax LogSoftmax ZeroPad2d";

/** Names by module that checkpoints have beside weights. Calls of them make nothing. */
const NOTHING: Readonly<Record<string, string>> = {
  torch:
    "device Size float32 float64 float16 bfloat16 int64 int32 int16 int8 uint8 bool strided contiguous_format",
  "torch.serialization": "_get_layout",
  "torch.backends.thnn": "_get_thnn_function_backend",
  "torch.nn.backends.thnn": "_get_thnn_function_backend",
  builtins: "set frozenset object list tuple int float bool complex str slice range",
  __builtin__: "set frozenset object list tuple int float bool complex str slice xrange",
  collections: "Counter deque",
  argparse: "Namespace",
  pathlib: "PosixPath WindowsPath PurePosixPath PureWindowsPath Path",
  _codecs: "encode",
  numpy: "dtype ndarray",
  "numpy.core.multiarray": "scalar _reconstruct",
  "numpy._core.multiarray": "scalar _reconstruct",
};

/** Returns the stand-in for a name; undefined for a name that is refused. */
export function torchName(module: string, name: string): TorchName | undefined {
  const full = `${module}.${name}`;
  const storage = module === "torch" ? STORAGES.get(name) : undefined;
  if (storage !== undefined) return new TorchName(full, "type", storage);
  if (full === "collections.OrderedDict" || full === "collections.defaultdict") {
    return new TorchName(full, "dict");
  }
  if (module === "torch._utils") {
    if (name === "_rebuild_tensor" || name === "_rebuild_tensor_v2") return new TorchName(full, "tensor");
    if (name === "_rebuild_parameter" || name === "_rebuild_parameter_with_state") {
      return new TorchName(full, "parameter");
    }
  }
  // torch.nn.modules.linear.Linear: the file that defines a class does not matter.
  if (/^torch\.nn\.modules(\.\w+)?$/.test(module) && MODULES.split(" ").includes(name)) {
    return new TorchName(name, "module");
  }
  const nothing = Object.hasOwn(NOTHING, module) ? NOTHING[module] : undefined;
  return nothing?.split(" ").includes(name) ? new TorchName(full, "nothing") : undefined;
}

/** Bytes of one element, by NumPy's names. */
export const STORAGE_BYTES: Readonly<Record<StorageType, number>> = {
  ...OTHER_BYTES,
  float16: 2,
  bfloat16: 2,
  float32: 4,
  float64: 8,
};
