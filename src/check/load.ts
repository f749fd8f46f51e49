/** Loads what a suite's evaluations need before the first of them runs: networks, each once, and baselines. */
import { asError } from "#src/base/as-error.js";
import type { Network } from "#src/base/contracts/network.js";
import type { OnnxModel } from "#src/base/contracts/onnx-model.js";
import type { DownloadOptions } from "#src/files/download/catalog-entry.js";
import { engineSource } from "#src/networks/fold.js";
import { prepareEngine } from "#src/engines/registry.js";
import { advisedFor } from "#src/base/errors/engine-advice.js";
import type { EngineSetup } from "#src/pool/worker-setup.js";
import { type Demands, readBaseline } from "#src/evaluate/gates.js";
import { networkLoader } from "../load-pair.js";
import type { EvaluateOptions } from "../options.js";
import type { SuiteEntry } from "#src/evaluate/check/suite.js";

export interface LoadedEntry {
  readonly name: string;
  readonly options: EvaluateOptions;
  readonly demands: Demands;
  readonly network: Network | OnnxModel;
  /** Index of the network among the pool's. */
  readonly source: number;
}

export interface LoadedSuite {
  /** As the suite has them; an error is an entry that could not be loaded. */
  readonly entries: readonly (LoadedEntry | Error)[];
  readonly sources: readonly EngineSetup[];
}

export async function loadSuite(
  entries: readonly SuiteEntry[],
  download: DownloadOptions,
): Promise<LoadedSuite> {
  const sources: EngineSetup[] = [];
  const known = new Map<string, Pick<LoadedEntry, "network" | "source">>();

  async function sourceOf(options: EvaluateOptions): Promise<Pick<LoadedEntry, "network" | "source">> {
    const { weights, activation, normalize, mean, std, engine } = options;
    const key = JSON.stringify([weights, activation, normalize, mean, std, engine]);
    const found = known.get(key);
    if (found !== undefined) return found;
    const load = await networkLoader(engine);
    const network = typeof weights === "string" ? await load(weights, { ...options, ...download }) : weights;
    const source = engineSource(network);
    // What the engine refuses is this entry's fault, not the pool's.
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
      loaded.push(asError(advisedFor("check", error)));
    }
  }
  return { entries: loaded, sources };
}
