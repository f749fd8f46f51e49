/** Settings of a layer as a Keras model states them, each checked when it is read. */

import type { Pair } from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import { printable, valueText } from "#src/base/text.js";

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Largest size that a setting may have. */
const MAX_SIZE = 2 ** 25;

export class Settings {
  readonly path: string;
  /** Name of the layer. */
  readonly name: string;
  readonly #values: JsonObject;
  /** What to do with a model that has a layer which is not read. */
  readonly next: string;

  constructor(path: string, name: string, values: JsonObject, next: string) {
    this.path = path;
    this.name = name;
    this.#values = values;
    this.next = next;
  }

  fault(expected: string, found: string, next = this.next): NetworkError {
    const layer = `layer "${printable(this.name)}"`;
    return new NetworkError("ERR_NETWORK_LAYER", { path: this.path, layer, expected, found, next });
  }

  #wrong(key: string, expected: string): NetworkError {
    return this.fault(`${expected} as ${key}`, valueText(this.#values[key]));
  }

  /** A value, null included; undefined if the file does not state it. */
  value(key: string): unknown {
    return this.#values[key];
  }

  /** A finite number. `fallback` is the layer's default. */
  number(key: string, fallback?: number): number {
    const value = this.#values[key] ?? fallback;
    if (typeof value !== "number" || !Number.isFinite(value)) throw this.#wrong(key, "a number");
    return value;
  }

  count(key: string, fallback?: number): number {
    const value = this.number(key, fallback);
    if (!isSize(value)) throw this.#wrong(key, `1 to ${MAX_SIZE}`);
    return value;
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.#values[key] ?? fallback;
    if (typeof value !== "boolean") throw this.#wrong(key, "true or false");
    return value;
  }

  /** One of the words. */
  word<T extends string>(key: string, words: readonly T[], fallback: T): T {
    const value = this.#values[key] ?? fallback;
    const known = words.find((word) => word === value);
    if (known === undefined) throw this.#wrong(key, words.join(" or "));
    return known;
  }

  /** Rows and columns: two sizes, or one for both. */
  pair(key: string, fallback?: Pair): Pair {
    const value = this.#values[key] ?? fallback;
    const [rows, columns] = Array.isArray(value) ? value : [value, value];
    if (!isSize(rows) || !isSize(columns)) throw this.#wrong(key, "two sizes");
    return [rows, columns];
  }

  /** A shape without the batch; sizes that are not fixed are null or −1. */
  shape(key: string): (number | undefined)[] {
    const value = this.#values[key];
    if (!Array.isArray(value) || value.length > 8) throw this.#wrong(key, "a shape");
    return value.map((size: unknown) => {
      if (size === null || size === -1) return undefined;
      if (!isSize(size)) throw this.#wrong(key, "sizes");
      return size;
    });
  }
}

function isSize(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= MAX_SIZE;
}
