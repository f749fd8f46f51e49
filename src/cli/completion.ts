/** `batchwise completion SHELL`: a script that completes commands and options, made from the option table. */
import type { Command } from "commander";
import { GLOBAL_OPTIONS } from "#src/base/options/answer.js";
import { COMMAND_NAMES, type CommandName, type OptionRow, PATH_KINDS } from "#src/base/options/define.js";
import { helpOf, rowsOf } from "#src/base/options/table.js";
import { oneOf } from "#src/base/options/values.js";
import { DATASET_NAMES } from "#src/data/named-sets.js";
import { CATALOG } from "#src/files/catalog.js";
import { NETWORK_NAMES } from "#src/networks/source.js";
import type { RunWork } from "./commands/context.js";
import { COMMANDS, createCommand } from "./commands/options.js";

const EXAMPLES = `
Examples:
  eval "$(batchwise completion bash)"   # a line for ~/.bashrc
  eval "$(batchwise completion zsh)"    # a line for ~/.zshrc, after compinit
  batchwise completion fish | source    # a line for config.fish`;

const SHELLS = ["bash", "zsh", "fish"] as const;
const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };

export function completionCommand(runWork: RunWork): Command {
  return createCommand("completion")
    .addHelpText("after", EXAMPLES)
    .action((shell: string) =>
      runWork(async ({ writeAnswer }) => {
        writeAnswer(SCRIPTS[oneOf("shell", SHELLS, shell)]());
        return [];
      }),
    );
}

/** One option as a shell completes it. */
interface Completed {
  readonly flag: string;
  readonly short: string | undefined;
  readonly help: string;
  readonly takesValue: boolean;
  readonly isRepeatable: boolean;
  readonly words: readonly string[];
  /** The value can be a path. */
  readonly offersFiles: boolean;
}

const HELP: Completed = { ...switchOf("--help", "print this help"), short: "-h" };

function optionsOf(command: CommandName): Completed[] {
  const { config, ...everywhere } = GLOBAL_OPTIONS;
  const isConfigured = config.commands.some((name) => name === command);
  const rows = Object.values<OptionRow>({
    ...rowsOf(command),
    ...(isConfigured && { config }),
    ...everywhere,
  });
  const isGlobal = ({ group }: OptionRow) => group === "global";
  return [...rows.flatMap((row) => completedOf(row, isGlobal(row) ? undefined : command)), HELP];
}

function completedOf(row: OptionRow, command: CommandName | undefined): Completed[] {
  const { flag, short, value, type, negation } = row;
  const completed: Completed[] = [];
  if (flag !== undefined) {
    const isRepeatable = ["paths", "texts", "datasets"].includes(type.kind);
    const takesValue = value !== undefined;
    const offersFiles = PATH_KINDS.has(type.kind);
    const words = wordsOf(row);
    completed.push({ flag, short, help: helpOf(row), takesValue, isRepeatable, words, offersFiles });
  }
  if (negation !== undefined && (command === undefined || negation.commands.includes(command))) {
    completed.push(switchOf(negation.flag, negation.help));
  }
  return completed;
}

function switchOf(flag: string, help: string): Completed {
  return {
    flag,
    short: undefined,
    help,
    takesValue: false,
    isRepeatable: false,
    words: [],
    offersFiles: false,
  };
}

function wordsOf({ type }: OptionRow): readonly string[] {
  if (type.kind === "word" || type.kind === "words" || type.kind === "each") return type.words;
  if (type.kind === "dataset" || type.kind === "datasets") return DATASET_NAMES;
  return type.kind === "weights" ? NETWORK_NAMES : [];
}

/** Words that the arguments of a command can be; files are offered beside them. */
function argumentWords(command: CommandName): readonly string[] {
  switch (command) {
    case "evaluate":
      return COMMAND_NAMES;
    case "compare":
    case "convert":
      return NETWORK_NAMES;
    case "completion":
      return SHELLS;
    case "fetch":
      return [...CATALOG.keys()];
    case "runs":
      return ["list", "show", "cancel"];
    default:
      return [];
  }
}

