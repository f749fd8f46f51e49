/** ml-matrix's Matrix with a product that skips zeros. */
import { Matrix } from "ml-matrix";
import { gatherNonZero, sumRows } from "./float64.js";

/** Storage and the other methods are the library's. */
export class ZeroSkippingMatrix extends Matrix {
  /** Rows, as ml-matrix keeps them; its type declarations omit the field. */
  declare readonly data: Float64Array[];
  /** All elements, row-major; the rows are views of them. */
  readonly flat: Float64Array;
  #product: ZeroSkippingMatrix | undefined;
  // Elements of one row that are not zero, and the offsets of their rows in the other matrix.
  readonly #values: Float64Array;
  readonly #offsets: Int32Array;

  constructor(rows: number, columns: number, flat: Float64Array = new Float64Array(rows * columns)) {
    super(rows, columns);
    for (let row = 0; row < rows; row++) this.data[row] = flat.subarray(row * columns, (row + 1) * columns);
    this.flat = flat;
    this.#values = new Float64Array(columns);
    this.#offsets = new Int32Array(columns);
  }

  /**
   * this (B,I) · other (I,O) → (B,O), f64. The next call reuses the buffer of the result.
   *
   * The same bits as ml-matrix's own product (float64.ts).
   */
  override mmul(other: ZeroSkippingMatrix): ZeroSkippingMatrix {
    if (this.#product?.columns !== other.columns) {
      this.#product = new ZeroSkippingMatrix(this.rows, other.columns);
    }
    for (let row = 0; row < this.rows; row++) {
      const found = gatherNonZero(this.data[row]!, other.columns, this.#values, this.#offsets);
      sumRows(this.#product.data[row]!, this.#values, this.#offsets, found, other.flat);
    }
    return this.#product;
  }
}
