/** An image's cell, in the terminal's greys where it has them. */
import { Chalk } from "chalk";
import { type PaintCell, plainCell } from "#src/reports/image-text.js";
import type { ColourLevel } from "./colour.js";

/** From here on there are 256 colours, with 24 greys. */
const GREYS_FROM_LEVEL: ColourLevel = 2;
/** The 256-colour palette's grey ramp: 24 steps from 232 (xterm's documentation, ctlseqs). */
const FIRST_GREY = 232;
const LAST_STEP = 23;

/** How images are painted on a stream of this level. */
export function paintFor(level: ColourLevel): PaintCell {
  return level >= GREYS_FROM_LEVEL ? greyCell : plainCell;
}

const ansi256 = new Chalk({ level: GREYS_FROM_LEVEL });
const greyCell: PaintCell = (upper, lower) => ansi256.ansi256(greyOf(upper)).bgAnsi256(greyOf(lower))("▀");

function greyOf(value: number): number {
  return FIRST_GREY + Math.round((value / 255) * LAST_STEP);
}
