/** The help of a command: options in groups, one line each in 80 columns, stacked on narrower terminals. */

import type { Command, Help, Option } from "commander";
import { GROUPS } from "#src/base/options/define.js";
import { isConfigurable } from "#src/cli/config/find.js";

/** Below this many columns a description stands under its term. */
const LEAST_COLUMNS = 80;
const INDENT = "  ";
const DEEP_INDENT = "      ";
const LEAST_WRAPPED_COLUMNS = 20;
const GLOBAL_HEADING = `${GROUPS.global}:`;

type Item = readonly [term: string, description: string];
/** Items by their heading. */
type Sections = ReadonlyMap<string, readonly Item[]>;

/**
 * Sets the help of a command. It shows the options of every command too. The program itself shows its commands and the
 * options of its default command.
 *
 * @param program holds the options of every command
 * @param fallback the default command
 */
export function showHelpOf(command: Command, program: Command, fallback: Command): void {
  command.configureHelp({
    minWidthToWrap: LEAST_WRAPPED_COLUMNS,
    formatHelp(_, help) {
      const shown = command === program ? fallback : command;
      const sections = new Map<string, Item[]>();
      if (command === program) sections.set("Commands:", commandItems(program));
      sections.set("Arguments:", argumentItems(shown));
      const isConfigured = isConfigurable(shown.name());
      const everywhere = program.options.filter((option) => isConfigured || !isConfigOption(option));
      for (const { helpGroupHeading: heading = GLOBAL_HEADING, short, flags, description } of [
        ...shown.options,
        ...everywhere,
      ]) {
        const items = sections.get(heading) ?? [];
        items.push([short === undefined ? `    ${flags}` : flags, description]);
        sections.set(heading, items);
      }
      sections.get(GLOBAL_HEADING)?.push(["-h, --help", "print this help"]);
      const usage = `Usage: ${command === program ? "batchwise [command] [options]" : help.commandUsage(command)}`;
      return [
        [help.boxWrap(usage, columnsOf(help))],
        [help.boxWrap(`${capitalized(command.description())}.`, columnsOf(help))],
        ...sectionLines(sections, help),
        ["Values in [brackets] are defaults."],
      ]
        .map((lines) => lines.map((line) => `${line}\n`).join(""))
        .join("\n");
    },
  });
}

/** The options of `--config` and `--no-config`, which some commands reject. */
function isConfigOption(option: Option): boolean {
  return option.attributeName() === "config";
}

function commandItems(program: Command): Item[] {
  return program.commands.map((command) => [
    `${command.name()} ${argumentsOf(command)}`,
    command.description(),
  ]);
}

function argumentsOf({ registeredArguments }: Command): string {
  return registeredArguments
    .map((argument) => {
      const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
      return argument.required ? `<${name}>` : `[${name}]`;
    })
    .join(" ");
}

function argumentItems({ registeredArguments }: Command): Item[] {
  return registeredArguments.map((argument) => [argument.name(), argument.description]);
}

function sectionLines(sections: Sections, help: Help): string[][] {
  const termColumns = Math.max(...[...sections.values()].flat().map(([term]) => term.length));
  return [...sections]
    .filter(([, items]) => items.length > 0)
    .map(([heading, items]) => [heading, ...items.map((item) => itemText(item, termColumns, help))]);
}

function itemText([term, description]: Item, termColumns: number, help: Help): string {
  const columns = columnsOf(help);
  if (columns >= LEAST_COLUMNS) return `${INDENT}${term.padEnd(termColumns)}${INDENT}${description}`;
  const wrapped = help.boxWrap(description, columns - DEEP_INDENT.length);
  return `${INDENT}${term.trim()}\n${wrapped.replace(/^/gm, DEEP_INDENT)}`;
}

function columnsOf({ helpWidth = LEAST_COLUMNS }: Help): number {
  return helpWidth;
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
