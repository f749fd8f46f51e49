/** The command line's grammar: commands, options, help. */
import { Command, CommanderError } from "commander";
import { benchCommand } from "./commands/bench.js";
import type { RunWork } from "./commands/context.js";
import { convertCommand } from "./commands/convert.js";
import { EXAMPLES, evaluateCommand } from "./commands/evaluate.js";
import { fetchCommand } from "./commands/fetch.js";
import { fitCommand } from "./commands/fit.js";
import { inspectCommand } from "./commands/inspect.js";
import { predictCommand } from "./commands/predict.js";
import { showCommand } from "./commands/show.js";
import { UsageError } from "./errors.js";
import { LOG_LEVELS } from "./logger.js";
import { suggest } from "./suggest.js";

export interface GlobalFlags {
  readonly logLevel: string;
  readonly quiet?: boolean;
  readonly color: boolean;
}

/** Parses and runs. Help and version go to `write`; other slips are thrown as UsageError. */
export async function runProgram(
  argv: readonly string[],
  version: string,
  write: (text: string) => void,
  runWork: (flags: GlobalFlags) => RunWork,
): Promise<void> {
  const program = new Command("batchwise")
    .description("Evaluates trained neural networks over labelled image sets, in batches, on every core.")
    .version(version)
    .option("--log-level <level>", LOG_LEVELS.join(", "), "warn")
    .option("--quiet", "no progress on stderr")
    .option("--no-color", "no colour (NO_COLOR and FORCE_COLOR are honoured too)")
    .enablePositionalOptions(false);
  const run: RunWork = (work) => runWork(program.opts<GlobalFlags>())(work);
  const refuseWords = ([found]: readonly string[]) => {
    if (found === undefined) return;
    const known = commands.map((command) => command.name());
    throw new UsageError("ERR_OPTION_UNKNOWN", {
      what: "command",
      found,
      known,
      suggestion: suggest(found, known),
    });
  };
  const commands: Command[] = [
    evaluateCommand(run, refuseWords),
    showCommand(run),
    inspectCommand(run),
    predictCommand(run),
    convertCommand(run),
    fetchCommand(run),
    fitCommand(run),
    benchCommand(run),
  ];
  for (const command of [program, ...commands]) {
    command.exitOverride().configureOutput({ writeOut: write, writeErr: () => {} });
  }
  for (const command of commands) program.addCommand(command, { isDefault: command.name() === "evaluate" });
  program.addHelpText("after", () => `\n${commands[0].helpInformation()}${EXAMPLES}`);

  try {
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version are answers; everything else that commander throws is a slip of the command line.
    if (error.exitCode !== 0) throw new UsageError("ERR_USAGE", { problem: oneLine(error.message) });
  }
}

function oneLine(message: string): string {
  return message
    .replace(/^error: /, "")
    .replace(/\s+/g, " ")
    .replace("(Did", "(did")
    .trim();
}
