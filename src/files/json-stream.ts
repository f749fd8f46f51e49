/**
 * Looks over the bytes of a JSON document as they are read, before JSON.parse makes values of them: limits depth and number of
 * values, and leaves out a long list of whole numbers that the reader does not need. A fault ends the reading.
 */

import type { JsonFault } from "./scan-json.js";

export interface JsonStreamLimits {
  readonly depth: number;
  /** Most commas, and so values: JSON.parse makes a value of each. */
  readonly entries: number;
  /** Most texts, keys included, and characters outside texts that no whole number has: JSON.parse takes 16 bytes or more for each. */
  readonly others?: number;
  /** Most different keys: JSON.parse takes up to 500 bytes for each. */
  readonly keys: number;
  /** Most bytes that are kept. */
  readonly keptBytes: number;
  /** Key of the document's own object whose value, a list of whole numbers, is read as an empty list. */
  readonly without?: string | undefined;
}

const [QUOTE, BACKSLASH, COLON, COMMA] = [0x22, 0x5c, 0x3a, 0x2c];
const [LIST, LIST_END, OBJECT, OBJECT_END] = [0x5b, 0x5d, 0x7b, 0x7d];
const [ZERO, NINE] = [0x30, 0x39];
const [POINT, FIRST_LETTER, LAST_LETTER] = [0x2e, 0x61, 0x7a];
/** Hash of a key, 32 bits: FNV-1a (Fowler, Noll, Vo). */
const [HASH_START, HASH_FACTOR] = [0x811c9dc5 | 0, 0x01000193];
/** Longest key that is compared with `without`. */
const KEY_BYTES = 64;

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** True in fractions, exponents, `true`, `false` and `null`. */
function isOther(byte: number): boolean {
  const lowerCase = byte | 0x20;
  return byte === POINT || (lowerCase >= FIRST_LETTER && lowerCase <= LAST_LETTER);
}

/** Takes the document piece by piece. */
export class JsonStream {
  readonly #limits: JsonStreamLimits;
  readonly #kept: Uint8Array[] = [];
  #keptBytes = 0;
  #depth = 0;
  #entries = 0;
  #others = 0;
  #isInString = false;
  #isEscaped = false;
  /** The last string at depth 1, as long as it may be a key. */
  #key = "";
  /** Hash of the last string. */
  #hash = HASH_START;
  /** Hashes of all keys. Two keys of one hash count as one. */
  readonly #keys = new Set<number>();
  /** True from the colon of the key that is left out to its value. */
  #isBefore = false;
  /** Within the list that is left out: what may come next. */
  #left: "no" | "first" | "number" | "digits" | "after" = "no";

  constructor(limits: JsonStreamLimits) {
    this.#limits = limits;
  }

  /** Returns the first fault, or undefined. The piece is copied where it is kept. */
  add(piece: Uint8Array): JsonFault | undefined {
    let keptFrom = this.#left === "no" ? 0 : -1;
    for (let at = 0; at < piece.length; at++) {
      const byte = piece[at]!;
      if (this.#left !== "no") {
        const isEnd = this.#leaveOut(byte);
        if (isEnd === undefined) return { expected: "a list of whole numbers", found: "another value" };
        if (isEnd) keptFrom = at;
      } else if (this.#isInString) this.#inString(byte);
      else {
        const fault = this.#structure(byte);
        if (fault !== undefined) return fault;
        if (this.#isBefore && byte !== COLON && !isSpace(byte)) {
          this.#isBefore = false;
          if (byte === LIST) {
            this.#left = "first";
            this.#keep(piece.subarray(keptFrom, at + 1));
            keptFrom = -1;
          }
        }
      }
    }
    if (keptFrom >= 0) this.#keep(piece.subarray(keptFrom));
    if (this.#keptBytes <= this.#limits.keptBytes) return undefined;
    return { expected: `at most ${this.#limits.keptBytes} bytes`, found: "more" };
  }

  /** The document without what was left out. */
  text(): string {
    const decoder = new TextDecoder();
    return this.#kept.map((piece) => decoder.decode(piece, { stream: true })).join("") + decoder.decode();
  }

  #keep(piece: Uint8Array): void {
    this.#kept.push(piece.slice());
    this.#keptBytes += piece.length;
  }

  #inString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) this.#isInString = false;
    this.#hash = Math.imul(this.#hash ^ byte, HASH_FACTOR);
    if (this.#isInString && this.#depth === 1 && this.#key.length < KEY_BYTES) {
      this.#key += String.fromCharCode(byte);
    }
  }

