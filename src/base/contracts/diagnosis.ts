/** What `diagnose` answers: how a network does on a sample of images under each way to read both. */
import type { DatasetView } from "./dataset.js";
import type { Activation, Preprocessing } from "./network.js";

/** One way to read the network's file and the images. */
export interface Candidate {
  /** What pixels go through before the first layer. */
  readonly preprocessing: Preprocessing;
  /** Activation of the hidden layers; null if the file or an option states it. */
  readonly activation: Activation | null;
  /** How pictures and labels are changed. */
  readonly view: DatasetView;
}

/** A candidate and how right the network is under it. */
export interface ScoredCandidate extends Candidate {
  /** Images of the sample whose prediction is their label. */
  readonly correct: number;
  /** Images of the sample that were evaluated. */
  readonly total: number;
  /** correct ÷ total. */
  readonly accuracy: number;
  /** Wilson's interval; all intervals of the table hold together with 95 % (Bonferroni). */
  readonly interval: readonly [low: number, high: number];
}

/** What `diagnose` answers; its JSON is this object. */
export interface Diagnosis {
  /** Version of the JSON's form. */
  readonly schemaVersion: 1;
  /** The set that the sample was drawn from. */
  readonly dataset: {
    /** As `Dataset.name`. */
    readonly name: string;
    /** As `Dataset.split`. */
    readonly split: string;
    /** As `Dataset.sha256`. */
    readonly sha256: string;
    /** Images in the whole set. */
    readonly total: number;
  };
  /** The network that was tried. */
  readonly network: {
    /** As `Network.name`. */
    readonly name: string;
    /** As `Network.sha256`. */
    readonly sha256: string;
    /** Units, from the inputs to the classes. */
    readonly layers: readonly number[];
  };
  /** Seed of the sample, 0 to 2³² − 1. */
  readonly seed: number;
  /** Images in the sample. */
  readonly images: number;
  /** Accuracy of a guess: the larger of 1 ÷ classes and the share of the most frequent label in the sample. */
  readonly chance: number;
  /** All candidates, best first; of equals the likeliest first. */
  readonly candidates: readonly ScoredCandidate[];
  /** The first candidate if its interval lies above chance; null if nothing beats chance. */
  readonly best: ScoredCandidate | null;
  /** Whether the best candidate's interval lies above that of every other prediction. */
  readonly isClear: boolean;
  /** The best candidate on other images of the set; null if there is none. */
  readonly again: {
    /** Images whose prediction is their label. */
    readonly correct: number;
    /** Images evaluated, none of which is in the sample if the set has two images or more. */
    readonly total: number;
    /** correct ÷ total. */
    readonly accuracy: number;
    /** Wilson's interval at 95 %. */
    readonly confidenceInterval95: readonly [low: number, high: number];
  } | null;
  /** Options of `evaluate` that give the best candidate; null if there is none. */
  readonly options: readonly string[] | null;
}
