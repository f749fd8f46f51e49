/** What is computed from merged integers: measures of classification, as scikit-learn defines them. */

/** How right the predictions were of one class. */
export interface ClassMetrics {
  /** The class, from 0. */
  readonly label: number;
  /** Images with this label. */
  readonly support: number;
  /** Images predicted as this class. */
  readonly predicted: number;
  /** Null where nothing was predicted as this class. */
  readonly precision: number | null;
  /** Null where no image has this label. */
  readonly recall: number | null;
  /** Null where both are so. */
  readonly f1: number | null;
}

/** Means over classes, of which a null counts as 0. */
export interface ClassAverages {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/** What the confusion matrix alone says. */
export interface ConfusionMetrics {
  /** By class, from 0. */
  readonly perClass: readonly ClassMetrics[];
  readonly averages: {
    /** Over the classes that occur as a label or a prediction, each alike. */
    readonly macro: ClassAverages;
    /** Over all images. */
    readonly micro: ClassAverages;
    /** Over the classes, by support. */
    readonly weighted: ClassAverages;
  };
  /** Mean recall of the classes that have images; null where nothing was evaluated. */
  readonly balancedAccuracy: number | null;
  /** Null where chance alone would agree on every image. */
  readonly cohensKappa: number | null;
  /** 0 where labels or predictions are all of one class. */
  readonly matthewsCorrelation: number;
}

/** What probabilities say, beyond the predicted class. */
export interface ScoreMetrics {
  /** Mean over images of −ln p(label), where p counts as at least 2⁻⁵²: 0 to 36.05. */
  readonly logLoss: number;
  /** Mean over images of Σₖ (pₖ − [k = label])²: 0 to 2. */
  readonly brierScore: number;
  /** Σ over bins of (images of the bin ÷ all images) · |accuracy − meanConfidence|: 0 to 1. */
  readonly expectedCalibrationError: number;
  /** 15 bins of equal width over 0..1, ascending. */
  readonly reliability: readonly ReliabilityBin[];
  /** Images whose label is among the k most probable classes; of equals, the lower class comes first. */
  readonly topK: { readonly k: number; readonly correct: number; readonly accuracy: number };
}

/** Images whose predicted class has a probability above `from` and up to `to`; the first bin has 0 too. */
export interface ReliabilityBin {
  readonly from: number;
  readonly to: number;
  /** Images in the bin. */
  readonly total: number;
  /** Share of them that are right; null where the bin is empty. */
  readonly accuracy: number | null;
  /** Mean probability of the predicted class; null where the bin is empty. */
  readonly meanConfidence: number | null;
}
