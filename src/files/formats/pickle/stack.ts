/** The stack and the memo of the pickle machine, each with its limit. */
import type { NetworkError } from "#src/base/errors.js";
import { type ByteReader, PICKLE_LIMITS } from "./reader.js";
import type { PickledValue } from "./values.js";

export class PickleStack {
  readonly #reader: ByteReader;
  readonly #values: PickledValue[] = [];
  /** Heights of the stack at each MARK that is still open; nothing below the last may be taken. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickledValue>();

  constructor(reader: ByteReader) {
    this.#reader = reader;
  }

  push(value: PickledValue): void {
    if (this.#values.length === PICKLE_LIMITS.stackValues) throw this.#full();
    this.#values.push(value);
  }

  mark(): void {
    if (this.#marks.length === PICKLE_LIMITS.stackValues) throw this.#full();
    this.#marks.push(this.#values.length);
  }

  /** The topmost value above the last mark; it stays. */
  top(): PickledValue {
    const value = this.#values.at(-1);
    if (value === undefined || this.#values.length === this.#marks.at(-1)) {
      throw this.#reader.malformed("a value on the stack", "none");
    }
    return value;
  }

  pop(): PickledValue {
    const value = this.top();
    this.#values.pop();
    return value;
  }

  /** The topmost `count` values, in the order in which they were pushed. */
  take(count: number): PickledValue[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  popToMark(): PickledValue[] {
    const height = this.#marks.pop();
    if (height === undefined) throw this.#reader.malformed("a mark on the stack", "none");
    return this.#values.splice(height);
  }

  /** POP takes the mark off where one is on top (Lib/pickle.py, load_pop). */
  discard(): void {
    if (this.#values.length === this.#marks.at(-1)) this.#marks.pop();
    else this.pop();
  }

  /** The value that must be the only one. */
  last(): PickledValue {
    const value = this.pop();
    const left = this.#values.length + this.#marks.length;
    if (left > 0) throw this.#reader.malformed("one value at the end", `${left} more on the stack`);
    return value;
  }

  /** Remembers the topmost value. */
  put(index: number): void {
    if (this.#memo.size === PICKLE_LIMITS.memoEntries) {
      throw this.#reader.limit("memo entries", PICKLE_LIMITS.memoEntries);
    }
    this.#memo.set(index, this.top());
  }

  memoize(): void {
    this.put(this.#memo.size);
  }

  get(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) throw this.#reader.malformed(`memo entry ${index}`, "none");
    this.push(value);
  }

  #full(): NetworkError {
    return this.#reader.limit("values on the stack", PICKLE_LIMITS.stackValues);
  }
}
