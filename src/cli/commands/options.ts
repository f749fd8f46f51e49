/** The options that several commands share: which data, which network. */
import type { Command } from "commander";
import { ACTIVATIONS } from "#src/base/contracts/network.js";
import { NORMALIZATIONS } from "#src/base/contracts/preprocessing.js";
import { DATASET_NAMES } from "#src/data/named-sets.js";
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
