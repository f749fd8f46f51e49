/** Stack and memo for the outline of a pickle. Each call is replaced by its result, as far as that is known. */
import { atLeast } from "#src/base/errors.js";
import type { OutlineReader } from "./pickle-outline-reader.js";

/** Summary of a value, as far as messages need it. */
export type Outline =
  | { readonly kind: "dict"; readonly entries: Map<string, Outline> }
  | { readonly kind: "list" | "tuple"; readonly items: Outline[] }
  | {
      readonly kind: "array";
      shape: readonly number[] | undefined;
      dtype: string | undefined;
      objects?: Outline;
    }
  | { readonly kind: "tensor"; readonly shape: readonly number[] | undefined }
  | { readonly kind: "object"; readonly name: string; state: Outline | undefined }
  | { readonly kind: "global"; readonly name: string }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "long"; readonly hex: string }
  | { readonly kind: "bytes"; readonly length: number }
  | { readonly kind: "other"; readonly what: string };

type Operation = (stack: OutlineStack, reader: OutlineReader) => boolean;

const NONE: Outline = { kind: "other", what: "None" };
const UNKNOWN: Outline = { kind: "other", what: "a value" };
/** joblib writes the elements of an array after the state of this object (joblib/numpy_pickle.py). */
const JOBLIB_ARRAY = "joblib.numpy_pickle.NumpyArrayWrapper";

export class OutlineStack {
  readonly globals: string[] = [];
  firstShape: readonly number[] | undefined;
  readonly #values: Outline[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, Outline>();

  push(value: Outline): true {
    this.#values.push(value);
    return true;
  }

  pop(): Outline {
    return this.#values.pop() ?? UNKNOWN;
  }

  top(): Outline {
    return this.#values.at(-1) ?? UNKNOWN;
  }

  last(): Outline | undefined {
    return this.#values.at(-1);
  }

  mark(): true {
    this.#marks.push(this.#values.length);
    return true;
  }

  popToMark(): Outline[] {
    return this.#values.splice(this.#marks.pop() ?? 0);
  }

