/** Rows of error tables, and numbers and shapes as text. */

/** A row of an error table. */
export interface CodeRow<Facts> {
  /** Exit status of the process when this error ends it. */
  readonly status: ExitStatus;
  /** Message of one line from the facts: file, expected, found, next step. */
  readonly say: (facts: Facts) => string;
}

/** 1 internal · 2 usage · 3 bad input · 4 incomplete · 5 network · 6 output · 100 gate · 129, 130, 143 interrupted. */
export type ExitStatus = 1 | 2 | 3 | 4 | 5 | 6 | 100 | 129 | 130 | 143;

export function row<Facts>(status: ExitStatus, say: (facts: Facts) => string): CodeRow<Facts> {
  return { status, say };
}

/** Number with commas, the same in every locale: `1234567` → `1,234,567`. */
export function grouped(value: number | bigint): string {
  return value.toString().replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

const BYTE_UNITS = ["bytes", "kB", "MB", "GB", "TB", "PB", "EB"];

/** Bytes with a unit: `33.7 kB`, `472 GB`. Powers of 1,000, three significant digits. */
export function sizeText(bytes: number): string {
  const power = Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${Number((bytes / 1000 ** power).toPrecision(3))} ${BYTE_UNITS[power]}`;
}

/** Number with its noun: `1 batch`, `2,000 batches`. */
export function counted(count: number, one: string, many: string): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

/** Shape as NumPy prints it: `(784, 50)`. */
export function shapeText(shape: readonly number[]): string {
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
}