function bashScript(): string {
  const values = COMMAND_NAMES.flatMap((command) =>
    optionsOf(command)
      .filter(({ takesValue }) => takesValue)
      .map(({ flag, short, words, offersFiles }) => {
        const patterns = [flag, ...(short === undefined ? [] : [short])].map((name) => `${command}:${name}`);
        return `    ${patterns.join("|")}) words="${words.join(" ")}"; isValue=1; files=${offersFiles ? 1 : ""} ;;`;
      }),
  );
  const options = COMMAND_NAMES.map((command) => {
    const flags = optionsOf(command).map(({ flag }) => flag);
    return `    ${command}) options="${flags.join(" ")}"; words="${argumentWords(command).join(" ")}" ;;`;
  });
  return `# Completion of batchwise for bash.
_batchwise() {
  local word=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  local command=evaluate options= words= isValue= files=1 one
  # Bash splits --engine=simd at the sign.
  if [[ $word == "=" ]]; then word=
  elif [[ $previous == "=" ]]; then previous=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  for one in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $one in
      ${COMMAND_NAMES.join("|")}) command=$one; break ;;
    esac
  done
  case $command:$previous in
${values.join("\n")}
  esac
  if [[ ! $isValue ]]; then
    case $command in
${options.join("\n").replace(/^/gm, "  ")}
    esac
    if [[ $word == -* ]]; then
      COMPREPLY=($(compgen -W "$options" -- "$word"))
      return
    fi
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  [[ $files ]] || return
  compopt -o filenames 2>/dev/null
  mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word")
}
complete -F _batchwise batchwise
`;
}

function zshScript(): string {
  const cases = COMMAND_NAMES.map((command) => {
    const specs = optionsOf(command).flatMap(
      ({ flag, short, help, takesValue, isRepeatable, words, offersFiles }) => {
        const names = [flag, ...(short === undefined ? [] : [short])];
        const once = isRepeatable ? "*" : `(${names.join(" ")})`;
        const value = takesValue ? `:value:${zshAction(words, offersFiles)}` : "";
        return names.map((name) => quoted(`${once}${name}[${help.replace(/[[\]:\\]/g, "\\$&")}]${value}`));
      },
    );
    return `    ${command})
      specs=(
${specs.map((spec) => `        ${spec}`).join("\n")}
        ${quoted(`*:argument:${zshAction(argumentWords(command), true)}`)}
      ) ;;`;
  });
  return `#compdef batchwise
# Completion of batchwise for zsh.
_batchwise() {
  local command=evaluate one
  local -a specs
  for one in \${words[2,CURRENT-1]}; do
    case $one in
      ${COMMAND_NAMES.join("|")}) command=$one; break ;;
    esac
  done
  case $command in
${cases.join("\n")}
  esac
  _arguments $specs
}
compdef _batchwise batchwise
`;
}

/** What zsh offers for a value: words, files, both or nothing. */
function zshAction(words: readonly string[], offersFiles: boolean): string {
  const list = `(${words.join(" ")})`;
  if (words.length === 0) return offersFiles ? "_files" : " ";
  return offersFiles ? `{ _alternative "words:word:${list}" "files:file:_files" }` : list;
}

function fishScript(): string {
  const others = COMMAND_NAMES.filter((name) => name !== "evaluate").join(" ");
  const lines = COMMAND_NAMES.flatMap((command) => {
    const condition =
      command === "evaluate"
        ? `not __fish_seen_subcommand_from ${others}`
        : `__fish_seen_subcommand_from ${command}`;
    const start = `complete -c batchwise -n ${quoted(condition)}`;
    const options = optionsOf(command).map(({ flag, short, help, takesValue, words, offersFiles }) =>
      [
        start,
        `-l ${flag.slice("--".length)}`,
        ...(short === undefined ? [] : [`-s ${short.slice("-".length)}`]),
        ...(takesValue ? [offersFiles ? "-r" : "-x"] : []),
        ...(words.length > 0 ? [`-a ${quoted(words.join(" "))}`] : []),
        `-d ${quoted(help)}`,
      ].join(" "),
    );
    const offered = command === "evaluate" ? [] : argumentWords(command);
    return [...options, ...(offered.length > 0 ? [`${start} -a ${quoted(offered.join(" "))}`] : [])];
  });
  const commands = COMMAND_NAMES.map(
    (name) =>
      `complete -c batchwise -n "not __fish_seen_subcommand_from ${COMMAND_NAMES.join(" ")}" -a ${name} -d ${quoted(COMMANDS[name].summary)}`,
  );
  return `# Completion of batchwise for fish.\n${[...commands, ...lines].join("\n")}\n`;
}

/** The text in single quotes, as every shell reads it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'"'"'`)}'`;
}
