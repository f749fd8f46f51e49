/** Names that a PyTorch file may request, and what their calls make. Nothing of the file runs. */

import { isMap } from "#src/base/realm.js";
import { printable } from "#src/base/text.js";
import { MAX_DIMENSIONS } from "#src/files/formats/arrays.js";
import type { ByteReader } from "#src/files/formats/pickle/reader.js";
import {
  kindOf,
  type PickledDict,
  PickledList,
  PickledTuple,
  type PickledValue,
  type Vocabulary,
} from "#src/files/formats/pickle/values.js";
import { TorchModule, TorchName, TorchStorage, TorchTensor, TorchThing, torchName } from "./values.js";

/** Vocabulary of one file. It collects what the pickle says about storages and dicts. */
export class TorchVocabulary implements Vocabulary {
  /** Whole storages by key, in the order in which they are named. */
  readonly storages = new Map<string, TorchStorage>();
  /** Attributes of dicts: `_metadata` of a state dict. */
  readonly attributes = new Map<PickledDict, PickledValue>();
  readonly outside = {
    persistent: (reader: ByteReader, id: PickledValue) => this.#persistent(reader, id),
    instance: (reader: ByteReader, [type]: readonly PickledValue[]): PickledValue => {
      if (!(type instanceof TorchName)) throw reader.malformed("a class", kindOf(type));
      if (type.call === "module") return new TorchModule(type.name);
      if (type.call === "nothing") return new TorchThing(type.name);
      if (type.call === "dict") return new Map();
      throw reader.malformed("a class whose objects a network has", kindOf(type));
    },
  };

  find(reader: ByteReader, module: string, name: string): TorchName {
    const found = torchName(module, name);
    if (found === undefined) throw reader.forbidden(printable(`${module}.${name}`));
    return found;
  }

  reduce(reader: ByteReader, [callee, args]: readonly PickledValue[]): PickledValue {
    if (!(callee instanceof TorchName && args instanceof PickledTuple)) {
      throw reader.malformed("a name and a tuple of arguments", `${kindOf(callee)} and ${kindOf(args)}`);
    }
    switch (callee.call) {
      case "dict":
        return dictOf(reader, args.items);
      case "tensor":
        return tensorOf(reader, args.items);
      case "parameter": {
        const [tensor] = args.items;
        if (tensor instanceof TorchTensor) return tensor;
        throw reader.malformed("a parameter of a tensor", kindOf(tensor));
      }
      case "nothing":
        return new TorchThing(callee.name);
      case "module":
      case "type":
        throw reader.malformed("a function of PyTorch", `a call of ${callee.name}`);
    }
  }

  build(reader: ByteReader, state: PickledValue, target: PickledValue): void {
    if (target instanceof TorchThing) return;
    if (isMap(target) && !this.attributes.has(target)) this.attributes.set(target, state);
    else if (target instanceof TorchModule && target.attributes === undefined && isMap(state)) {
      target.attributes = state;
    } else throw reader.malformed("an object without a state", kindOf(target));
  }

  /** ("storage", type, key, device, elements), and in files before 1.6 also a view, (key, offset, elements) or None. */
  #persistent(reader: ByteReader, id: PickledValue): PickledValue {
    const [kind, type, key, _device, count, view] = id instanceof PickledTuple ? id.items : [];
    // A file before 1.6 keeps the source of each class beside its name.
    if (kind === "module" && type instanceof TorchName && type.call === "module") return type;
    const isStorage = kind === "storage" && type instanceof TorchName && typeof key === "string";
    if (!isStorage || type.type === undefined || !isCount(count)) {
      throw reader.malformed("a storage: its type, key and number of elements", kindOf(id));
    }
    const known = this.storages.get(key);
    if (known !== undefined && (known.type !== type.type || known.count !== count)) {
      throw reader.malformed(`storage "${printable(key)}" with one type and size`, "two");
    }
    const storage = known ?? new TorchStorage(type.type, key, 0, count);
    this.storages.set(key, storage);
    if (!(view instanceof PickledTuple)) return storage;
    const [, offset, elements] = view.items;
    if (!isCount(offset) || !isCount(elements) || offset + elements > count) {
      throw reader.malformed("a view within its storage", "one beyond it");
    }
    return new TorchStorage(type.type, key, offset, elements);
  }
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** OrderedDict(), OrderedDict([[key, value], …]) of Python 2, or defaultdict(factory). */
function dictOf(reader: ByteReader, [items]: readonly PickledValue[]): PickledDict {
  if (!(items instanceof PickledList)) return new Map();
  const dict: PickledDict = new Map();
  for (const pair of items.items) {
    const [key, value] = pair instanceof PickledList || pair instanceof PickledTuple ? pair.items : [];
    if (typeof key !== "string" || value === undefined || dict.has(key)) {
      throw reader.malformed("pairs of a key and a value, each key once", kindOf(pair));
    }
    dict.set(key, value);
  }
  return dict;
}

/** _rebuild_tensor_v2(storage, offset, sizes, strides, …): in elements. Every element must lie within the storage. */
function tensorOf(reader: ByteReader, args: readonly PickledValue[]): TorchTensor {
  const [storage, offset, sizes, strides] = args;
  const shape = numbersOf(reader, sizes);
  const steps = numbersOf(reader, strides);
  if (!(storage instanceof TorchStorage) || !isCount(offset) || shape.length !== steps.length) {
    throw reader.malformed("a tensor of a storage, an offset, sizes and strides", kindOf(storage));
  }
  const last = shape.reduce((at, size, axis) => at + (size - 1) * (steps[axis] ?? 0), offset);
  if (!shape.includes(0) && last >= storage.count) {
    throw reader.malformed(`elements below ${storage.count}, the size of the storage`, `element ${last}`);
  }
  return new TorchTensor(storage, offset, shape, steps);
}

function numbersOf(reader: ByteReader, value: PickledValue | undefined): number[] {
  if (!(value instanceof PickledTuple && value.items.length <= MAX_DIMENSIONS)) {
    throw reader.malformed(`a tuple of at most ${MAX_DIMENSIONS} numbers`, kindOf(value));
  }
  return value.items.map((size) => {
    if (isCount(size)) return size;
    throw reader.malformed("whole numbers from 0 on", kindOf(size));
  });
}
