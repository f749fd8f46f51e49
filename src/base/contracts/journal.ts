/** A part of a run, for the result of a shard and for a journal. Its counts are integers that can be added in any order. */
import * as z from "zod";
import type { ImageRange } from "./dataset.js";
import { ENGINES } from "./engine.js";
import {
  count,
  countMatrix,
  type DeepReadonly,
  datasetReading,
  datasetView,
  preprocessing,
  sha256,
  share,
  within,
} from "./fields.js";
import { ACTIVATIONS } from "./network.js";
import { LIMITS, PREDICTIONS_FORMATS } from "./run.js";

export const runIdentity = z.object({
  /** Version of the package. */
  batchwise: z.string(),
  /** SHA-256, hex, as `Dataset.sha256`. */
  dataset: sha256,
  /** How pictures and labels were changed. */
  view: datasetView,
  /** Options that stated what the files of the images do not. */
  reading: datasetReading.optional(),
  /** SHA-256, hex, as `Network.sha256`. */
  network: sha256,
  /** `float64` for all engines that predict the same; otherwise the engine, whose last digits can differ. */
  arithmetic: z.enum(["float64", ...ENGINES]),
  /** What pixels go through before the first layer, with all of its numbers. */
  preprocessing,
  /** Activation of each layer; null for an ONNX model that runs whole, whose hash covers it. */
  activations: z.array(z.enum(ACTIVATIONS)).nullable(),
  /** Whether predictions are compared with labels. */
  labelled: z.boolean(),
  /** Outputs of the network. */
  classes: z.int().positive(),
  /** Index of the first image of the whole run. */
  offset: within(LIMITS.offset),
  /** Images of the whole run. */
  limit: within(LIMITS.limit),
  /** Whether probabilities were requested. */
  probabilities: z.boolean(),
  /** The requested k; null if none was requested. The default is 5, at most the number of classes. */
  topK: within(LIMITS.topK).nullable(),
  /** Bootstrap draws; 0 if no interval was requested. */
  bootstrap: within(LIMITS.bootstrap),
  /** Seed of the bootstrap. */
  seed: within(LIMITS.seed),
});

/**
 * Everything that the result of a run depends on: two runs with equal identities have equal results. Threads, batch size and
 * retries change no integer and are left out.
 */
export interface RunIdentity extends DeepReadonly<z.infer<typeof runIdentity>> {}

/** A sum over at most 2³² images is below 2⁷⁰, which has 22 digits. More digits would take long to parse. */
const digits = z.string().regex(/^\d{1,22}$/);

const serialisedScoreSums = z.object({
  /** Σ −ln p(label), in units of 2⁻³²; decimal digits, because it can exceed 2⁵³. */
  logLoss: digits,
  /** Σ Σₖ (pₖ − [k = label])², in units of 2⁻³²; decimal digits. */
  brier: digits,
  /** The sum of the first k entries is the number of images right within the top k; `[1]` can be negative (`ScoreSums`). */
  labelRanks: z.array(z.int()),
  /** 15 bins of equal width over 0..1, by the probability of the predicted class. */
  bins: z.array(
    z.object({
      /** Images in the bin. */
      total: count,
      /** Images in the bin whose prediction is their label. */
      correct: count,
      /** Σ probability of the predicted class, in units of 2⁻³²; decimal digits. */
      confidence: digits,
    }),
  ),
});

/** `ScoreSums` with each bigint as decimal digits. */
export interface SerialisedScoreSums extends DeepReadonly<z.infer<typeof serialisedScoreSums>> {}

export const partialCounts = z.object({
  /** Index of the first image of the range. */
  offset: count,
  /** Images in the range. */
  limit: count,
  /** Images whose prediction is their label. */
  correct: count,
  /** Images counted; `limit` if none is missing. */
  total: count,
  /** (classes × classes) images: rows are labels, columns predictions. */
  confusionMatrix: countMatrix,
  /** Sums over the probabilities; null if probabilities were not requested. */
  scores: serialisedScoreSums.nullable(),
  /** Images that `simd` computed again in float64 to be certain. */
  recomputed: count,
});

/** The counts of a range of images. Survives JSON unchanged. */
export interface PartialCounts extends DeepReadonly<z.infer<typeof partialCounts>> {}

const shard = z.object({
  /** Number of the shard, from 1. */
  index: z.int().positive(),
  /** Number of shards. */
  count: z.int().positive(),
});

