/** Looks over a text that should be JSON before JSON.parse does, for what JSON.parse would let pass or choke on. */

import { printable } from "#src/base/text.js";

export interface JsonLimits {
  readonly depth: number;
  /** Commas, and so values: JSON.parse would make an object of each. */
  readonly entries: number;
}

export interface JsonFault {
  readonly expected: string;
  readonly found: string;
}

/**
 * The first fault, if any: a key given twice in one object, nesting beyond the limit, too many entries, or a value that
 * is neither a text nor a whole number nor a container of them. A text without faults need not be JSON: JSON.parse tells.
 */
export function scanJson(text: string, limits: JsonLimits): JsonFault | undefined {
  /** The keys of every container that is open; a list has none. */
  const open: Set<string>[] = [];
  let entries = 0;
  let lastString = "";
  for (let at = 0; at < text.length; at += 1) {
    switch (text[at]) {
      case '"': {
        const end = endOfString(text, at);
        lastString = text.slice(at, end);
        at = end - 1;
        break;
      }
      case ":": {
        const key = unescaped(lastString);
        if (open.at(-1)?.has(key)) return { expected: "each key once", found: `"${printable(key)}" twice` };
        open.at(-1)?.add(key);
        break;
      }
      case "{":
      case "[":
        if (open.length === limits.depth) {
          return { expected: `nesting at most ${limits.depth} deep`, found: "deeper" };
        }
        open.push(new Set());
        break;
      case "}":
      case "]":
        open.pop();
        break;
      case ",":
        entries += 1;
        if (entries > limits.entries) return { expected: `at most ${limits.entries} entries`, found: "more" };
        break;
      default:
        if (!/[\d \t\r\n]/.test(text.charAt(at))) {
          return {
            expected: "texts and whole numbers",
            found: `"${printable(text.slice(at, at + 20))}"`,
          };
        }
    }
  }
  return undefined;
}

/** Index behind the closing quote; behind the text when there is none. */
function endOfString(text: string, begin: number): number {
  for (let at = begin + 1; at < text.length; at += 1) {
    const character = text[at];
    if (character === "\\") at += 1;
    else if (character === '"') return at + 1;
  }
  return text.length;
}

/** Two keys are one when they mean the same characters, however they are escaped. */
function unescaped(string: string): string {
  try {
    return String(JSON.parse(string));
  } catch {
    return string; // Not JSON, which JSON.parse of the whole will say.
  }
}

/** Looks over a long text of JSON before JSON.parse does: could it take far more memory as objects than as a text? */

/** A bracket becomes 45 bytes at most (V8 11), so what is shorter costs less than 64 MB. */
const SHORT_CHARACTERS = 2 ** 20;
/** Our deepest document has seven. */
const MOST_DEPTH = 32;
/** A list or an object of ours takes more than this, on average; an empty one takes three characters, and 32 bytes of memory. */
const LEAST_CHARACTERS = 16;

const [QUOTE, BACKSLASH, BRACKET, BRACE, BRACKET_END, BRACE_END] = Array.from('"\\[{]}', (mark) =>
  mark.charCodeAt(0),
);

/** What is wrong, in words; undefined for a text that may be parsed, which need not be JSON. */
export function jsonBloat(text: string): string | undefined {
  if (text.length <= SHORT_CHARACTERS) return undefined;
  let depth = 0;
  let containers = 0;
  for (let at = 0; at < text.length; at++) {
    const mark = text.charCodeAt(at);
    if (mark === QUOTE) at = closingQuote(text, at);
    else if (mark === BRACKET || mark === BRACE) {
      containers++;
      depth++;
      if (depth > MOST_DEPTH) return `nested more than ${MOST_DEPTH} deep`;
    } else if (mark === BRACKET_END || mark === BRACE_END) depth--;
  }
  if (containers * LEAST_CHARACTERS <= text.length) return undefined;
  return `${containers} lists and objects in ${text.length} characters`;
}

/** Of the string that begins at `begin`; behind the text where there is none. */
function closingQuote(text: string, begin: number): number {
  let at = begin + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}
