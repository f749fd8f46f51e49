/** What a predictions file says of each image; one line an image, in order. */

export const PREDICTIONS_FORMATS = ["ndjson", "csv"] as const;
export type PredictionsFormat = (typeof PREDICTIONS_FORMATS)[number];

export interface ClassProbability {
  readonly class: number;
  readonly probability: number;
}

export interface Prediction {
  /** Within the data set. */
  readonly index: number;
  /** Null, as is `correct`, where the images have no labels. */
  readonly label: number | null;
  readonly prediction: number;
  /** Of the predicted class. */
  readonly probability: number;
  /** The most probable classes, most probable first; of equals, the lower class comes first. */
  readonly topK: readonly ClassProbability[];
  readonly correct: boolean | null;
}
