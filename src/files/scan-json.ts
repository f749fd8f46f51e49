/** Scans a text before JSON.parse does, for what JSON.parse accepts but a reader of a small document must not. */

import { printable } from "#src/base/text.js";

export interface JsonLimits {
  /** Most lists and objects around a value. */
  readonly depth: number;
  /** Most commas, and so values: JSON.parse makes an object of each. */
  readonly entries?: number;
  /** Most colons, and so keys: JSON.parse takes up to 500 bytes for each. */
  readonly keys?: number;
  /** Most lists and objects in all. */
  readonly containers?: number;
  /** Rejects a key that an object has twice: JSON.parse takes the last one. */
  readonly eachKeyOnce?: boolean;
  /** Rejects a key that an object has twice, and values other than texts, whole numbers, lists and objects. */
  readonly strict?: boolean;
}

export interface JsonFault {
  readonly expected: string;
  readonly found: string;
}

const [QUOTE, BACKSLASH, COLON, COMMA] = [0x22, 0x5c, 0x3a, 0x2c];
const [LIST, LIST_END, OBJECT, OBJECT_END] = [0x5b, 0x5d, 0x7b, 0x7d];
const DIGIT_OR_SPACE = /[\d \t\r\n]/;

/**
 * Returns the first fault, or undefined. A text without faults need not be JSON: JSON.parse decides that.
 */
export function scanJson(
  text: string,
  {
    depth,
    entries = Infinity,
    keys: mostKeys = Infinity,
    containers = Infinity,
    strict = false,
    eachKeyOnce = strict,
  }: JsonLimits,
): JsonFault | undefined {
  /** Keys of each open container; a list has none. Filled only if each key may occur once. */
  const keys: Set<string>[] = [];
  let openCount = 0;
  let containerCount = 0;
  let entryCount = 0;
  let keyCount = 0;
  /** The text before a colon. Each is looked at once, so that the scan is linear. */
  let lastString: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const mark = text.charCodeAt(at);
    if (mark === QUOTE) {
      const end = closingQuote(text, at);
      if (eachKeyOnce) lastString = text.slice(at, end + 1);
      at = end;
    } else if (mark === LIST || mark === OBJECT) {
      containerCount++;
      openCount++;
      if (openCount > depth) return { expected: `nesting at most ${depth} deep`, found: "deeper" };
      if (containerCount > containers) {
        return { expected: `at most ${containers} lists and objects`, found: "more" };
      }
      if (eachKeyOnce) keys.push(new Set());
    } else if (mark === LIST_END || mark === OBJECT_END) {
      openCount--;
      keys.pop();
    } else if (mark === COMMA) {
      entryCount++;
      if (entryCount > entries) return { expected: `at most ${entries} entries`, found: "more" };
    } else if (mark === COLON) {
      keyCount++;
      if (keyCount > mostKeys) return { expected: `at most ${mostKeys} keys`, found: "more" };
      if (!eachKeyOnce) continue;
      if (lastString === undefined) return { expected: "a key before each colon", found: "none" };
      const key = unescaped(lastString);
      lastString = undefined;
      if (keys.at(-1)?.has(key)) return { expected: "each key once", found: `"${printable(key)}" twice` };
      keys.at(-1)?.add(key);
    } else if (strict && !DIGIT_OR_SPACE.test(text.charAt(at))) {
      return { expected: "texts and whole numbers", found: `"${printable(text.slice(at, at + 20))}"` };
    }
  }
  return undefined;
}

/** Index of the quote that closes the string from `begin` on; at least the text's length if there is none. */
function closingQuote(text: string, begin: number): number {
  let at = begin + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}

/** Two keys are equal if they mean the same characters, however they are escaped. */
function unescaped(string: string): string {
  try {
    return String(JSON.parse(string));
  } catch {
    return string; // Not JSON; JSON.parse of the whole text reports it.
  }
}

/** A bracket becomes at most 45 bytes of memory (V8 11), so a shorter text takes less than 64 MB. */
const SHORT_CHARACTERS = 2 ** 20;
/** The deepest document of Batchwise has seven. */
export const DOCUMENT_DEPTH = 32;
/** Lists and objects in documents of Batchwise are longer on average. An empty one takes 3 characters and 32 bytes. */
const LEAST_CHARACTERS = 16;

/** Returns the reason why JSON.parse would need far more memory for `text` than the text has, or undefined. */
export function jsonBloat(text: string): string | undefined {
  if (text.length <= SHORT_CHARACTERS) return undefined;
  const containers = Math.floor(text.length / LEAST_CHARACTERS);
  const fault = scanJson(text, { depth: DOCUMENT_DEPTH, containers });
  return fault && `expected ${fault.expected}, found ${fault.found}`;
}
