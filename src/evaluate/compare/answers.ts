/** What two networks said of the same images, gathered image by image in any order. */
import { takeAnswers } from "#src/base/take-memory.js";

/** What no network predicts: the image has no answer yet. */
const NO_ANSWER = 0xffff;

/** What both sides of a comparison answered, image by image, in the order of the images. */
export interface PairedAnswers {
  /** (images) u8; 0 where there is no answer. */
  readonly labels: Uint8Array;
  /** (images) u16 each: A's and B's; 65,535 where there is no answer. */
  readonly predictions: readonly [a: Uint16Array, b: Uint16Array];
}

/** @throws UsageError ERR_MEMORY */
export function emptyAnswers(images: number): PairedAnswers {
  const unanswered = () => takeAnswers(Uint16Array, images).fill(NO_ANSWER);
  return { labels: takeAnswers(Uint8Array, images), predictions: [unanswered(), unanswered()] };
}

export interface AnsweredByBoth extends PairedAnswers {
  /** [n]: the place, among all images, of the n-th that both have answered. */
  readonly places: Uint32Array;
}

/** @throws UsageError ERR_MEMORY */
export function answeredByBoth({ labels, predictions: [a, b] }: PairedAnswers): AnsweredByBoth {
  // Loops: a list of all images in between, as an iterator makes one, fails at some hundred millions.
  const room = takeAnswers(Uint32Array, labels.length);
  let total = 0;
  for (let n = 0; n < labels.length; n++) {
    if (a[n] !== NO_ANSWER && b[n] !== NO_ANSWER) room[total++] = n;
  }
  const places = room.subarray(0, total);
  const at = <V extends Uint8Array | Uint16Array>(values: V, found: V): V => {
    for (let i = 0; i < total; i++) found[i] = values[places[i]];
    return found;
  };
  return {
    places,
    labels: at(labels, takeAnswers(Uint8Array, total)),
    predictions: [at(a, takeAnswers(Uint16Array, total)), at(b, takeAnswers(Uint16Array, total))],
  };
}
