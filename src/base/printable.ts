/** Names that a file brought, made fit to stand in a message: one line, no control characters, not too long. */

const LONGEST_CHARACTERS = 80;
const LISTED_NAMES = 6;
/** What nearly all names are; the classes of Unicode take milliseconds to compile. */
const PLAIN = /^[ -~]*$/;

/** Letters, digits, punctuation and symbols stay; anything that could move a terminal's cursor is spelled out. */
export function printable(text: string, longest = LONGEST_CHARACTERS): string {
  if (text.length <= longest && PLAIN.test(text)) return text;
  const shown = text
    .slice(0, longest)
    .replace(
      /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu,
      (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
    );
  return text.length > longest ? `${shown}…` : shown;
}

/** `W1, b1, W2 and 3 more`. */
export function listed(names: readonly string[]): string {
  const shown = names
    .slice(0, LISTED_NAMES)
    .map((name) => printable(name))
    .join(", ");
  return names.length > LISTED_NAMES ? `${shown} and ${names.length - LISTED_NAMES} more` : shown;
}
