/** What a model's outputs are: told by its graph, held against what a run gives, and turned into logits. */
import type { OutputKind } from "#src/base/contracts/onnx-model.js";
import { probabilitiesInPlace } from "#src/engines/softmax.js";

/** Float16 gives three digits; softmax over another axis is off by far more. */
const TOLERANCE = 0.01;

/** Numbers (rows × classes), row-major. */
export interface Rows {
  readonly values: ArrayLike<number>;
  readonly classes: number;
}

/** The logit that a value of this kind comes from; of a softmax, but for a number that all classes share. */
export function logitOf(kind: OutputKind, value: number): number {
  switch (kind) {
    case "logits":
    case "log-softmax":
      return value;
    case "softmax":
      return Math.log(value);
    case "sigmoid":
      return Math.log(value / (1 - value));
  }
}

/** Whether `outputs` are what a model that ends with `kind` makes of these logits. */
export function agree(kind: OutputKind, logits: ArrayLike<number>, { values, classes }: Rows): boolean {
  if (logits.length !== values.length) return false;
  const expected = Float64Array.from(logits);
  if (kind !== "sigmoid") {
    for (let start = 0; start < expected.length; start += classes) {
      probabilitiesInPlace(kind, expected, start, classes);
    }
  }
  return expected.every((value, n) => {
    const found = kind === "log-softmax" ? Math.exp(values[n]) : values[n];
    return Math.abs((kind === "sigmoid" ? 1 / (1 + Math.exp(-value)) : value) - found) <= TOLERANCE;
  });
}

/** Whether numbers can be outputs of this kind; any can be logits. */
export function canBe(kind: OutputKind, { values, classes }: Rows): boolean {
  const numbers = Array.from(values);
  switch (kind) {
    case "logits":
      return true;
    case "sigmoid":
      return numbers.every((value) => value >= 0 && value <= 1);
    case "softmax":
      return numbers.every((value) => value >= 0 && value <= 1 + TOLERANCE) && sumToOne(numbers, classes);
    case "log-softmax":
      return numbers.every((value) => value <= TOLERANCE) && sumToOne(numbers.map(Math.exp), classes);
  }
}

/** What numbers of an unknown operator most likely are. */
export function likeliest(rows: Rows): OutputKind {
  return (["softmax", "log-softmax", "sigmoid"] as const).find((kind) => canBe(kind, rows)) ?? "logits";
}

function sumToOne(numbers: readonly number[], classes: number): boolean {
  for (let start = 0; start < numbers.length; start += classes) {
    const sum = numbers.slice(start, start + classes).reduce((a, b) => a + b, 0);
    if (!(Math.abs(sum - 1) <= TOLERANCE)) return false;
  }
  return true;
}
