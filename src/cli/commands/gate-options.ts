/** The options that make a result a pass or a failure. */
import type { Command } from "commander";
import { UsageError } from "#src/base/errors.js";
import type { Demands } from "#src/evaluate/gates.js";
import { decimal, LIMITS, type NumberLike } from "#src/evaluate/options.js";

export interface GateFlags {
  readonly minAccuracy?: NumberLike;
  readonly expectAccuracy?: NumberLike;
  readonly minClassRecall?: NumberLike;
  readonly baseline?: string;
  readonly maxRegression?: NumberLike;
}

export function addGateOptions(command: Command): Command {
  return command
    .option("--min-accuracy <x>", "exit 100 where the accuracy is lower")
    .option(
      "--expect-accuracy <x>",
      "exit 100 unless the accuracy rounds to it, at the places given, at least 4",
    )
    .option("--min-class-recall <x>", "exit 100 where a class's recall is lower")
    .option("--baseline <file>", "a result's JSON; exit 100 where the accuracy is lower than that one's")
    .option("--max-regression <x>", "by more than this (default: 0)");
}

/** What is asked of the result, where anything is. Throws UsageError, or what `readBaseline` throws. */
export async function demandsOf(flags: GateFlags): Promise<Demands | undefined> {
  const minAccuracy = share("--min-accuracy", flags.minAccuracy);
  share("--expect-accuracy", flags.expectAccuracy);
  // As it is written: its places decide how exactly it is judged.
  const { expectAccuracy } = flags;
  const minClassRecall = share("--min-class-recall", flags.minClassRecall);
  const maxRegression = share("--max-regression", flags.maxRegression);
  const { baseline: path } = flags;
  if (path !== undefined) {
    const { readBaseline } = await import("#src/evaluate/gates.js");
    const baseline = await readBaseline(path, maxRegression ?? 0);
    return { minAccuracy, expectAccuracy, minClassRecall, baseline };
  }
  if (maxRegression !== undefined) {
    const problem = "--max-regression is asked for without --baseline FILE, below which to regress";
    throw new UsageError("ERR_USAGE", { problem });
  }
  if (minAccuracy === undefined && expectAccuracy === undefined && minClassRecall === undefined)
    return undefined;
  return { minAccuracy, expectAccuracy, minClassRecall };
}

function share(option: string, given: NumberLike | undefined): number | undefined {
  return given === undefined ? undefined : decimal(option, given, ...LIMITS.share);
}
