/** Creates commands from the option table: their arguments, their options, and the checks of both. */

import { Command, Option } from "commander";
import { GLOBAL_OPTIONS } from "#src/base/options/answer.js";
import { COMMAND_NAMES, type CommandName, GROUPS, type OptionRow } from "#src/base/options/define.js";
import { configKeyOf, helpOf, rowsOf } from "#src/base/options/table.js";
import { checkedValue } from "#src/base/options/values.js";

interface CommandFacts {
  /** One line of at most 50 characters. */
  readonly summary: string;
  /** Each argument with its help. */
  readonly arguments?: readonly (readonly [name: string, help: string, fallback?: string])[];
}

export const COMMANDS: Readonly<Record<CommandName, CommandFacts>> = {
  evaluate: { summary: "evaluate a network over images (default)" },
  show: {
    summary: "show an image, its label and the probabilities",
    arguments: [["<index>", "which image, counted from 0"]],
  },
  inspect: { summary: "print shapes, layers, parameters and hashes" },
  diagnose: { summary: "find out why an accuracy is low" },
  predict: {
    summary: "predict what a picture shows",
    arguments: [["<picture...>", "PNG or JPEG files, one digit or thing each"]],
  },
  score: {
    summary: "judge predictions made elsewhere",
    arguments: [["<predictions>", "CSV, NDJSON or .npy, by any tool"]],
  },
  compare: {
    summary: "compare two networks or results",
    arguments: [
      ["<a>", "a network, or the JSON of a result"],
      ["<b>", "the other one"],
    ],
  },
  check: {
    summary: "run a suite of evaluations with gates",
    arguments: [["<suite>", "the suite, a JSON file"]],
  },
  report: {
    summary: "write the HTML report of a result",
    arguments: [["<result>", "JSON of an evaluation with --predictions"]],
  },
  convert: {
    summary: "write a network in another format",
    arguments: [
      ["<in>", "a name, a file, or a folder of .npy files"],
      ["<out>", "a file: .npz, .safetensors or .onnx"],
    ],
  },
  fit: { summary: "join weights and the preprocessing of training" },
  fetch: {
    summary: "download a data set or network",
    arguments: [["<name>", "a set such as mnist, or the network book"]],
  },
  merge: {
    summary: "add the parts that --shard wrote",
    arguments: [["<part...>", "the JSON of each shard"]],
  },
  worker: { summary: "compute runs over Redis until SIGINT" },
  runs: {
    summary: "list, show or cancel runs over Redis",
    arguments: [
      ["[action]", "list, show or cancel", "list"],
      ["[id]", "the run to show or cancel"],
    ],
  },
  bench: { summary: "time engines, batch sizes and threads" },
  doctor: { summary: "check engines, cache and optional packages" },
  completion: {
    summary: "print a script that completes commands",
    arguments: [["<shell>", "bash, zsh or fish"]],
  },
};

/** An option of the table. Its value stands under the row's key, whatever the flag is called. */
export class TableOption extends Option {
  readonly configKey: string;
  readonly #key: string;

  constructor(key: string, row: OptionRow, flags: string, help: string) {
    super(flags, help);
    this.#key = key;
    this.configKey = row.flag === undefined ? key : configKeyOf(row.flag);
    this.helpGroup(`${GROUPS[row.group]}:`);
  }

  override attributeName(): string {
    return this.#key;
  }
}

/** Creates a command with the arguments and options that it has in the table. */
export function createCommand(name: CommandName): Command {
  const { summary, arguments: words = [] } = COMMANDS[name];
  const command = new Command(name).description(summary);
  for (const [word, help, fallback] of words) command.argument(word, help, fallback);
  const groups = Object.keys(GROUPS);
  const rows = Object.entries<OptionRow>(rowsOf(name)).sort(
    ([, a], [, b]) => groups.indexOf(a.group) - groups.indexOf(b.group),
  );
  for (const [key, row] of rows) {
    const isNegatable = row.negation?.commands.includes(name) ?? false;
    for (const option of optionsOf(key, row, isNegatable)) command.addOption(option);
  }
  return command;
}

/** Adds the options of every command. */
export function addGlobalOptions(program: Command): Command {
  for (const [key, row] of Object.entries<OptionRow>(GLOBAL_OPTIONS)) {
    for (const option of optionsOf(key, row, true)) program.addOption(option);
  }
  return program;
}

export function isCommandName(name: string): name is CommandName {
  return COMMAND_NAMES.some((known) => known === name);
}

function optionsOf(key: string, row: OptionRow, isNegatable: boolean): TableOption[] {
  const options: TableOption[] = [];
  const { flag, short, value, negation } = row;
  if (flag !== undefined) {
    const flags = [short === undefined ? flag : `${short}, ${flag}`, value].join(" ").trim();
    const option = new TableOption(key, row, flags, helpOf(row));
    if (value !== undefined) option.argParser(parserOf(row));
    options.push(option.makeOptionMandatory(row.required === true));
  }
  if (negation !== undefined && isNegatable) {
    options.push(new TableOption(key, row, negation.flag, negation.help));
  }
  return options;
}

function parserOf(row: OptionRow): (text: string, previous?: unknown) => unknown {
  const { kind } = row.type;
  if (kind !== "paths" && kind !== "texts" && kind !== "datasets") return (text) => checkedValue(row, text);
  return (text, previous) => {
    if (kind === "datasets" && previous === undefined) return text;
    return [...(Array.isArray(previous) ? previous : previous === undefined ? [] : [previous]), text];
  };
}
