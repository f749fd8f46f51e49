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