/** One of the `count` parts of nearly equal size into which the images of a run are cut. */
export interface Shard extends DeepReadonly<z.infer<typeof shard>> {}

export const shardPart = shard.extend({
  /** Identity of the whole run: the same in all of its parts. */
  identity: runIdentity,
  /** SHA-256, hex, of the identity. */
  key: sha256,
  /** Counts over the images of this shard. */
  counts: partialCounts,
});

/** Facts in the result of a shard by which it is merged with the others. */
export interface ShardPart extends DeepReadonly<z.infer<typeof shardPart>> {}

const outputFacts = z.object({
  /** Name of the file without its folder, because another machine can have mounted it elsewhere. */
  file: z.string(),
  /** `ndjson` or `csv`. */
  format: z.enum(PREDICTIONS_FORMATS),
  /** Number of classes in each line's `topK`. */
  topK: count,
});

/** Facts that must be equal if a run continues an output. */
export interface OutputFacts extends DeepReadonly<z.infer<typeof outputFacts>> {}

const outputPosition = z.object({
  /** Index of the next image: all images before it are written, in order. */
  nextImage: count,
  /** Length of the file. */
  bytes: count,
  /** SHA-256, hex, of these bytes. */
  sha256,
});

/** How far an output has been written. */
export interface OutputPosition extends DeepReadonly<z.infer<typeof outputPosition>> {}

/** The first line of a journal. */
export const journalHeader = z.object({
  /** Marks the file as a journal. */
  journal: z.literal("batchwise"),
  /** Version of this document's format. */
  version: z.literal(1),
  /** Identity of the whole run. */
  identity: runIdentity,
  /** SHA-256, hex, of the identity. */
  key: sha256,
  /** The images of this run; for a shard, a part of the identity's images. */
  range: z.object({
    /** Index of the first image. */
    offset: count,
    /** Number of images. */
    limit: count,
  }),
  /** The predictions file; null if the run writes none. */
  predictions: outputFacts.nullable(),
});

/** The first line of a journal. */
export interface JournalHeader extends DeepReadonly<z.infer<typeof journalHeader>> {}

/** Every other line of a journal. */
export const journalLine = partialCounts.extend({
  /** State of the predictions file at this point; null if the run writes none. */
  predictions: outputPosition.pick({ bytes: true, sha256: true }).nullable(),
});

/** Records that `limit` images from `offset` are done: all of them are counted. */
export interface JournalLine extends DeepReadonly<z.infer<typeof journalLine>> {}

/** A line of a journal: the header is the first, and only the first. */
export const journalSchema = z
  .union([journalHeader, journalLine])
  .meta({ title: "Batchwise: a line of a journal" });

/** A file that grows beside a journal. Its content is on disk before the journal records it. */
export interface DurableOutput {
  /** Written into the journal's header, and compared with it when the run is resumed. */
  readonly facts: OutputFacts;
  /**
   * Continues after `position` and drops what follows it. With null, starts at the beginning of `range`. Throws FileError
   * ERR_JOURNAL_PREDICTIONS if the file has changed.
   */
  begin(range: ImageRange, position: OutputPosition | null): Promise<void>;
  /** Flushes the file; returns the flushed position, or null if the file could not be written. */
  sync(): Promise<OutputPosition | null>;
}

const classProbability = z.object({
  /** The class, from 0. */
  class: count,
  /** Its probability. */
  probability: share,
});

/** A class and its probability. */
export interface ClassProbability extends DeepReadonly<z.infer<typeof classProbability>> {}

/** A line of a predictions file: one line per image, in order. */
export const predictionSchema = z
  .object({
    /** Index of the image within the data set. */
    index: count,
    /** Label of the image; null if the images have no labels. */
    label: count.nullable(),
    /** Predicted class. */
    prediction: count,
    /** Probability of the predicted class; null if only classes were given to `batchwise score`. */
    probability: share.nullable(),
    /** The most probable classes, most probable first; among equals, the lower class first. Empty without probabilities. */
    topK: z.array(classProbability),
    /** Whether the prediction is the label; null if the images have no labels. */
    correct: z.boolean().nullable(),
  })
  .refine(
    ({ probability, topK }) => (probability === null) === (topK.length === 0),
    "expected a probability and classes, or neither",
  )
  .meta({ title: "Batchwise: a line of a predictions file" });

/** A line of a predictions file. */
export interface Prediction extends DeepReadonly<z.infer<typeof predictionSchema>> {}
