/** What makes two runs the same run: all that its answer depends on, and nothing else. */
import type { EngineName } from "./engine.js";
import type { Activation } from "./network.js";
import type { Preprocessing } from "./preprocessing.js";

/** Threads, batch size, retries and whatever else leaves every integer as it is are not part of it. */
export interface RunIdentity {
  /** The package's version. */
  readonly batchwise: string;
  readonly dataset: string;
  readonly network: string;
  /** `float64` for all that predict the same; the engine itself where last digits may differ. */
  readonly arithmetic: "float64" | EngineName;
  readonly preprocessing: Preprocessing;
  /** Of each layer; null for a model of any operators, whose hash covers it. */
  readonly activations: readonly Activation[] | null;
  readonly labelled: boolean;
  readonly classes: number;
  /** The first image of the whole run, of which a shard is a part. */
  readonly offset: number;
  readonly limit: number;
  readonly probabilities: boolean;
  readonly topK: number | null;
  readonly bootstrap: number;
  readonly seed: number;
}
