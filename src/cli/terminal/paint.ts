/** Decides how many colours stdout and stderr get, and what reaches a terminal. */

import { env as processEnv } from "node:process";

/** Level of colour, as in chalk: none, 16 colours, 256, RGB. */
export type ColourLevel = 0 | 1 | 2 | 3;

/** Parts of a stream that the decision needs. */
export interface ColourStream {
  readonly isTTY?: boolean | undefined;
  getColorDepth?(env?: object): number;
}

const LEVEL_OF_DEPTH: ReadonlyMap<number, ColourLevel> = new Map([
  [4, 1],
  [8, 2],
  [24, 3],
]);

/**
 * The first of these rules that applies decides:
 *
 * 1. `allowed` false, which is `--no-color`: none.
 * 2. NO_COLOR, not empty: none. Its text makes no exception (no-color.org), and the standard that orders several such
 *    variables puts it first (bixense.com/clicolors); Node's own `getColorDepth` has the next go before it.
 * 3. FORCE_COLOR, not empty (force-color.org): 0 and `false` none, 1, 2 and 3 that level, any other word 1; also where
 *    the stream is no terminal.
 * 4. What the terminal can show, as Node knows it; none where the stream is no terminal.
 */
export function colourLevel(
  stream: ColourStream,
  allowed: boolean,
  env: Readonly<NodeJS.ProcessEnv> = processEnv,
): ColourLevel {
  if (!allowed || env.NO_COLOR) return 0;
  if (env.FORCE_COLOR) return forcedLevel(env.FORCE_COLOR);
  if (!stream.isTTY) return 0;
  // Node treats the two variables as set if they are empty.
  const { FORCE_COLOR: _, NO_COLOR: __, ...rest } = env;
  return LEVEL_OF_DEPTH.get(stream.getColorDepth?.(rest) ?? 1) ?? 0;
}

function forcedLevel(word: string): ColourLevel {
  if (word === "0" || word === "false") return 0;
  if (word === "2" || word === "3") return word === "2" ? 2 : 3;
  return 1;
}

/** Text without anything that could change a terminal. The Unicode classes below take milliseconds to compile. */
const PLAIN = /^[\t\n -~]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: our colours, SGR of ECMA-48, are kept
const COLOUR_OR_UNSEEN = /\u001b\[[\d;]*m|[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * An answer as a terminal may show it. Names of files and classes can hold characters that move the cursor, or that show
 * text from right to left; they are written as escapes. Our own colours stay.
 */
export function terminalText(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replace(COLOUR_OR_UNSEEN, (found) =>
    found.length > 2 || found === "\n" || found === "\t"
      ? found
      : `\\u{${found.codePointAt(0)?.toString(16)}}`,
  );
}
