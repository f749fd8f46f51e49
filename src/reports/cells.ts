/** Text in the cells of a terminal: as wide as it is shown. */

/**
 * Characters of two cells: the wide ones of Unicode's East Asian Width (UAX #11), by their scripts. Compiled when first
 * needed, since most texts are ASCII.
 */
const WIDE =
  /[\p{Script=Hangul}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u{3000}-\u{303f}\u{ff01}-\u{ff60}\u{ffe0}-\u{ffe6}\p{Emoji_Presentation}]/u;
const MARK = /\p{M}/u;
const ASCII = /^[ -~]*$/;

export function cellsOf(text: string): number {
  if (ASCII.test(text)) return text.length;
  let cells = 0;
  for (const character of text) cells += widthOf(character);
  return cells;
}

/** Padded behind. */
export function leftCell(text: string, cells: number): string {
  return text + " ".repeat(Math.max(0, cells - cellsOf(text)));
}

/** Padded before. */
export function rightCell(text: string, cells: number): string {
  return " ".repeat(Math.max(0, cells - cellsOf(text))) + text;
}

/** No wider than `cells`; what is cut off is told by `…`. */
export function shortened(text: string, cells: number): string {
  if (cellsOf(text) <= cells) return text;
  let kept = "";
  let left = cells - 1;
  for (const character of text) {
    left -= widthOf(character);
    if (left < 0) break;
    kept += character;
  }
  return `${kept}…`;
}

function widthOf(character: string): number {
  if (MARK.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** Bars of text for shares from 0 to 1. */

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A bar of at most `width` cells, to an eighth of a cell, padded to that width. */
export function bar(share: number, width: number): string {
  const eighths = Math.round(share * width * 8);
  return ("█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]).padEnd(width);
}

// Lines of a text answer that begin with a name, their values below each other.

export type Row = readonly [name: string, value: string];

/** The names that all answers have in common are no longer. */
const NAME_CELLS = 8;

export function rowLines(rows: readonly Row[]): string[] {
  const nameCells = Math.max(NAME_CELLS, ...rows.map(([name]) => cellsOf(name)));
  return rows.map(([name, value]) => `${leftCell(name, nameCells)} : ${value}`);
}

/** How a text answer is painted; without colour, not at all. */

export interface Paint {
  /** A cell of the confusion matrix, on its diagonal where `isRight`; `strength` is above 0 and at most 1. */
  heat(text: string, strength: number, isRight: boolean): string;
  strong(text: string): string;
  faint(text: string): string;
}

export const plainPaint: Paint = {
  heat: (text) => text,
  strong: (text) => text,
  faint: (text) => text,
};
