/** The options that several commands share: which data, which network. */

import type { Command } from "commander";
import { ACTIVATIONS, NORMALIZATIONS } from "#src/base/contracts/network.js";
import { UsageError } from "#src/base/errors.js";
import { DATASET_NAMES } from "#src/data/named-sets.js";
import type { Demands } from "#src/evaluate/gates.js";
import { decimal, LIMITS, type NumberLike } from "#src/evaluate/options.js";
import { NETWORK_NAMES } from "#src/networks/registry.js";

/** Of an answer that is not an evaluation. */
export const PLAIN_FORMATS = ["text", "json"] as const;

export function addDataOptions(command: Command): Command {
  return command
    .option(
      "--dataset <name|dir|file|glob>",
      `images: ${DATASET_NAMES.join(", ")}, a folder, an IDX or a .npz file, a quoted glob of IDX files, a manifest`,
      "bundled",
    )
    .option("--labels <file>", "labels, where --dataset is an image file")
    .option("--classes <file>", "names of the classes, one a line")
    .option("--split <split>", "test or train", "test")
    .option("--invert", "make each pixel p 255 - p")
    .option("--transpose", "swap rows and columns of each picture, as EMNIST needs it")
    .option("--label-offset <n>", "add this to each label: -1 for labels that begin at 1 (default: 0)");
}

export function addNetworkOptions(command: Command): Command {
  return addNetworkFacts(
    command.option(
      "--weights <name|file|dir>",
      `network: ${NETWORK_NAMES.join(", ")}, a file, or a folder of .npy files`,
      "bundled",
    ),
  );
}

/** What a file of weights may not state about its network. */
export function addNetworkFacts(command: Command): Command {
  return command
    .option(
      "--activation <name>",
      `activation of the hidden layers, if the file does not state it: ${ACTIVATIONS.join(", ")}`,
    )
    .option(
      "--normalize <how>",
      `what pixels go through, if the file does not state it: ${NORMALIZATIONS.join(", ")}`,
    )
    .option("--mean <x>", "subtract this from pixels / 255; --std stands beside it")
    .option("--std <x>", "then divide by this")
    .option("--strict", "refuse to evaluate on assumptions")
    .option("--offline", "use what is in the cache, and download nothing");
}

/** Of an option that may stand several times. */
export function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

// The options that make a result a pass or a failure.

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
