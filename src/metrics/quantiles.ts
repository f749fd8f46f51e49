/** Order statistics of measured times. */

/** The smallest value that at least `share` (0..1) of the sorted values do not exceed: nearest rank, no averaging. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}
