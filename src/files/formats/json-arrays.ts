/** Reads JSON of nested lists of numbers, byte by byte: numbers go straight into memory for float64, not into values. */

import { finished, type Steps } from "#src/base/abort.js";
import { NetworkError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { type ArrayTree, type NamedContent, namedContent } from "./array-tree.js";
import type { NamedArray } from "./arrays.js";

/** Most bytes of a file of text. A number takes about 20. */
export const MAX_TEXT_BYTES = 2 ** 28;
/** Most numbers of a file. */
export const MAX_NUMBERS = 2 ** 25;
/** Most numbers of a list without lists. A layer has fewer biases. */
const MAX_FLAT = 2 ** 20;
const MAX_DEPTH = 16;
/** Most keys of all objects, and most items of all lists of different shapes. */
const MAX_VALUES = 2 ** 14;
/** Longest text that is kept. */
const MAX_TEXT = 4_096;
/** Longest number. Float64 needs 24 characters; exact decimals of small ones have up to 1,077. */
const MAX_WORD = 1_100;

/** Items of lists that take a few milliseconds. */
const STEP_VALUES = 2 ** 14;

const [QUOTE, BACKSLASH, COLON, COMMA] = [0x22, 0x5c, 0x3a, 0x2c];
const [LIST, LIST_END, OBJECT, OBJECT_END] = [0x5b, 0x5d, 0x7b, 0x7d];
/** JSON's numbers, and those that Python's json writes beyond them. */
const NUMBER = /^(-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?|NaN|-?Infinity)$/;
const BOM = [0xef, 0xbb, 0xbf];

/**
 * Returns the arrays of a JSON document, and its texts, by their keys: `layers.0.weight`. Nested lists of equal lengths are one
 * array. `path` is for messages.
 *
 * @throws NetworkError ERR_WEIGHTS_TEXT, ERR_WEIGHTS_SIZE, ERR_NETWORK_FORMAT
 */
export function decodeJson(path: string, bytes: Uint8Array): NamedContent {
  return finished(jsonInSteps(path, bytes));
}

/** `decodeJson` in steps of some thousand numbers each. */
export function* jsonInSteps(path: string, bytes: Uint8Array): Steps<NamedContent> {
  if (bytes.length > MAX_TEXT_BYTES) {
    const facts = { path, actualBytes: bytes.length, limitBytes: MAX_TEXT_BYTES };
    throw new NetworkError("ERR_WEIGHTS_SIZE", facts);
  }
  const tree = yield* new JsonReader(path, bytes).document();
  return namedContent(tree, (expected, found) => {
    throw new NetworkError("ERR_NETWORK_FORMAT", { path, expected, found });
  });
}

/** Shape of a list whose numbers lie in memory from `begin` on; undefined for a list of other values. */
interface Run {
  readonly begin: number;
  readonly shape: readonly number[];
}

type Value = Run | ArrayTree;

class JsonReader {
  readonly #path: string;
  readonly #bytes: Uint8Array;
  #at = 0;
  #numbers = new Float64Array(1_024);
  #count = 0;
  #values = 0;
  #steps = 0;

  constructor(path: string, bytes: Uint8Array) {
    this.#path = path;
    this.#bytes = bytes;
    if (BOM.every((byte, index) => bytes[index] === byte)) this.#at = BOM.length;
  }

  *document(): Steps<ArrayTree> {
    const value = yield* this.#value(0);
    this.#space();
    if (this.#at < this.#bytes.length) throw this.#fault("the end of the file");
    return this.#tree(value);
  }

  *#value(depth: number): Steps<Value> {
    if (depth > MAX_DEPTH) throw this.#fault(`nesting at most ${MAX_DEPTH} deep`, "deeper");
    this.#space();
    switch (this.#bytes[this.#at]) {
      case LIST:
        return yield* this.#list(depth);
      case OBJECT:
        return yield* this.#object(depth);
      case QUOTE:
        return { kind: "text", text: this.#text() };
      default:
        return this.#word();
    }
  }

  /** A list of runs with one shape is a run itself. The items of any other list are kept one by one. */
  *#list(depth: number): Steps<Value> {
    this.#at += 1;
    const begin = this.#count;
    let shape: readonly number[] | undefined;
    let length = 0;
    let items: ArrayTree[] | undefined;
    for (let isFirst = true; !this.#ends(LIST_END, isFirst); isFirst = false) {
      // A generator for each number would take as long as the numbers.
      this.#space();
      const value = this.#isWord() ? this.#word() : yield* this.#value(depth + 1);
      if (++this.#steps % STEP_VALUES === 0) yield;
      const isRun = "shape" in value && (shape === undefined || isEqual(shape, value.shape));
      if (items === undefined && isRun) {
        shape = value.shape;
        length += 1;
        if (length > MAX_FLAT && shape.length === 0) throw this.#flat();
        continue;
      }
      items ??= this.#split(begin, shape ?? [], length);
      this.#spend();
      items.push(this.#tree(value));
    }
    if (items !== undefined) return { kind: "list", items };
    return { begin, shape: [length, ...(shape ?? [])] };
  }

  /** The first items of a list, which looked like a run. Numbers among lists are no array of a network. */
  #split(begin: number, shape: readonly number[], length: number): ArrayTree[] {
    const size = shape.reduce((product, one) => product * one, 1);
    return Array.from({ length }, (_, index) => {
      this.#spend();
      return shape.length === 0 ? { kind: "other" } : this.#tree({ begin: begin + index * size, shape });
    });
  }

  *#object(depth: number): Steps<ArrayTree> {
    this.#at += 1;
    const entries = new Map<string, ArrayTree>();
    for (let isFirst = true; !this.#ends(OBJECT_END, isFirst); isFirst = false) {
      this.#space();
      if (this.#bytes[this.#at] !== QUOTE) throw this.#fault("a key in quotes");
      const key = this.#text();
      if (entries.has(key)) throw this.#fault("each key once", `"${printable(key)}" twice`);
      this.#space();
      if (this.#bytes[this.#at] !== COLON) throw this.#fault("a colon");
      this.#at += 1;
      this.#spend();
      entries.set(key, this.#tree(yield* this.#value(depth + 1)));
    }
    return { kind: "dict", entries };
  }

  /** Moves over the end of a list or an object, or over the comma before its next item. */
  #ends(end: number, isFirst: boolean): boolean {
    this.#space();
    const byte = this.#bytes[this.#at];
    if (byte === end) {
      this.#at += 1;
      return true;
    }
    if (isFirst) return false;
    if (byte !== COMMA) throw this.#fault(`a comma or ${String.fromCharCode(end)}`);
    this.#at += 1;
    return false;
  }

  #text(): string {
    const begin = this.#at;
    let end = begin + 1;
    while (end < this.#bytes.length && this.#bytes[end] !== QUOTE)
      end += this.#bytes[end] === BACKSLASH ? 2 : 1;
    if (end >= this.#bytes.length) throw this.#fault("the end of a text", "the end of the file");
    this.#at = end + 1;
    if (end - begin > MAX_TEXT) return "";
    try {
      return String(JSON.parse(Buffer.from(this.#bytes.subarray(begin, end + 1)).toString("utf8")));
    } catch {
      this.#at = begin;
      throw this.#fault("a text of JSON");
    }
  }

  #isWord(): boolean {
    const byte = this.#bytes[this.#at];
    return byte !== undefined && isWord(byte);
  }

  #word(): Value {
    const begin = this.#at;
    let word = "";
    for (let byte = this.#bytes[begin]; byte !== undefined && isWord(byte); byte = this.#bytes[this.#at]) {
      if (word.length === MAX_WORD) throw this.#fault("a number of fewer digits", "more");
      word += String.fromCharCode(byte);
      this.#at += 1;
    }
    if (NUMBER.test(word)) {
      this.#push(Number(word));
      return { begin: this.#count - 1, shape: [] };
    }
    if (word === "null" || word === "true" || word === "false") return { kind: "other" };
    this.#at = begin;
    throw this.#fault("a value of JSON");
  }

  #push(value: number): void {
    if (this.#count === MAX_NUMBERS) throw this.#fault(`at most ${MAX_NUMBERS} numbers`, "more");
    if (this.#count === this.#numbers.length) {
      const wider = new Float64Array(2 * this.#count);
      wider.set(this.#numbers);
      this.#numbers = wider;
    }
    this.#numbers[this.#count] = value;
    this.#count += 1;
  }

  /** Ends a run: its numbers are an array. They stay where they are; `#numbers` may still move. */
  #tree(value: Value): ArrayTree {
    if (!("shape" in value)) return value;
    const { begin, shape } = value;
    const end = begin + shape.reduce((product, size) => product * size, 1);
    const numbers = () => this.#numbers.subarray(begin, end);
    const array: NamedArray = {
      shape,
      get data() {
        return numbers();
      },
    };
    if (shape.length !== 1 || !numbers().every((one) => Number.isInteger(one) && one > 0)) {
      return { kind: "array", array, isNested: true };
    }
    // Positive whole numbers are sizes or counts: trained weights have fractions.
    return { kind: "array", array: { shape, data: numbers().slice(), isWhole: true }, isNested: true };
  }

  #spend(): void {
    this.#values += 1;
    if (this.#values > MAX_VALUES) throw this.#fault(`at most ${MAX_VALUES} keys and lists`, "more");
  }

  #space(): void {
    for (
      let byte = this.#bytes[this.#at];
      byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
    ) {
      this.#at += 1;
      byte = this.#bytes[this.#at];
    }
  }

  #flat(): NetworkError {
    const expected = "weights as nested lists of numbers";
    const found = `a list of more than ${MAX_FLAT} numbers`;
    return new NetworkError("ERR_NETWORK_FORMAT", { path: this.#path, expected, found });
  }

  #fault(expected: string, found?: string): NetworkError {
    const { length } = this.#bytes;
    const next = Buffer.from(this.#bytes.subarray(this.#at, this.#at + 12)).toString("latin1");
    const here = this.#at >= length ? "the end of the file" : `"${printable(next)}"`;
    const facts = { path: this.#path, offset: Math.min(this.#at, length), expected, found: found ?? here };
    return new NetworkError("ERR_WEIGHTS_TEXT", facts);
  }
}

function isEqual(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, index) => size === b[index]);
}

/** Letters, digits, and the marks of numbers. */
function isWord(byte: number): boolean {
  const isDigit = byte >= 0x30 && byte <= 0x39;
  const isLetter = (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
  return isDigit || isLetter || byte === 0x2b || byte === 0x2d || byte === 0x2e;
}
