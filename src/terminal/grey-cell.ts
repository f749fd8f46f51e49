/** An image's cell, in the terminal's greys where it has them. */
import { Chalk, supportsColor } from "chalk";
import { type PaintCell, plainCell } from "../reports/image-text.js";

/** Levels of colour as chalk counts them: from 2 on there are 256, with 24 greys. */
const GREYS_FROM_LEVEL = 2;
/** The 256-colour palette's grey ramp: 24 steps from 232 (xterm's documentation, ctlseqs). */
const FIRST_GREY = 232;
const LAST_STEP = 23;

/** How stdout's terminal is painted on; `color`: whether the user allows any. */
export function paintFor(color: boolean): PaintCell {
  return color && supportsColor && supportsColor.level >= GREYS_FROM_LEVEL ? greyCell : plainCell;
}

const ansi256 = new Chalk({ level: 2 });
const greyCell: PaintCell = (upper, lower) => ansi256.ansi256(greyOf(upper)).bgAnsi256(greyOf(lower))("▀");

function greyOf(value: number): number {
  return FIRST_GREY + Math.round((value / 255) * LAST_STEP);
}
