/** The page docs/cli.md, made from the option table. */
import { GLOBAL_OPTIONS } from "#src/base/options/answer.js";
import { COMMAND_NAMES, type CommandName, GROUPS, type OptionRow } from "#src/base/options/define.js";
import { OPTIONS, rowsOf } from "#src/base/options/table.js";
import { expectedOf } from "#src/base/options/values.js";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { COMMANDS } from "#src/cli/commands/options.js";
import { runProgram } from "#src/cli/program.js";
import { DATASET_NAMES } from "#src/data/named-sets.js";
import { NETWORK_NAMES } from "#src/networks/source.js";

export const CLI_PAGE = new URL("docs/cli.md", PACKAGE_ROOT);

/** The line of a help after which prose and examples follow. */
const END_OF_OPTIONS = "Values in [brackets] are defaults.\n";

const HEAD = `# Commands and options

<!-- Written from the option table by \`npm run docs:cli\`. Do not edit. -->

\`batchwise [command] [options]\` runs a command; without one it runs \`evaluate\`. \`batchwise COMMAND --help\` prints the options
of a command. Long options may be written \`--engine simd\` or \`--engine=simd\`. An option that does not exist is an error,
and the message suggests the nearest one. [errors.md](errors.md) lists the exit statuses.

The same names hold elsewhere. In a configuration file and in a suite of checks an option is written in camelCase:
\`--batch-size 50\` is \`"batchSize": 50\`. The library uses the same names, except for the options whose value is in seconds:
\`--timeout\` is \`timeoutSeconds\` there, in a suite too.

## Configuration file

\`batchwise.config.json\` holds options of \`evaluate\`, for example \`{ "dataset": "mnist", "threads": 4 }\`. Batchwise takes the
nearest one: from the working directory upwards, as far as the first folder that holds \`.git\`, or the home folder. The
command line wins over the file. Relative paths start at the folder of the file. \`show\`, \`inspect\`, \`predict\` and \`bench\`
read the options of data and network from it. \`schemas/config.schema.json\` lets an editor check and complete it.

## Shell completion

\`\`\`bash
eval "$(batchwise completion bash)"   # a line for ~/.bashrc
eval "$(batchwise completion zsh)"    # a line for ~/.zshrc, after compinit
batchwise completion fish | source    # a line for config.fish
\`\`\`
`;

/** Returns the whole page, in Markdown. */
export async function cliPage(): Promise<string> {
  const sections: string[] = [];
  for (const command of COMMAND_NAMES) sections.push(await sectionOf(command));
  const everywhere = tableOf(Object.entries<OptionRow>(GLOBAL_OPTIONS), undefined);
  return `${HEAD}\n## Options of every command\n\n${everywhere}\n${sections.join("\n")}`;
}

async function sectionOf(command: CommandName): Promise<string> {
  const { summary, arguments: words = [] } = COMMANDS[command];
  const usage = ["batchwise", command, "[options]", ...words.map(([word]) => word)].join(" ");
  const rows = Object.entries<OptionRow>(rowsOf(command));
  const groups = Object.entries(GROUPS).flatMap(([group, heading]) => {
    const members = rows.filter(([, row]) => row.group === group);
    return members.length === 0 ? [] : [`**${heading}**\n\n${tableOf(members, command)}`];
  });
  const list = words.map(([word, help]) => `- \`${word}\`: ${help}`).join("\n");
  const prose = await proseOf(command);
  return [
    `## ${command}\n`,
    `\`${usage}\`: ${summary}.\n`,
    ...(list === "" ? [] : [`${list}\n`]),
    ...groups,
    ...(prose === "" ? [] : [`\`\`\`text\n${prose}\n\`\`\`\n`]),
  ].join("\n");
}

/** What a command's help says below its options. */
async function proseOf(command: CommandName): Promise<string> {
  let help = "";
  const write = (text: string) => {
    help += text;
  };
  await runProgram([command, "--help"], write, () => async () => {});
  return help.slice(help.indexOf(END_OF_OPTIONS) + END_OF_OPTIONS.length).trim();
}

function tableOf(
  rows: readonly (readonly [key: string, row: OptionRow])[],
  command: CommandName | undefined,
): string {
  const lines = rows.flatMap(([, row]) => linesOf(row, command));
  return `| option | value | default | meaning |\n| --- | --- | --- | --- |\n${lines.map((line) => `${line}\n`).join("")}`;
}

function linesOf(row: OptionRow, command: CommandName | undefined): string[] {
  const { flag, short, value, help, type, negation } = row;
  const lines: string[] = [];
  if (flag !== undefined) {
    const names = [short, flag].filter((name) => name !== undefined).map((name) => `\`${name}\``);
    const shown = row.defaultText ?? (row.default === undefined ? "" : `\`${row.default}\``);
    const values = value === undefined ? "" : `\`${value}\`: ${valuesOf(type)}`;
    const asked = row.required ? "required" : shown;
    lines.push(line(names.join(", "), values, asked, [help, ...conditionsOf(row, command)].join(". ")));
  }
  const isNegatable = command === undefined || negation?.commands.includes(command);
  if (negation !== undefined && isNegatable) {
    lines.push(line(`\`${negation.flag}\``, "", "", negation.help));
  }
  return lines;
}

function line(...cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function valuesOf(type: OptionRow["type"]): string {
  switch (type.kind) {
    case "word":
      return type.words.join(", ");
    case "dataset":
    case "datasets":
      return `${DATASET_NAMES.join(", ")}; a folder with MNIST's file names; an IDX or .npz file; a quoted glob of IDX files; a manifest`;
    case "weights":
      return `${NETWORK_NAMES.join(", ")}; a file; a folder of .npy files`;
    case "path":
    case "labels":
      return "a path";
    case "paths":
      return "a path; repeatable";
    case "texts":
      return "repeatable";
    case "text":
      return "a text";
    default:
      return expectedOf(type);
  }
}

/** The options that this one excludes or needs, if the command has them. */
function conditionsOf(
  { conflicts = [], requires = [] }: OptionRow,
  command: CommandName | undefined,
): string[] {
  const rows: Readonly<Record<string, OptionRow>> = OPTIONS;
  const isThere = ({ key }: { readonly key: string }) =>
    command !== undefined && (rows[key]?.commands.includes(command) ?? false);
  return [
    ...conflicts.filter(isThere).map(({ flag, values = [], because }) => {
      const which = values.length > 1 ? ` ${values.join(", ")}` : "";
      return `Not with \`${flag}\`${which}: ${because}`;
    }),
    ...requires.filter(isThere).map(({ flag, because }) => `Needs \`${flag}\`: ${because}`),
  ];
}
