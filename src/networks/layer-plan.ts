/** Which arrays of a file are which layer's: what the readers of names agree on. */
import { NetworkError } from "#src/base/errors.js";

/** Arrays by name, before any number of theirs is looked at. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

export interface LayerPlan {
  readonly inputs: number;
  readonly outputs: number;
  /** Name of the array (inputs × outputs), or (outputs × inputs) where it is transposed. */
  readonly weights: string;
  readonly transposed: boolean;
  /** Name of the array (outputs) or (1 × outputs); none means zeros. */
  readonly biases: string | undefined;
}

/** @throws NetworkError ERR_NETWORK_CHAIN for anything but (outputs), or the one row that some write for it. */
export function checkVector(path: string, layer: string, shape: readonly number[], outputs: number): void {
  const [rows, columns] = shape.length === 1 ? [1, shape[0]] : shape;
  if (shape.length < 1 || shape.length > 2 || rows !== 1 || columns !== outputs) {
    throw new NetworkError("ERR_NETWORK_CHAIN", { path, layer, expected: `(${outputs},)`, found: shape });
  }
}
