/** Names, values and numbers as text for users. */

import { closest, distance } from "fastest-levenshtein";

const LONGEST_CHARACTERS = 80;
const LISTED_NAMES = 6;
/** Pattern of nearly all names. It avoids the Unicode classes, which take milliseconds to compile. */
const PLAIN = /^[ -~]*$/;

/**
 * Text from a file, safe for a message: one line, cut after `longest` characters. Control characters, which could move a
 * terminal's cursor, are written as escapes.
 */
export function printable(text: string, longest = LONGEST_CHARACTERS): string {
  if (text.length <= longest && PLAIN.test(text)) return text;
  const shown = text.slice(0, longest).replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, asEscape);
  return text.length > longest ? `${shown}…` : shown;
}

/**
 * Text of any length with tabs and line ends, for documents. All other control characters, and those that change the direction
 * of the text, are written as escapes.
 */
export function withoutControls(text: string): string {
  return PLAIN.test(text) ? text : text.replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}\t\n\r]/gu, asEscape);
}

function asEscape(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}

/** A value of a JSON file as JSON. Lists of lists are only described: they may be too deep for JSON.stringify. */
export function valueText(value: unknown, longest = LONGEST_CHARACTERS): string {
  const isNested = isContainer(value) && Object.values(value).some(isContainer);
  if (isNested) return `${Array.isArray(value) ? "a list" : "an object"} of lists or objects`;
  return printable(JSON.stringify(value) ?? "nothing", longest);
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** List of names: `W1, b1, W2 and 3 more`. */
export function listed(names: readonly string[]): string {
  const shown = names
    .slice(0, LISTED_NAMES)
    .map((name) => printable(name))
    .join(", ");
  return names.length > LISTED_NAMES ? `${shown} and ${names.length - LISTED_NAMES} more` : shown;
}

/**
 * A number as Python's `repr(float)` prints it: the shortest digits that read back as the same number, `1.0` for 1, an
 * exponent below 1e-4 and from 1e16.
 */
export function pythonFloat(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/** A time in milliseconds, rounded to microseconds. Smaller parts are noise. */
export function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/**
 * The known name closest to the one found, or undefined if none is close or the one found is too long to be a typing error.
 * `suggest("mnits", ["mnist", "fashion"])` → `"mnist"`.
 */
export function suggest(found: string, known: readonly string[]): string | undefined {
  if (known.length === 0 || found.length > LONGEST_CHARACTERS) return undefined;
  const nearest = closest(found, known);
  return distance(found, nearest) <= Math.max(2, Math.floor(found.length / 3)) ? nearest : undefined;
}
