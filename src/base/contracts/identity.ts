/** What makes two runs the same run: all that its answer depends on, and nothing else. */
import type { DatasetView } from "./dataset.js";
import type { EngineName } from "./engine.js";
import type { Activation } from "./network.js";
import type { Preprocessing } from "./preprocessing.js";

/**
 * What two runs that are the same run have in common. Threads, batch size, retries and whatever else leaves every
 * integer as it is are not part of it.
 */
export interface RunIdentity {
  /** The package's version. */
  readonly batchwise: string;
  /** SHA-256, hex, as `Dataset.sha256`. */
  readonly dataset: string;
  /** How the pictures and labels were changed. */
  readonly view: DatasetView;
  /** SHA-256, hex, as `Network.sha256`. */
  readonly network: string;
  /** `float64` for all that predict the same; the engine itself where last digits may differ. */
  readonly arithmetic: "float64" | EngineName;
  /** What the network's pixels go through, with all of its numbers. */
  readonly preprocessing: Preprocessing;
  /** Of each layer; null for a model of any operators, whose hash covers it. */
  readonly activations: readonly Activation[] | null;
  /** Whether predictions are held against labels. */
  readonly labelled: boolean;
  /** Outputs of the network. */
  readonly classes: number;
  /** The first image of the whole run, of which a shard is a part. */
  readonly offset: number;
  /** Images of the whole run. */
  readonly limit: number;
  /** Whether they were asked for. */
  readonly probabilities: boolean;
  /** The k asked for; null where none was, which means 5 or as many as there are classes. */
  readonly topK: number | null;
  /** Resamples; 0 where no interval was asked for. */
  readonly bootstrap: number;
  /** Of the bootstrap. */
  readonly seed: number;
}
