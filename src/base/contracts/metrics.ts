/** What is computed from merged integers: measures of classification, as scikit-learn defines them. */

/** How right the predictions were of one class. */
export interface ClassMetrics {
  /** The class, from 0. */
  readonly label: number;
  /** Images with this label. */
  readonly support: number;
  /** Images predicted as this class. */
  readonly predicted: number;
  /** Share of the images predicted as this class that have this label; null where nothing was predicted as it. */
  readonly precision: number | null;
  /** Share of the images with this label that were predicted as this class; null where no image has this label. */
  readonly recall: number | null;
  /** Harmonic mean of both, 0 where no image is right; null where neither has a value. */
  readonly f1: number | null;
}

/** Means over classes, of which a null counts as 0; each is 0 to 1, and 0 where nothing was evaluated. */
export interface ClassAverages {
  /** Mean of the classes' precision. */
  readonly precision: number;
  /** Mean of the classes' recall. */
  readonly recall: number;
  /** Mean of the classes' F1, which need not be the F1 of the two other means. */
  readonly f1: number;
}

/** What the confusion matrix alone says. */
export interface ConfusionMetrics {
  /** By class, from 0. */
  readonly perClass: readonly ClassMetrics[];
  /** Of all classes in three ways, as scikit-learn's `average` of the same names. */
  readonly averages: {
    /** Over the classes that occur as a label or a prediction, each alike. */
    readonly macro: ClassAverages;
    /** Over all images: all three are the accuracy. */
    readonly micro: ClassAverages;
    /** Over the classes, by support. */
    readonly weighted: ClassAverages;
  };
  /** Mean recall of the classes that have images; null where nothing was evaluated. */
  readonly balancedAccuracy: number | null;
  /** −1 to 1; null where chance alone would agree on every image, or nothing was evaluated. */
  readonly cohensKappa: number | null;
  /** −1 to 1; 0 where labels or predictions are all of one class, or nothing was evaluated. */
  readonly matthewsCorrelation: number;
}

/** What probabilities say, beyond the predicted class; each measure is 0 where nothing was evaluated. */
export interface ScoreMetrics {
  /** Mean over images of −ln p(label), where p counts as at least 2⁻⁵²: 0 to 36.05. */
  readonly logLoss: number;
  /** Mean over images of Σₖ (pₖ − [k = label])²: 0 to 2. */
  readonly brierScore: number;
  /** Σ over bins of (images of the bin ÷ all images) · |accuracy − meanConfidence|: 0 to 1. */
  readonly expectedCalibrationError: number;
  /** 15 bins of equal width over 0..1, ascending. */
  readonly reliability: readonly ReliabilityBin[];
  /**
   * How often the label is among the k classes with the largest logits. For k = 1 this is the accuracy: of equal logits the
   * lowest class is predicted, as by NumPy's argmax. For k ≥ 2 the highest of equals comes first, as in scikit-learn's
   * top_k_accuracy_score; where logits are equal, top-2 can therefore be below top-1.
   */
  readonly topK: {
    /** As asked for, or 5; at most the number of classes. */
    readonly k: number;
    /** Images whose label is among the k. */
    readonly correct: number;
    /** correct ÷ images evaluated. */
    readonly accuracy: number;
  };
}

/** Images whose predicted class has a probability above `from` and up to `to`; the first bin has 0 too. */
export interface ReliabilityBin {
  /** n ÷ 15, of the n-th bin from 0. */
  readonly from: number;
  /** (n + 1) ÷ 15. */
  readonly to: number;
  /** Images in the bin. */
  readonly total: number;
  /** Share of them that are right; null where the bin is empty. */
  readonly accuracy: number | null;
  /** Mean probability of the predicted class; null where the bin is empty. */
  readonly meanConfidence: number | null;
}
