/** Puts a configuration file's options under those of the command line. */
import type { Command } from "commander";
import { SUBJECT_KEYS } from "#src/cli/schemas/config.js";
import { readConfig } from "./read.js";

/** Of the program itself: they hold for every command. */
const PROGRAM_KEYS: ReadonlySet<string> = new Set(["logLevel", "quiet", "color"]);

/**
 * Gives `program` and its `command` the options of the file at `path`, where the command line says nothing: `evaluate`
 * all of them, another command those that say what is evaluated and that it has.
 *
 * @throws UsageError, as `readConfig`
 */
export async function applyConfig(path: string, program: Command, command: Command): Promise<void> {
  const takesAll = command.name() === "evaluate";
  for (const [key, value] of Object.entries(await readConfig(path))) {
    if (PROGRAM_KEYS.has(key)) setUnlessGiven(program, key, value);
    else if (takesAll || SUBJECT_KEYS.has(key)) setUnlessGiven(command, key, value);
  }
}

function setUnlessGiven(command: Command, key: string, value: unknown): void {
  const canSay = command.options
    .filter((option) => option.attributeName() === key)
    // `"labels": false` is said by --no-labels, which not every command has.
    .some((option) => option.negate || !(option.required && value === false));
  if (canSay && command.getOptionValueSource(key) !== "cli") {
    command.setOptionValueWithSource(key, value, "config");
  }
}
