/** Finds the configuration file of a run. Every start loads this file, so it imports little. */
import { type Stats, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { cwd } from "node:process";
import { UsageError } from "#src/base/errors.js";
import { GLOBAL_OPTIONS } from "#src/base/options/answer.js";

export const CONFIG_NAME = "batchwise.config.json";

/**
 * The nearest `batchwise.config.json` in `folder` or above it, or undefined. The search ends with the first folder that
 * holds `.git`, with the home folder, or at the root: files beyond a project do not belong to it.
 */
export function findConfig(folder: string, home: string = homedir()): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const path = join(at, CONFIG_NAME);
    if (statsOf(path)?.isFile()) return path;
    const isLast = at === home || at === dirname(at);
    if (isLast || statsOf(join(at, ".git")) !== undefined) return undefined;
  }
}

/** Returns undefined for a path that may not be read: a folder above may be closed to us. */
function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

const CONFIGURABLE: readonly string[] = GLOBAL_OPTIONS.config.commands;

/** Returns whether the command reads a configuration file. */
export function isConfigurable(command: string): boolean {
  return CONFIGURABLE.includes(command);
}

/**
 * Returns the path of the file that configures `command`, if any. `given` is the value of --config, or false for
 * --no-config.
 *
 * @throws UsageError ERR_USAGE if a file is given to a command that reads none; ERR_OPTION_VALUE for an empty path
 */
export function configFor(command: string, given: string | false | undefined): string | undefined {
  // A variable of a script that is not set.
  if (given === "")
    throw new UsageError("ERR_OPTION_VALUE", { option: "--config", expected: "a file", found: given });
  if (isConfigurable(command)) return given === undefined ? findConfig(cwd()) : given || undefined;
  if (!given) return undefined;
  throw new UsageError("ERR_USAGE", { problem: `--config ${given}: ${command} takes no configuration file` });
}