  #structure(byte: number): JsonFault | undefined {
    const { depth, entries, others = Infinity, keys, without } = this.#limits;
    if (byte === QUOTE || isOther(byte)) {
      this.#others++;
      if (this.#others > others)
        return { expected: `at most ${others} texts, fractions and words`, found: "more" };
    }
    if (byte === QUOTE) {
      this.#isInString = true;
      this.#key = "";
      this.#hash = HASH_START;
    } else if (byte === LIST || byte === OBJECT) {
      this.#depth++;
      if (this.#depth > depth) return { expected: `nesting at most ${depth} deep`, found: "deeper" };
    } else if (byte === LIST_END || byte === OBJECT_END) this.#depth--;
    else if (byte === COMMA) {
      this.#entries++;
      if (this.#entries > entries) return { expected: `at most ${entries} entries`, found: "more" };
    } else if (byte === COLON) {
      this.#keys.add(this.#hash);
      if (this.#keys.size > keys) return { expected: `at most ${keys} different keys`, found: "more" };
      if (this.#depth === 1) this.#isBefore = this.#key === without;
    }
    return undefined;
  }

  /** True at the bracket that ends the list; undefined for a byte that cannot be there. */
  #leaveOut(byte: number): boolean | undefined {
    const isDigit = byte >= ZERO && byte <= NINE;
    if (isDigit) {
      if (this.#left === "after") return undefined;
      this.#left = "digits";
    } else if (isSpace(byte)) {
      if (this.#left === "digits") this.#left = "after";
    } else if (byte === COMMA) {
      if (this.#left !== "digits" && this.#left !== "after") return undefined;
      this.#left = "number";
    } else if (byte === LIST_END && this.#left !== "number") {
      this.#left = "no";
      this.#depth--;
      return true;
    } else return undefined;
    return false;
  }
}

export interface JsonTextLimits {
  /** Longest text in bytes; longer ones are left out. */
  readonly longest: number;
  /** Most different texts. */
  readonly texts: number;
  /** Most bytes of all texts. */
  readonly bytes: number;
}

/** Finds the texts of a JSON document, piece by piece, without parsing it. */
export class JsonTexts {
  readonly texts = new Set<string>();
  readonly #limits: JsonTextLimits;
  readonly #bytes: Buffer;
  #foundBytes = 0;
  /** Length of the text so far; it can be longer than what is kept. */
  #length = 0;
  #isInString = false;
  #isEscaped = false;

  constructor(limits: JsonTextLimits) {
    this.#limits = limits;
    this.#bytes = Buffer.alloc(limits.longest);
  }

  /** Ignores all pieces once a limit is reached. */
  add(piece: Uint8Array): void {
    const { texts, bytes } = this.#limits;
    for (let at = 0; at < piece.length; at++) {
      if (this.texts.size >= texts || this.#foundBytes > bytes) return;
      const byte = piece[at]!;
      if (!this.#isInString) {
        // Long lists of numbers are passed over at once.
        at = piece.indexOf(QUOTE, at);
        if (at < 0) return;
        this.#isInString = true;
        this.#length = 0;
      } else if (byte === QUOTE && !this.#isEscaped) {
        this.#isInString = false;
        this.#end();
      } else {
        this.#isEscaped = byte === BACKSLASH && !this.#isEscaped;
        if (this.#length < this.#bytes.length) this.#bytes[this.#length] = byte;
        this.#length++;
      }
    }
  }

  #end(): void {
    if (this.#length > this.#bytes.length) return;
    this.#foundBytes += this.#length;
    const text = this.#bytes.toString("utf8", 0, this.#length);
    try {
      this.texts.add(String(JSON.parse(`"${text}"`)));
    } catch {
      // The reader of the document reports it.
    }
  }
}
