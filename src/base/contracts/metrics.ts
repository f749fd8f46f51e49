/** Measures of classification as scikit-learn defines them, and the integer sums from which they are computed. */
import * as z from "zod";
import { count, type DeepReadonly, share, signedShare } from "./fields.js";

export const classMetrics = z.object({
  /** The class, from 0. */
  label: count,
  /** Images with this label. */
  support: count,
  /** Images predicted as this class. */
  predicted: count,
  /** Share of the images predicted as this class that have this label; null if no image was predicted as this class. */
  precision: share.nullable(),
  /** Share of the images with this label that were predicted as this class; null if no image has this label. */
  recall: share.nullable(),
  /** Harmonic mean of precision and recall; 0 if no image is right, null if both are null. */
  f1: share.nullable(),
});

/** Measures of one class. */
export interface ClassMetrics extends DeepReadonly<z.infer<typeof classMetrics>> {}

export const classAverages = z.object({
  /** Mean of the classes' precision. */
  precision: share,
  /** Mean of the classes' recall. */
  recall: share,
  /** Mean of the classes' F1. It can differ from the F1 of the other two means. */
  f1: share,
});

/** Means over classes. A null counts as 0; each mean is 0 to 1, and 0 if no image was evaluated. */
export interface ClassAverages extends DeepReadonly<z.infer<typeof classAverages>> {}

export const confusionMetrics = z.object({
  /** One entry per class, from class 0. */
  perClass: z.array(classMetrics),
  /** Three means over the classes, as scikit-learn's `average` of the same names. */
  averages: z.object({
    /** Unweighted mean over the classes that occur as a label or as a prediction. */
    macro: classAverages,
    /** Computed over all images: each of the three is the accuracy. */
    micro: classAverages,
    /** Mean over the classes, weighted by support. */
    weighted: classAverages,
  }),
  /** Mean recall of the classes that have images; null if no image was evaluated. */
  balancedAccuracy: share.nullable(),
  /** Cohen's kappa, −1 to 1; null if chance alone agrees on every image, or no image was evaluated. */
  cohensKappa: signedShare.nullable(),
  /** Matthews correlation, −1 to 1; 0 if all labels or all predictions are one class, or no image was evaluated. */
  matthewsCorrelation: signedShare,
});

/** Measures that need only the confusion matrix. */
export interface ConfusionMetrics extends DeepReadonly<z.infer<typeof confusionMetrics>> {}

export const reliabilityBin = z.object({
  /** Lower bound, excluded except in the first bin: n ÷ 15 for bin n. */
  from: share,
  /** Upper bound, included: (n + 1) ÷ 15 for bin n. */
  to: share,
  /** Images in the bin. */
  total: count,
  /** Share of the bin's images that are right; null if the bin is empty. */
  accuracy: share.nullable(),
  /** Mean probability of the predicted class; null if the bin is empty. */
  meanConfidence: share.nullable(),
});

/** The images whose predicted class has a probability in one range. */
export interface ReliabilityBin extends DeepReadonly<z.infer<typeof reliabilityBin>> {}

export const scoreMetrics = z.object({
  /** Mean over images of −ln p(label), with p at least 2⁻⁵²: 0 to 36.05. */
  logLoss: z.number().nonnegative(),
  /** Mean over images of Σₖ (pₖ − [k = label])²: 0 to 2. */
  brierScore: z.number().min(0).max(2),
  /** Σ over bins of (images of the bin ÷ all images) · |accuracy − meanConfidence|: 0 to 1. */
  expectedCalibrationError: share,
  /** 15 bins of equal width over 0..1, ascending, by the probability of the predicted class. */
  reliability: z.array(reliabilityBin),
  /**
   * Share of images whose label is among the k classes with the largest logits. Top-1 is the accuracy: among equal logits
   * the lowest class is predicted, as by NumPy's argmax. For k ≥ 2 the highest of equal classes comes first, as in
   * scikit-learn's top_k_accuracy_score, so that top-2 can be below top-1 if logits are equal.
   */
  topK: z.object({
    /** The requested k, or 5; at most the number of classes. */
    k: z.int().positive(),
    /** Images whose label is among the k classes. */
    correct: count,
    /** correct ÷ images evaluated. */
    accuracy: share,
  }),
});

/** Measures that need probabilities; each is 0 if no image was evaluated. */
export interface ScoreMetrics extends DeepReadonly<z.infer<typeof scoreMetrics>> {}

/** Sums over images, computed from their probabilities. All are integers: the order of addition does not matter. */
export interface ScoreSums {
  /** Σ −ln p(label), in units of 2⁻³². */
  readonly logLoss: bigint;
  /** Σ Σₖ (pₖ − [k = label])², in units of 2⁻³². */
  readonly brier: bigint;
  /**
   * (classes): the sum of the first k entries is the number of images that are right within the top k. [0] counts the
   * images that are right by NumPy's argmax (lowest of equal logits); for k ≥ 2 the sum follows scikit-learn's
   * top_k_accuracy_score (highest of equal logits). [1] is negative if many images have equal logits.
   */
  readonly labelRanks: readonly number[];
  /** 15 bins of equal width over 0..1, by the probability of the predicted class. */
  readonly bins: readonly ScoreBin[];
}

/** The images whose predicted class has a probability in one range. */
export interface ScoreBin {
  /** Images in the bin. */
  readonly total: number;
  /** Images in the bin whose prediction is their label. */
  readonly correct: number;
  /** Σ probability of the predicted class, in units of 2⁻³². */
  readonly confidence: bigint;
}
