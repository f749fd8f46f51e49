/** Measured times as they are told. */

/** To microseconds: what lies below is noise. */
export function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
