/** What two networks said of the same images, gathered image by image in any order. */

/** What no network predicts: the image has no answer yet. */
const NO_ANSWER = 0xffff;

/** What both sides of a comparison answered, image by image, in the order of the images. */
export interface PairedAnswers {
  /** (images) u8; 0 where there is no answer. */
  readonly labels: Uint8Array;
  /** (images) u16 each: A's and B's; 65,535 where there is no answer. */
  readonly predictions: readonly [a: Uint16Array, b: Uint16Array];
}

export function emptyAnswers(images: number): PairedAnswers {
  const unanswered = () => new Uint16Array(images).fill(NO_ANSWER);
  return { labels: new Uint8Array(images), predictions: [unanswered(), unanswered()] };
}

export interface AnsweredByBoth extends PairedAnswers {
  /** [n]: the place, among all images, of the n-th that both have answered. */
  readonly places: Uint32Array;
}

export function answeredByBoth({ labels, predictions: [a, b] }: PairedAnswers): AnsweredByBoth {
  const places = Uint32Array.from(labels.keys()).filter((n) => a[n] !== NO_ANSWER && b[n] !== NO_ANSWER);
  const at = (values: Uint16Array) => Uint16Array.from(places, (n) => values[n]);
  return { places, labels: Uint8Array.from(places, (n) => labels[n]), predictions: [at(a), at(b)] };
}
