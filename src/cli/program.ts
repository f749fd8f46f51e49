/** The grammar of the command line: commands, options, help; and what `npm start` does to options. */

import { cwd, env, stdout } from "node:process";
import { Command, CommanderError } from "commander";
import { advisedFor, BatchwiseError, reasonOf, UsageError } from "#src/base/errors.js";
import type { GLOBAL_OPTIONS } from "#src/base/options/answer.js";
import { COMMAND_NAMES, type CommandName, type Given, type OptionRows } from "#src/base/options/define.js";
import { assertTogether, rowsOf } from "#src/base/options/table.js";
import { versionText } from "#src/base/package.js";
import { suggest } from "#src/base/text.js";
import type { RunWork } from "#src/cli/commands/context.js";
import { evaluateCommand } from "#src/cli/commands/evaluate.js";
import { addGlobalOptions, isCommandName } from "#src/cli/commands/options.js";
import { configFor } from "#src/cli/config/find.js";

/** Rejects words that are neither the name of a command nor an argument. */
type RefuseWords = (words: readonly string[]) => void;
type LoadCommand = (run: RunWork, refuseWords: RefuseWords) => Command | Promise<Command>;

/** Examples of the default command, which the help of the program shows too. */
const EXAMPLES = `
Examples:
  batchwise --threads 8
  batchwise --dataset path/to/mnist --weights sample_weight.pkl --format json
  batchwise --min-accuracy 0.93 --output result.json`;

const DEFAULT_COMMAND = "evaluate";
const loadPredict = () => import("#src/cli/commands/predict.js");
const loadConvert = () => import("#src/cli/commands/convert.js");
const loadRedis = () => import("#src/cli/commands/redis.js");
const LOADERS: Readonly<Record<CommandName, LoadCommand>> = {
  evaluate: evaluateCommand,
  show: async (run) => (await loadPredict()).showCommand(run),
  inspect: async (run) => (await import("#src/cli/commands/inspect.js")).inspectCommand(run),
  diagnose: async (run) => (await import("#src/cli/commands/diagnose.js")).diagnoseCommand(run),
  predict: async (run) => (await loadPredict()).predictCommand(run),
  score: async (run) => (await import("#src/cli/commands/score.js")).scoreCommand(run),
  compare: async (run) => (await import("#src/cli/commands/compare.js")).compareCommand(run),
  check: async (run) => (await import("#src/cli/commands/check.js")).checkCommand(run),
  report: async (run) => (await import("#src/cli/commands/report.js")).reportCommand(run),
  convert: async (run) => (await loadConvert()).convertCommand(run),
  fit: async (run) => (await loadConvert()).fitCommand(run),
  fetch: async (run) => (await import("#src/cli/commands/fetch.js")).fetchCommand(run),
  merge: async (run) => (await import("#src/cli/commands/merge.js")).mergeCommand(run),
  worker: async (run) => (await loadRedis()).workerCommand(run),
  runs: async (run) => (await loadRedis()).runsCommand(run),
  bench: async (run) => (await import("#src/cli/commands/bench.js")).benchCommand(run),
  doctor: async (run) => (await import("#src/cli/doctor/doctor.js")).doctorCommand(run),
  completion: async (run) => (await import("./completion.js")).completionCommand(run),
};
const HELP_WORDS: ReadonlySet<string> = new Set(["help", "--help", "-h"]);
const VERSION_WORDS: ReadonlySet<string> = new Set(["--version", "-V"]);

export interface GlobalFlags extends Omit<Given<typeof GLOBAL_OPTIONS>, "config" | "color"> {
  /** False: no file is looked for. */
  readonly config?: string | false;
  readonly color: boolean;
}

