/** Paints with chalk: images, the text answer, the states of checks. Loaded only if something is painted. */
import { Chalk, type ChalkInstance } from "chalk";
import type { PaintState } from "#src/cli/doctor/checks.js";
import type { Paint } from "#src/reports/cells.js";
import { greyOf, type PaintCell, type Pixel, plainCell } from "#src/reports/images.js";
import type { ColourLevel } from "./paint.js";

/** Lowest level with 256 colours, 24 of them grey. */
const GREYS_FROM_LEVEL: ColourLevel = 2;
/** Start of the grey ramp in the 256-colour palette: 24 steps from 232 (xterm's documentation, ctlseqs). */
const FIRST_GREY = 232;
const LAST_STEP = 23;

/** Returns how images are painted on a stream of this level. */
export function paintFor(level: ColourLevel): PaintCell {
  if (level < GREYS_FROM_LEVEL) return plainCell;
  const chalk = new Chalk({ level });
  return (upper, lower) =>
    typeof upper === "number" ? greyCell(upper, lower) : chalk.rgb(...upper).bgRgb(...rgbOf(lower))("▀");
}

const ansi256 = new Chalk({ level: GREYS_FROM_LEVEL });
const greyCell: PaintCell = (upper, lower) => ansi256.ansi256(stepOf(upper)).bgAnsi256(stepOf(lower))("▀");

function stepOf(pixel: Pixel): number {
  return FIRST_GREY + Math.round((greyOf(pixel) / 255) * LAST_STEP);
}

function rgbOf(pixel: Pixel): readonly [number, number, number] {
  return typeof pixel === "number" ? [pixel, pixel, pixel] : pixel;
}

/** Colours the word of a state. The word is understood without the colour. */
export function paintStateFor(level: ColourLevel): PaintState {
  const chalk = new Chalk({ level });
  const paints = { ok: chalk.green, absent: chalk.dim, warning: chalk.yellow, failed: chalk.red } as const;
  return (state, word) => paints[state](word);
}

/**
 * Grounds of the 256-colour palette (xterm's ctlseqs), from weak to strong. All are dark enough for white letters,
 * whatever the terminal's own ground is. The weakest mistakes have none: they would drown the others.
 */
const RIGHT_GROUNDS = [22, 28] as const;
const WRONG_GROUNDS = [undefined, 52, 88, 124, 160] as const;
const WHITE = 231;

/** Returns how text is painted on a stream of this level. */
export function textPaint(level: ColourLevel): Paint {
  return paintWith(new Chalk({ level }));
}

export function paintWith(chalk: ChalkInstance): Paint {
  return {
    heat(text, strength, isRight) {
      const grounds = isRight ? RIGHT_GROUNDS : WRONG_GROUNDS;
      const ground = grounds[Math.min(grounds.length - 1, Math.floor(strength * grounds.length))];
      return ground === undefined ? text : chalk.ansi256(WHITE).bgAnsi256(ground)(text);
    },
    strong: (text) => chalk.bold(text),
    faint: (text) => chalk.dim(text),
  };
}
