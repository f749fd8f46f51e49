/** A rival that can prove its answer: every pass predicts all images of the subject. */
import assert from "node:assert/strict";
import type { Rival } from "../harness.js";

export interface Pass {
  readonly elapsedMs: number;
  readonly predictions: ArrayLike<number>;
}

export interface Contestant {
  readonly name: string;
  /** Other settings of the same rival have the same family, of which the best is told. */
  readonly family?: string;
  pass(): Promise<Pass>;
  close(): Promise<void>;
}

/** Passes are checked outside their time, every one. */
export function proving({ name, pass }: Contestant, expected: Uint16Array): Rival {
  return {
    name,
    async run() {
      const { elapsedMs, predictions } = await pass();
      assertPredicts(name, predictions, expected);
      return elapsedMs;
    },
  };
}

export function assertPredicts(name: string, predictions: ArrayLike<number>, expected: Uint16Array): void {
  assert.equal(predictions.length, expected.length, `${name} predicts all images`);
  const wrong = expected.findIndex((label, n) => predictions[n] !== label);
  assert.equal(wrong, -1, `${name} predicts another class than the reference engine for image ${wrong}`);
}
