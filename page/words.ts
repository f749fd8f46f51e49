/** Numbers in words, the same in every locale. */

const COUNT = new Intl.NumberFormat("en-US");

export function count(value: number): string {
  return COUNT.format(value);
}

/** `1 image`, `2,000 images` */
export function counted(value: number, noun: string, plural = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : plural}`;
}

/** `93.52 %` */
export function percent(share: number, digits = 2): string {
  return `${(100 * share).toFixed(digits)} %`;
}

/** A confidence, which is never rounded to a certainty: softmax knows none. */
export function confidence(share: number): string {
  if (share >= 0.9995) return "> 99.9 %";
  if (share < 0.0005) return "< 0.1 %";
  return percent(share, 1);
}

/** Three figures: `0.0123`, `1.60`, `158`. */
export function milliseconds(ms: number): string {
  return `${ms >= 100 ? count(Math.round(ms)) : ms.toPrecision(3)} ms`;
}

export function decimal(value: number | null, digits = 4): string {
  return value === null ? "–" : value.toFixed(digits);
}
