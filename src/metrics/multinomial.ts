/** Seeded draws with replacement from things that are counted by cell. */
import { randomBinomial, randomLcg } from "d3-random";

/**
 * Each call draws as many as `counts` holds and answers how many came from each cell. Cell by cell: of those still to be
 * drawn, a cell takes a binomial share, with its part of what it and the cells after it hold (L. Devroye, Non-Uniform
 * Random Variate Generation, 1986, XI.1.4), so that a draw's cost goes by the cells, not by what they count. `seed` is an
 * integer from 0 below 2³².
 */
export function multinomialDraws(counts: ArrayLike<number>, seed: number): () => Float64Array {
  const binomial = randomBinomial.source(randomLcg(seed));
  const all = Array.from(counts).reduce((a, b) => a + b, 0);
  return () => {
    const drawn = new Float64Array(counts.length);
    let toDraw = all;
    let held = all;
    for (let cell = 0; toDraw > 0; cell++) {
      // An empty cell takes 0, and the last that is not empty all, its share being exactly 1.
      drawn[cell] = binomial(toDraw, counts[cell] / held)();
      toDraw -= drawn[cell];
      held -= counts[cell];
    }
    return drawn;
  };
}
