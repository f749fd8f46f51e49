/** The answer of `diagnose`: how a network does on a sample of images under each way to read both. */
import * as z from "zod";
import {
  count,
  type DeepReadonly,
  datasetHash,
  datasetView,
  preprocessing,
  sha256,
  share,
  shareInterval,
} from "./fields.js";
import { ACTIVATIONS } from "./network.js";

const candidate = z.object({
  /** What pixels go through before the first layer. */
  preprocessing,
  /** Activation of the hidden layers; null if the file or an option states it. */
  activation: z.enum(ACTIVATIONS).nullable(),
  /** How pictures and labels are changed. */
  view: datasetView,
});

/** One way to read the network's file and the images. */
export interface Candidate extends DeepReadonly<z.infer<typeof candidate>> {}

const scoredCandidate = candidate.extend({
  /** Images of the sample whose prediction is their label. */
  correct: count,
  /** Images of the sample that were evaluated. */
  total: count,
  /** correct ÷ total. */
  accuracy: share,
  /** Wilson's interval; all intervals of the table hold together with 95 % (Bonferroni). */
  interval: shareInterval,
});

/** A candidate and the network's accuracy under it. */
export interface ScoredCandidate extends DeepReadonly<z.infer<typeof scoredCandidate>> {}

const diagnosisSchema = z.object({
  /** Version of this document's format. */
  schemaVersion: z.literal(1),
  /** The set that the sample was drawn from. */
  dataset: z.object({
    /** Name of the data set, as `Dataset.name`. */
    name: z.string(),
    /** `test` or `train`. */
    split: z.string(),
    ...datasetHash,
    /** Images in the whole set. */
    total: count,
  }),
  /** The network that was tried. */
  network: z.object({
    /** Name of the network, as `Network.name`. */
    name: z.string(),
    /** SHA-256, hex, as `Network.sha256`. */
    sha256,
    /** Units from the inputs to the classes. */
    layers: z.array(z.int().positive()),
  }),
  /** Seed of the sample, 0 to 2³² − 1. */
  seed: count,
  /** Images in the sample. */
  images: count,
  /** Accuracy of a guess: the larger of 1 ÷ classes and the share of the most frequent label in the sample. */
  chance: share,
  /** All candidates, best first; among equals, the likeliest first. */
  candidates: z.array(scoredCandidate),
  /** The first candidate if its interval lies above chance; null if none beats chance. */
  best: scoredCandidate.nullable(),
  /** Whether the best candidate's interval lies above that of every candidate with other predictions. */
  isClear: z.boolean(),
  /** The best candidate on other images of the set; null if there is none. */
  again: z
    .object({
      /** Images whose prediction is their label. */
      correct: count,
      /** Images evaluated; none of them is in the sample if the set has at least two images. */
      total: count,
      /** correct ÷ total. */
      accuracy: share,
      /** Wilson's interval at 95 %. */
      confidenceInterval95: shareInterval,
    })
    .nullable(),
  /** Options of `evaluate` that give the best candidate; null if there is none. */
  options: z.array(z.string()).nullable(),
});

/** The answer of `diagnose`. */
export interface Diagnosis extends DeepReadonly<z.infer<typeof diagnosisSchema>> {}

/** The JSON report of `diagnose`. */
export const diagnosisFileSchema = diagnosisSchema
  .extend({
    /** The command that evaluates the whole set with the best candidate; null if there is none. */
    command: z.string().nullable(),
    /** A caution: the accuracies were used to choose among candidates. */
    note: z.string(),
  })
  .meta({ title: "Batchwise: a diagnosis" });

/** The JSON report of `diagnose`. */
export interface DiagnosisFile extends DeepReadonly<z.infer<typeof diagnosisFileSchema>> {}
