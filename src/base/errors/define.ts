/** The shape of one row of an error table: which exit status it means, and how its facts read as one line. */

export interface CodeRow<Facts> {
  /** Exit status of the process when this error ends it. */
  readonly status: ExitStatus;
  /** The facts as one line: the file, what was expected, what was found, what to do. */
  readonly say: (facts: Facts) => string;
}

/** 1 ours · 2 usage · 3 bad input · 4 incomplete · 5 network · 6 output · 100 gate · 130, 143 interrupted. */
export type ExitStatus = 1 | 2 | 3 | 4 | 5 | 6 | 100 | 130 | 143;

export function row<Facts>(status: ExitStatus, say: (facts: Facts) => string): CodeRow<Facts> {
  return { status, say };
}

/** `1234567` → `1,234,567`, the same in every locale. */
export function grouped(value: number | bigint): string {
  return value.toString().replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** `1 batch`, `2,000 batches`. */
export function counted(count: number, one: string, many: string): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

/** `(784, 50)`: a shape as NumPy prints it. */
export function shapeText(shape: readonly number[]): string {
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
}