/** Parses the words and runs a command. Help and version go to `write`. A wrong command line throws a UsageError. */
export async function runProgram(
  argv: readonly string[],
  write: (text: string) => void,
  runWork: (flags: GlobalFlags) => RunWork,
): Promise<void> {
  const program = new Command("batchwise")
    .description("evaluates trained image classifiers over labelled images, on every core")
    .version(versionFor(argv), "-V, --version", "print the versions of Batchwise and its engines")
    .enablePositionalOptions(false);
  addGlobalOptions(program);
  let configPath: string | undefined;
  let commandName = DEFAULT_COMMAND;
  /** Keys of data set and network that the configuration file set. */
  let configured: readonly string[] = [];
  program.hook("preAction", async (_, command) => {
    commandName = command.name();
    assertWorkingFolder();
    configPath = configFor(command.name(), program.opts<GlobalFlags>().config);
    if (configPath !== undefined) {
      await (await import("#src/cli/config/read.js")).applyConfig(configPath, program, command);
      configured = ["dataset", "weights"].filter((key) => command.getOptionValueSource(key) === "config");
    }
    if (!isCommandName(commandName)) return;
    const rows: OptionRows = rowsOf(commandName);
    assertTogether(rows, command.opts());
    // The files of most runs are read alone.
    const writes = Object.keys(command.opts()).some((key) => rows[key]?.writes) || commandName === "convert";
    if (writes)
      await (await import("./distinct-files.js")).assertDistinctOf(commandName, command, configPath);
  });
  const run: RunWork = (work) =>
    runWork(program.opts<GlobalFlags>())(async (context) => {
      if (configPath !== undefined) context.log.debug({ path: configPath }, "configured by a file");
      try {
        return await work(context);
      } catch (error) {
        // A user who typed neither cannot know where they come from.
        const isOfInput = error instanceof BatchwiseError && error.exitStatus === 3;
        for (const key of isOfInput ? configured : []) context.note(`--${key} was given by ${configPath}`);
        throw advisedFor(commandName, error);
      }
    });
  const refuseWords = ([found]: readonly string[]) => {
    if (found === undefined) return;
    refuseTakenValue(env, found);
    throw new UsageError("ERR_OPTION_UNKNOWN", {
      what: "command",
      found,
      known: COMMAND_NAMES,
      suggestion: suggest(found, COMMAND_NAMES),
    });
  };
  const commands = await Promise.all(loadersFor(argv).map((load) => load(run, refuseWords)));
  // commander's help command takes its status from process.exitCode, and ignores an unknown name.
  const help = new Command("help")
    .description("print the help of a command")
    .argument("[command]", "name of a command")
    .action((name: string = help.name()) => {
      const asked = name === help.name() ? program : commands.find((command) => command.name() === name);
      if (asked === undefined) refuseWords([name]);
      asked?.outputHelp();
    });
  program.helpCommand(false);
  for (const command of [program, ...commands, help]) {
    command.exitOverride().configureOutput({ writeOut: write, writeErr: () => {}, getOutHelpWidth: columns });
  }
  for (const command of commands)
    program.addCommand(command, { isDefault: command.name() === DEFAULT_COMMAND });
  program.addCommand(help);
  const [evaluate = program] = commands;
  if (isHelpAsked(argv)) {
    const { showHelpOf } = await import("./help.js");
    for (const command of [program, ...commands, help]) showHelpOf(command, program, evaluate);
    for (const command of [program, evaluate]) command.addHelpText("after", EXAMPLES);
  }

  const options = [program, ...commands].flatMap((command) => command.options);
  refuseTaken(
    env,
    options.flatMap(({ long }) => (long ? [long.slice("--".length)] : [])),
  );
  try {
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version are answers. Every other error of commander is a wrong command line.
    if (error.exitCode !== 0) throw new UsageError("ERR_USAGE", { problem: oneLine(error.message) });
  }
}

/**
 * Selects the commands to load: all of them for help, otherwise the default and every command whose name occurs. The
 * parser then distinguishes a command from an option's value of the same name.
 */
function loadersFor(argv: readonly string[]): LoadCommand[] {
  const all = isHelpAsked(argv);
  return COMMAND_NAMES.filter((name) => all || name === DEFAULT_COMMAND || argv.includes(name)).map(
    (name) => LOADERS[name],
  );
}

/** Rejects a working folder that was removed: paths lead nowhere, and no thread can be started. */
function assertWorkingFolder(): void {
  try {
    cwd();
  } catch (error) {
    throw new UsageError("ERR_WORKING_FOLDER", { reason: reasonOf(error) }, { cause: error });
  }
}

/** Finds the versions only if they are requested: it takes a while. */
function versionFor(argv: readonly string[]): string {
  return argv.some((word) => VERSION_WORDS.has(word)) ? versionText() : "";
}

function isHelpAsked(argv: readonly string[]): boolean {
  return argv.some((word) => HELP_WORDS.has(word));
}

/** Columns of the terminal. Without a terminal: COLUMNS, or 80. */
function columns(): number {
  return stdout.columns || Number(env.COLUMNS) || 80;
}

function oneLine(message: string): string {
  return message
    .replace(/^error: /, "")
    .replace(/\s+/g, " ")
    .replace("(Did", "(did")
    .trim();
}

/** Options that npm has too. A user may have set them in npm's own configuration. */
const NPM_OPTIONS: ReadonlySet<string> = new Set(["offline", "color", "no-color", "version"]);

type Environment = Readonly<Record<string, string | undefined>>;

/** Returns whether npm runs this package's start script. bin/batchwise.cjs checks the same to find the caller's folder. */
export function isNpmStart(env: Environment): boolean {
  return env.npm_lifecycle_event === "start" && env.npm_package_name === "batchwise";
}

/**
 * Rejects options that npm took: `npm start` takes options as its own, unless they stand behind `--`. npm 10 and 11 put
 * `--threads 8` into the variable `npm_config_threads` and pass on only `8`. They pass on nothing of `--threads=8`.
 *
 * @param options long names without dashes: `batch-size`
 * @throws UsageError ERR_USAGE for the first of them that npm took
 */
export function refuseTaken(env: Environment, options: Iterable<string>): void {
  if (!isNpmStart(env)) return;
  for (const option of options) {
    if (NPM_OPTIONS.has(option)) continue;
    if (env[`npm_config_${option.replaceAll("-", "_")}`] === undefined) continue;
    throw new UsageError("ERR_USAGE", {
      problem: `npm took --${option} as its own option: ${behindDashes(option)}`,
    });
  }
}

/** Rejects an unknown word: it may be the value of an option that npm took under another name. */
export function refuseTakenValue(env: Environment, word: string): void {
  if (!isNpmStart(env)) return;
  const problem = `unknown command "${word}": ${behindDashes("option")}`;
  throw new UsageError("ERR_USAGE", { problem });
}

function behindDashes(option: string): string {
  return `write options of Batchwise behind two dashes: npm start -- --${option} …`;
}
