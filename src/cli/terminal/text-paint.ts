/** The text answer's colours, where stdout's terminal has them. */
import { Chalk, type ChalkInstance } from "chalk";
import type { Paint } from "#src/reports/paint.js";
import type { ColourLevel } from "./colour.js";

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
