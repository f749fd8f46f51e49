/** What chalk paints: images, the text answer, a check's state. Loaded only where something is painted. */
import { Chalk, type ChalkInstance } from "chalk";
import type { PaintState } from "#src/cli/doctor/doctor.js";
import type { Paint } from "#src/reports/cells.js";
import { type PaintCell, plainCell } from "#src/reports/images.js";
import type { ColourLevel } from "./paint.js";

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

// A check's state in colour.

/** The word alone tells the state too: colour is not needed to understand it. */
export function paintStateFor(level: ColourLevel): PaintState {
  const chalk = new Chalk({ level });
  const paints = { ok: chalk.green, absent: chalk.dim, warning: chalk.yellow, failed: chalk.red } as const;
  return (state, word) => paints[state](word);
}

// The text answer's colours, where stdout's terminal has them.

/**
 * Grounds of the 256-colour palette (xterm's ctlseqs), from weak to strong. All are dark enough for white letters,
 * whatever the terminal's own ground is. The weakest mistakes have none: they would drown the others.
 */
const RIGHT_GROUNDS = [22, 28] as const;
const WRONG_GROUNDS = [undefined, 52, 88, 124, 160] as const;
const WHITE = 231;

/** How text is painted on a stream of this level. */
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
