/** Attributes of a module of PyTorch, with their types checked. */
import type { Padding, Pair } from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import { isMap } from "#src/base/realm.js";
import { printable, valueText } from "#src/base/text.js";
import { kindOf, PickledTuple, type PickledValue } from "#src/files/formats/pickle/values.js";
import { type TorchModule, TorchTensor } from "#src/files/formats/torch/values.js";

/** A module of an nn.Sequential. Each read throws NetworkError ERR_NETWORK_LAYER for a value of another kind. */
export class ModuleAttributes {
  readonly type: string;
  readonly name: string;
  readonly #path: string;
  readonly #attributes: ReadonlyMap<string, PickledValue>;

  constructor(path: string, name: string, { type, attributes }: TorchModule) {
    this.#path = path;
    this.name = name;
    this.type = type;
    if (attributes === undefined) throw this.fault("a module with its attributes", "one without");
    this.#attributes = attributes;
  }

  fault(expected: string, found: string): NetworkError {
    const layer = `${printable(this.name)} (${this.type})`;
    return new NetworkError("ERR_NETWORK_LAYER", { path: this.#path, layer, expected, found });
  }

  /** The attribute; `absent` in files of versions that did not have it. */
  number(key: string, absent?: number): number {
    const value = this.#attributes.get(key) ?? absent;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw this.#wrong(key, "a number");
  }

  /** @throws NetworkError ERR_NETWORK_LAYER if the attribute is none of `values`; an absent one is the first */
  oneOf<T extends PickledValue>(key: string, values: readonly T[]): T {
    const value = this.#attributes.has(key) ? this.#attributes.get(key) : values[0];
    const found = values.find((known) => known === value);
    if (found !== undefined) return found;
    throw this.#wrong(key, values.map((known) => valueText(known)).join(" or "));
  }

  /** One number for rows and columns, or one for each. */
  pair(key: string, absent?: number): Pair {
    const value = this.#attributes.get(key) ?? absent;
    const [rows, columns = rows, ...more] = value instanceof PickledTuple ? value.items : [value];
    if (isSize(rows) && isSize(columns) && more.length === 0) return [rows, columns];
    throw this.#wrong(key, "one or two whole numbers");
  }

  /** Sizes (left, right, top, bottom) of nn.ZeroPad2d. */
  sides(key: string): Padding {
    const value = this.#attributes.get(key);
    const [left, right, top, bottom] = value instanceof PickledTuple ? value.items : [];
    if (isSize(left) && isSize(right) && isSize(top) && isSize(bottom)) return { left, right, top, bottom };
    throw this.#wrong(key, "four whole numbers");
  }

  text(key: string): string | undefined {
    const value = this.#attributes.get(key);
    return typeof value === "string" ? value : undefined;
  }

  /** Parameters and buffers by name; those that a module was made without are left out. */
  get tensors(): ReadonlyMap<string, TorchTensor> {
    const tensors = new Map<string, TorchTensor>();
    for (const key of ["_parameters", "_buffers"]) {
      for (const [name, value] of this.#mapOf(key)) {
        if (value instanceof TorchTensor) tensors.set(name, value);
        else if (value !== null) throw this.#wrong(`${key}.${name}`, "a tensor");
      }
    }
    return tensors;
  }

  /** Modules within this one, by name. */
  get modules(): ReadonlyMap<string, PickledValue> {
    return this.#mapOf("_modules");
  }

  #mapOf(key: string): ReadonlyMap<string, PickledValue> {
    const value = this.#attributes.get(key);
    if (isMap(value)) return value;
    throw this.#wrong(key, "a dict");
  }

  #wrong(key: string, expected: string): NetworkError {
    const value = this.#attributes.get(key.split(".")[0] ?? key);
    const isPlain = typeof value === "number" || typeof value === "string" || typeof value === "boolean";
    return this.fault(`${printable(key)} to be ${expected}`, isPlain ? valueText(value) : kindOf(value));
  }
}

function isSize(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value < 2 ** 20;
}
