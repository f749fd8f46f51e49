/** An image's cell in the terminal's greys. */
import { Chalk } from "chalk";
import type { PaintCell } from "../reports/image-text.js";

const ansi256 = new Chalk({ level: 2 });
/** The 256-colour palette's grey ramp: 24 steps from 232 (xterm's documentation, ctlseqs). */
const FIRST_GREY = 232;
const LAST_STEP = 23;

export const greyCell: PaintCell = (upper, lower) =>
  ansi256.ansi256(greyOf(upper)).bgAnsi256(greyOf(lower))("▀");

function greyOf(value: number): number {
  return FIRST_GREY + Math.round((value / 255) * LAST_STEP);
}
