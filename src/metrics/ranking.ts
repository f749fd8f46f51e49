/** The order of an image's classes, by its logits: softmax may make equals of logits that differ. */

/** Classes that a sort by insertion handles in less time than a merge takes to begin. */
const FEW = 16;

/** Writes the `count` classes into `ranking` from `start`, from the largest logit to the smallest; of equals, the lower first. */
export type RankClasses = (logits: Float64Array, ranking: Uint16Array, start: number) => void;

/** Logits and ranking are (images × count), row-major; `start` is where the image's row begins in both. */
export function classRanker(count: number): RankClasses {
  const [low, high] = [new Uint16Array(count), new Uint16Array(count)];
  return (logits, ranking, start) => {
    for (let first = 0; first < count; first += FEW) {
      insertRun(logits, low, start, first, Math.min(first + FEW, count));
    }
    let [from, to] = [low, high];
    for (let width = FEW; width < count; width *= 2) {
      for (let first = 0; first < count; first += 2 * width) mergeRuns(logits, from, to, start, first, width);
      [from, to] = [to, from];
    }
    ranking.set(from, start);
  };
}

/** Sorts the classes `first` to `end`. */
function insertRun(
  logits: Float64Array,
  order: Uint16Array,
  start: number,
  first: number,
  end: number,
): void {
  for (let one = first; one < end; one++) {
    const logit = logits[start + one];
    let place = one;
    for (; place > first && logits[start + order[place - 1]] < logit; place--)
      order[place] = order[place - 1];
    order[place] = one;
  }
}

/** Merges two sorted runs of `width` that begin at `first`; the second may be shorter, or missing. */
function mergeRuns(
  logits: Float64Array,
  from: Uint16Array,
  to: Uint16Array,
  start: number,
  first: number,
  width: number,
): void {
  const middle = Math.min(first + width, from.length);
  const end = Math.min(first + 2 * width, from.length);
  let [left, right] = [first, middle];
  for (let place = first; place < end; place++) {
    // Of equals the left one is the lower class.
    const isLeft =
      left < middle && (right === end || logits[start + from[left]] >= logits[start + from[right]]);
    to[place] = isLeft ? from[left++] : from[right++];
  }
}