  discard(): true {
    if (this.#values.length === this.#marks.at(-1)) this.#marks.pop();
    else this.#values.pop();
    return true;
  }

  put(index: number = this.#memo.size): true {
    this.#memo.set(index, this.top());
    return true;
  }

  get(index: number): true {
    return this.push(this.#memo.get(index) ?? UNKNOWN);
  }

  global(module: string, name: string): Outline {
    const full = `${module}.${name}`;
    this.globals.push(full);
    return { kind: "global", name: full };
  }

  tuple(items: Outline[]): true {
    const shape = wholeNumbers(items);
    // NumPy's `_reconstruct` begins with `(0,)`.
    if (shape !== undefined && shape.length > 0 && shape[0] !== 0) this.firstShape ??= shape;
    return this.push({ kind: "tuple", items });
  }

  operate(opcode: number, reader: OutlineReader): boolean {
    return OPERATIONS.get(opcode)?.(this, reader) ?? false;
  }
}

/** Effects by opcode, named as in Lib/pickle.py. */
const OPERATIONS: ReadonlyMap<number, Operation> = new Map<number, Operation>([
  [0x28, (stack) => stack.mark()],
  [0x30, (stack) => stack.discard()],
  [0x31, (stack) => stack.popToMark().length >= 0], // POP_MARK
  [0x32, (stack) => stack.push(stack.top())], // DUP
  [0x29, (stack) => stack.push({ kind: "tuple", items: [] })],
  [0x5d, (stack) => stack.push({ kind: "list", items: [] })],
  [0x7d, (stack) => stack.push({ kind: "dict", entries: new Map() })],
  [0x8f, (stack) => stack.push({ kind: "other", what: "a set" })], // EMPTY_SET
  [0x90, (stack) => stack.popToMark().length >= 0], // ADDITEMS
  [0x91, (stack) => stack.popToMark().length >= 0 && stack.push({ kind: "other", what: "a set" })], // FROZENSET
  [0x4e, (stack) => stack.push(NONE)],
  [0x88, (stack) => stack.push({ kind: "other", what: "True" })],
  [0x89, (stack) => stack.push({ kind: "other", what: "False" })],
  [0x47, (stack, reader) => reader.skip(8) && stack.push({ kind: "number", value: Number.NaN })], // BINFLOAT
  [0x46, (stack, reader) => stack.push({ kind: "number", value: Number(reader.line()) })], // FLOAT
  [0x49, (stack, reader) => stack.push({ kind: "number", value: Number(reader.line()) })], // INT
  [0x4c, (stack, reader) => stack.push({ kind: "number", value: Number.parseInt(reader.line(), 10) })], // LONG
  [0x53, (stack, reader) => stack.push({ kind: "text", text: reader.line().slice(1, -1) })], // STRING
  [0x56, (stack, reader) => stack.push({ kind: "text", text: reader.line() })], // UNICODE
  [0x70, (stack, reader) => stack.put(Number(reader.line()))],
  [0x71, (stack, reader) => stack.put(reader.u8())],
  [0x72, (stack, reader) => stack.put(reader.integer(4))],
  [0x94, (stack) => stack.put()], // MEMOIZE
  [0x67, (stack, reader) => stack.get(Number(reader.line()))],
  [0x68, (stack, reader) => stack.get(reader.u8())],
  [0x6a, (stack, reader) => stack.get(reader.integer(4))],
  [0x74, (stack) => stack.tuple(stack.popToMark())],
  [0x85, (stack) => stack.tuple(taken(stack, 1))],
  [0x86, (stack) => stack.tuple(taken(stack, 2))],
  [0x87, (stack) => stack.tuple(taken(stack, 3))],
  [0x6c, (stack) => stack.push({ kind: "list", items: stack.popToMark() })], // LIST
  [0x61, (stack) => append(taken(stack, 1), stack.top())],
  [0x65, (stack) => append(stack.popToMark(), stack.top())],
  [0x64, (stack) => setItems(stack.popToMark(), topAfter(stack, { kind: "dict", entries: new Map() }))], // DICT
  [0x73, (stack) => setItems(taken(stack, 2), stack.top())],
  [0x75, (stack) => setItems(stack.popToMark(), stack.top())],
  [0x63, (stack, reader) => stack.push(stack.global(reader.line(), reader.line()))], // GLOBAL
  [0x93, stackGlobal],
  [0x50, (stack, reader) => reader.line() !== undefined && stack.push(UNKNOWN)], // PERSID
  [0x51, (stack) => stack.push(persistent(stack.pop()))], // BINPERSID
  [0x52, (stack) => reduced(stack)],
  [0x81, (stack) => made(stack, 2)], // NEWOBJ
  [0x92, (stack) => made(stack, 3)], // NEWOBJ_EX
  [0x6f, (stack) => stack.push(objectOf(stack.popToMark()[0]))], // OBJ
  [0x69, (stack, reader) => instance(stack, reader)], // INST
  [0x62, (stack, reader) => build(stack.pop(), stack, reader)],
  [0x97, (stack) => stack.push({ kind: "bytes", length: 0 })], // NEXT_BUFFER
  [0x98, () => true], // READONLY_BUFFER
]);

/** PyTorch before 1.6 wrote a class of its own as `('module', class, file, source)`. */
function persistent(id: Outline): Outline {
  const [kind, type] = id.kind === "tuple" ? id.items : [];
  return kind?.kind === "text" && kind.text === "module" && type !== undefined ? type : UNKNOWN;
}

function taken(stack: OutlineStack, count: number): Outline[] {
  return Array.from({ length: count }, () => stack.pop()).reverse();
}

function topAfter(stack: OutlineStack, value: Outline): Outline {
  stack.push(value);
  return value;
}

function append(items: readonly Outline[], target: Outline): true {
  if (target.kind === "list") for (const item of items) target.items.push(item);
  return true;
}

function setItems(items: readonly Outline[], target: Outline): true {
  if (target.kind !== "dict") return true;
  for (let at = 0; at + 1 < items.length; at += 2) {
    const key = items[at]!;
    const name = key.kind === "text" ? key.text : key.kind === "number" ? `${key.value}` : undefined;
    if (name !== undefined) target.entries.set(name, items[at + 1]!);
  }
  return true;
}

function stackGlobal(stack: OutlineStack): boolean {
  const [module, name] = atLeast(taken(stack, 2), 2);
  if (module.kind !== "text" || name.kind !== "text") return false;
  return stack.push(stack.global(module.text, name.text));
}

function instance(stack: OutlineStack, reader: OutlineReader): true {
  const type = stack.global(reader.line(), reader.line());
  stack.popToMark();
  return stack.push(objectOf(type));
}

function made(stack: OutlineStack, count: number): true {
  return stack.push(objectOf(taken(stack, count)[0]));
}

function objectOf(type: Outline | undefined): Outline {
  if (type?.kind !== "global") return UNKNOWN;
  if (type.name === "collections.OrderedDict") return { kind: "dict", entries: new Map() };
  return { kind: "object", name: type.name, state: undefined };
}

/** REDUCE, by the names that NumPy and PyTorch write (torch/_utils.py). */
function reduced(stack: OutlineStack): true {
  const [callee, args] = atLeast(taken(stack, 2), 2);
  const items = args.kind === "tuple" ? args.items : [];
  const name = callee.kind === "global" ? callee.name : "";
  if (/^numpy\.(_?core\.)?multiarray\._reconstruct$/.test(name)) {
    return stack.push({ kind: "array", shape: undefined, dtype: undefined });
  }
  if (/^numpy\.(_?core\.)?numeric\._frombuffer$/.test(name)) {
    return stack.push({ kind: "array", shape: shapeOf(items[2]), dtype: dtypeOf(items[1]) });
  }
  if (name === "numpy.dtype") return stack.push(items[0] ?? UNKNOWN);
  if (/^torch\._utils\._rebuild_(tensor|tensor_v2)$/.test(name)) {
    return stack.push({ kind: "tensor", shape: shapeOf(items[2]) });
  }
  if (name === "torch._utils._rebuild_parameter") return stack.push(items[0] ?? UNKNOWN);
  return stack.push(objectOf(callee));
}

function build(state: Outline, stack: OutlineStack, reader: OutlineReader): boolean {
  const target = stack.top();
  if (target.kind === "array" && state.kind === "tuple") {
    target.shape = shapeOf(state.items[1]);
    target.dtype = dtypeOf(state.items[2]);
    // Elements that are Python objects are a list instead of bytes.
    if (target.dtype?.startsWith("O") && state.items[4]?.kind === "list") target.objects = state.items[4];
  }
  if (target.kind !== "object") return true;
  target.state = state;
  if (target.name !== JOBLIB_ARRAY || state.kind !== "dict") return true;
  const array: Outline = {
    kind: "array",
    shape: shapeOf(state.entries.get("shape")),
    dtype: dtypeOf(state.entries.get("dtype")),
  };
  stack.pop();
  stack.push(array);
  return skipElements(array, state.entries.has("numpy_array_alignment_bytes"), reader);
}

/** Skips a byte that counts the padding, the padding, and the elements. */
function skipElements(array: Outline, isPadded: boolean, reader: OutlineReader): boolean {
  if (array.kind !== "array" || array.shape === undefined) return false;
  const bytes = Number(/^[a-z](\d+)$/.exec(array.dtype ?? "")?.[1]);
  if (isPadded) reader.skip(reader.u8());
  return reader.skip(array.shape.reduce((product, size) => product * size, bytes));
}

function shapeOf(value: Outline | undefined): readonly number[] | undefined {
  if (value?.kind === "object" && value.name === "torch.Size") return undefined;
  return value?.kind === "tuple" ? wholeNumbers(value.items) : undefined;
}

function wholeNumbers(items: readonly Outline[]): number[] | undefined {
  const sizes = items.map((item) => (item.kind === "number" ? item.value : Number.NaN));
  return sizes.every((size) => Number.isSafeInteger(size) && size >= 0) ? sizes : undefined;
}

function dtypeOf(value: Outline | undefined): string | undefined {
  return value?.kind === "text" ? value.text : undefined;
}
