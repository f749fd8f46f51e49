/** Reads a suite of checks: validates it, makes its paths absolute, and loads its networks. */

import { dirname, resolve } from "node:path";
import type { OnnxModel } from "#src/base/contracts/engine.js";
import type { Network } from "#src/base/contracts/network.js";
import { advisedFor, asError } from "#src/base/errors.js";
import type { CommandName, NumberLike } from "#src/base/options/define.js";
import { readClassNames } from "#src/data/labels.js";
import { DATASET_NAMES } from "#src/data/named-sets.js";
import { prepareEngine } from "#src/engines/registry.js";
import { type Demands, readBaseline } from "#src/evaluate/gates.js";
import { networkLoader } from "#src/evaluate/open-inputs.js";
import { type EvaluateInput, type EvaluateOptions, resolveOptions } from "#src/evaluate/options.js";
import type { DownloadOptions } from "#src/files/catalog.js";
import { checkDocument, readJson } from "#src/files/read-document.js";
import { engineSource } from "#src/networks/images.js";
import { matchOutputs } from "#src/networks/outputs.js";
import { NETWORK_NAMES } from "#src/networks/source.js";
import type { EngineSetup } from "#src/pool/task-runner.js";
import type { CheckedEvaluation } from "./suite-schema.js";

export interface Suite {
  /** Absolute. */
  readonly path: string;
  readonly entries: readonly SuiteEntry[];
}

export interface SuiteEntry {
  readonly name: string;
  readonly options: EvaluateOptions;
  readonly demands: Omit<Demands, "baseline">;
  /** Absolute. */
  readonly baseline: string | undefined;
  readonly maxRegression: number;
}

/** Options that override those of the suite. */
export interface CheckInput {
  /** Number of threads of the pool. Default: the suite's, otherwise the number that the machine runs at once. */
  readonly threads?: NumberLike | undefined;
  /** Do not download. Default: the suite's value, otherwise false. */
  readonly offline?: boolean | undefined;
  /** Reject evaluations that need assumptions. Default: the suite's value, otherwise false. */
  readonly strict?: boolean | undefined;
}

/** @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_JSON_SYNTAX, ERR_JSON_SHAPE; UsageError for an override */
export async function readSuite(
  given: string,
  overrides: CheckInput,
  availableThreads: number,
): Promise<Suite> {
  const { checksSchema } = await import("./suite-schema.js");
  const document = await readJson(given);
  const checks = checkDocument(checksSchema, document, { path: given, what: "a suite of checks" });
  const path = resolve(given);
  const folder = dirname(path);
  const run: EvaluateInput = {
    threads: overrides.threads ?? checks.threads,
    timeoutSeconds: checks.timeoutSeconds,
    retries: checks.retries,
    offline: overrides.offline ?? checks.offline,
    strict: overrides.strict ?? checks.strict,
  };
  return {
    path,
    entries: checks.evaluations.map((evaluation) => entryOf(evaluation, run, folder, availableThreads)),
  };
}

function entryOf(
  evaluation: CheckedEvaluation,
  run: EvaluateInput,
  folder: string,
  availableThreads: number,
): SuiteEntry {
  const {
    name,
    minAccuracy,
    expectAccuracy,
    minClassRecall,
    baseline,
    maxRegression = 0,
    ...input
  } = evaluation;
  const within = (path: string | undefined, names: readonly string[] = []) =>
    path === undefined || names.includes(path) ? path : resolve(folder, path);
  const located = {
    dataset: within(input.dataset, DATASET_NAMES),
    weights: within(input.weights, NETWORK_NAMES),
    architecture: within(input.architecture),
    labels: within(input.labels),
    classes: within(input.classes),
  };
  return {
    name,
    options: resolveOptions({ ...run, ...input, ...located }, availableThreads),
    demands: { minAccuracy, expectAccuracy, minClassRecall },
    baseline: within(baseline),
    maxRegression,
  };
}

export interface LoadedEntry {
  readonly name: string;
  readonly options: EvaluateOptions;
  readonly demands: Demands;
  readonly network: Network | OnnxModel;
  /** Index of the network among the pool's networks. */
  readonly source: number;
}

export interface LoadedSuite {
  /** Entries in the order of the suite. An Error stands for an entry that could not be loaded. */
  readonly entries: readonly (LoadedEntry | Error)[];
  readonly sources: readonly EngineSetup[];
}

export async function loadSuite(
  entries: readonly SuiteEntry[],
  download: DownloadOptions,
  command: CommandName = "check",
): Promise<LoadedSuite> {
  const sources: EngineSetup[] = [];
  const known = new Map<string, Pick<LoadedEntry, "network" | "source">>();

  async function sourceOf(options: EvaluateOptions): Promise<Pick<LoadedEntry, "network" | "source">> {
    const { weights, activation, architecture, normalize, mean, std, engine, classes } = options;
    const key = JSON.stringify([weights, activation, architecture, normalize, mean, std, engine, classes]);
    const found = known.get(key);
    if (found !== undefined) return found;
    const load = await networkLoader(engine);
    const given = typeof weights === "string" ? await load(weights, { ...options, ...download }) : weights;
    const names = classes === undefined ? undefined : await readClassNames(classes);
    const network = matchOutputs(given, names);
    const source = await engineSource(network);
    // An error of the engine belongs to this entry, not to the pool.
    const assets = await prepareEngine(engine, source);
    const made = { network, source: sources.push({ engine, source, assets }) - 1 };
    known.set(key, made);
    return made;
  }

  const loaded: (LoadedEntry | Error)[] = [];
  for (const { name, options, demands, baseline, maxRegression } of entries) {
    try {
      loaded.push({
        name,
        options,
        demands: {
          ...demands,
          baseline: baseline === undefined ? undefined : await readBaseline(baseline, maxRegression),
        },
        ...(await sourceOf(options)),
      });
    } catch (error) {
      loaded.push(asError(advisedFor(command, error)));
    }
  }
  return { entries: loaded, sources };
}
