/** Differences in words. */

/** `+0.0042`; zero has no sign. */
export function signedDecimal(value: number, digits = 4): string {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${value < 0 ? "−" : "+"}${text}`;
}

/** Of a share, in hundredths: `+0.42`. */
export function points(share: number): string {
  return signedDecimal(100 * share, 2);
}
