/** A check's state in colour. */
import { Chalk } from "chalk";
import type { PaintState } from "#src/cli/doctor/report.js";
import type { ColourLevel } from "./colour.js";

/** The word alone tells the state too: colour is not needed to understand it. */
export function paintStateFor(level: ColourLevel): PaintState {
  const chalk = new Chalk({ level });
  const paints = { ok: chalk.green, absent: chalk.dim, warning: chalk.yellow, failed: chalk.red } as const;
  return (state, word) => paints[state](word);
}
