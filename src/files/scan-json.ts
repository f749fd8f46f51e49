/** Looks over a text that should be JSON before JSON.parse does, for what JSON.parse would let pass or choke on. */
import { printable } from "#src/base/printable.js";

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
