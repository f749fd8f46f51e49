/** Confusion matrices for tests. */
import { seeded } from "./random.js";

export type Rows = readonly (readonly number[])[];

/** Row-major, as the functions read it. */
export function flat(rows: Rows): Uint32Array {
  return Uint32Array.from(rows.flat());
}

/**
 * Counts up to `most`, of which the diagonal's are larger; some cells are 0. `unlabelled` classes have no images,
 * `unpredicted` ones no predictions; a class may be both.
 */
export function randomConfusion({
  classes,
  most = 50,
  seed = 1,
  unlabelled = [],
  unpredicted = [],
}: {
  readonly classes: number;
  readonly most?: number;
  readonly seed?: number;
  readonly unlabelled?: readonly number[];
  readonly unpredicted?: readonly number[];
}): Rows {
  const random = seeded(seed);
  return Array.from({ length: classes }, (_, label) =>
    Array.from({ length: classes }, (_, prediction) => {
      const images = Math.floor(random() ** (label === prediction ? 0.5 : 4) * most);
      return unlabelled.includes(label) || unpredicted.includes(prediction) ? 0 : images;
    }),
  );
}
