/** An array of numbers together with its shape. */

export interface Tensor<T extends ArrayLike<number>> {
  /** Row-major: the last dimension varies fastest. */
  readonly data: T;
  /** Its product is `data.length`. */
  readonly shape: readonly number[];
}
