/** What is computed from merged integers: measures of classification, as scikit-learn defines them. */

export interface ClassMetrics {
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

/** A class's null counts as 0. */
export interface ClassAverages {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/** From the confusion matrix alone. */
export interface ConfusionMetrics {
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

/** From probabilities. */
export interface ScoreMetrics {
  readonly logLoss: number;
  /** Mean over images of Σₖ (pₖ − [k = label])²: 0 to 2. */
  readonly brierScore: number;
  readonly expectedCalibrationError: number;
  readonly reliability: readonly ReliabilityBin[];
  readonly topK: { readonly k: number; readonly correct: number; readonly accuracy: number };
}

/** Images whose predicted class has a probability above `from` and up to `to`; the first bin has 0 too. */
export interface ReliabilityBin {
  readonly from: number;
  readonly to: number;
  readonly total: number;
  /** Null where the bin is empty, as is `meanConfidence`. */
  readonly accuracy: number | null;
  readonly meanConfidence: number | null;
}
