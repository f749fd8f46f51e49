/** Bars of text for shares from 0 to 1. */

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A bar of at most `width` cells, to an eighth of a cell, padded to that width. */
export function bar(share: number, width: number): string {
  const eighths = Math.round(share * width * 8);
  return ("█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]).padEnd(width);
}
