/** Text that others chose, as it may stand in Markdown. */
import { assumedText } from "#src/base/assumptions.js";
import type { Assumption } from "#src/base/contracts/assumption.js";
import { printable } from "#src/base/printable.js";

/** GitHub makes a link of what begins with www. */
const HARMLESS = /^(?!.*www\.)[\p{L}\p{M}\p{N} .,()-]*$/iu;

/**
 * A name within a line or a table's cell. One that holds any other mark stands in `<code>`, where GitHub looks for
 * neither @mentions nor #references, and each of its marks is a character reference: these can open no markup, link, tag
 * or cell (CommonMark 0.31, "Entity and numeric character references").
 */
export function markdownText(text: string, longestCharacters?: number): string {
  const shown = printable(text, longestCharacters);
  if (HARMLESS.test(shown)) return shown;
  return `<code>${shown.replace(/[^\p{L}\p{M}\p{N} ]/gu, (mark) => `&#${mark.codePointAt(0)};`)}</code>`;
}

/** A table; cells are written as they are. */
export function markdownTable(
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  align: readonly ("left" | "right")[],
): string {
  const lines = [header, align.map((side) => (side === "left" ? ":--" : "--:")), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

/** `**Assumed**: …`, if anything was. */
export function assumedParts(assumptions: readonly Assumption[]): string[] {
  if (assumptions.length === 0) return [];
  return [`**Assumed**: ${markdownText(assumedText(assumptions), Number.POSITIVE_INFINITY)}\n`];
}
