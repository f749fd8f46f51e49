/** Parts of text reports: padded cells, bars, rows with a name, and colours. */

/**
 * Characters that take two cells: the wide ones of Unicode's East Asian Width (UAX #11), by script.
 * Most texts are ASCII and never run this expression.
 */
const WIDE =
  /[\p{Script=Hangul}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u{3000}-\u{303f}\u{ff01}-\u{ff60}\u{ffe0}-\u{ffe6}\p{Emoji_Presentation}]/u;
const MARK = /\p{M}/u;
const ASCII = /^[ -~]*$/;

/** Width of a text on a terminal, in cells. */
export function cellsOf(text: string): number {
  if (ASCII.test(text)) return text.length;
  let cells = 0;
  for (const character of text) cells += widthOf(character);
  return cells;
}

/** Text padded on the right to `cells`. */
export function leftCell(text: string, cells: number): string {
  return text + " ".repeat(Math.max(0, cells - cellsOf(text)));
}

/** Text padded on the left to `cells`. */
export function rightCell(text: string, cells: number): string {
  return " ".repeat(Math.max(0, cells - cellsOf(text))) + text;
}

/** Text cut to `cells`. A cut text ends with `…`. */
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

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** Bar for a share from 0 to 1, in steps of an eighth of a cell, padded to `width` cells. */
export function bar(share: number, width: number): string {
  const eighths = Math.round(share * width * 8);
  return ("█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]).padEnd(width);
}

/** A line of a text report: a name and its value. */
export type Row = readonly [name: string, value: string];

/** Least width of names, in cells: the longest name that all reports share. */
const NAME_CELLS = 8;

/** Lines `name : value`, with the values in one column. */
export function rowLines(rows: readonly Row[]): string[] {
  const nameCells = Math.max(NAME_CELLS, ...rows.map(([name]) => cellsOf(name)));
  return rows.map(([name, value]) => `${leftCell(name, nameCells)} : ${value}`);
}

/** Colours of a text report. */
export interface Paint {
  /** Paints a cell of the confusion matrix, on the diagonal if `isRight`. `strength` is above 0, at most 1. */
  heat(text: string, strength: number, isRight: boolean): string;
  strong(text: string): string;
  faint(text: string): string;
}

/** Paint without colours. */
export const plainPaint: Paint = {
  heat: (text) => text,
  strong: (text) => text,
  faint: (text) => text,
};
