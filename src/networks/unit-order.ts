/** What the next layer of a chain reads, and the order of its elements: ours, or that of the file's framework. */
import { isDeepStrictEqual } from "node:util";
import type { MapOrder, MapShape, Padding } from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { isOneAxis, sizeOf } from "./chain.js";
import { channelsLast } from "./normalization.js";

/** Most numbers of a map, per image: 32 million, 256 MB in float64. */
const MAX_MAP = 2 ** 25;

/** Most classes. Predictions are u16: classes 0 to 65,534, and one spare value. */
const MAX_OUTPUTS = 65_535;

/** @throws NetworkError ERR_NETWORK_OUTPUTS for more outputs than there can be classes */
export function assertClasses(path: string, found: number): void {
  if (found > MAX_OUTPUTS) throw new NetworkError("ERR_NETWORK_OUTPUTS", { path, found, limit: MAX_OUTPUTS });
}

/** Order that is assumed where an ONNX graph does not show it: PyTorch's, whose exporter wrote most of them. */
export const GRAPH_ORDER: MapOrder = "channels-first";

/** A map of more than one place. A map of one is a list of pixels, in a format whose layers read only maps. */
export function mapOf(input: MapShape | number | undefined): MapShape | undefined {
  return typeof input === "object" && input.rows * input.columns > 1 ? input : undefined;
}

export class UnitOrder {
  readonly path: string;
  /** How the framework flattens a map. */
  readonly order: MapOrder;
  #shape: MapShape | number | undefined;
  /** Map that was flattened channels first, and whose units no dense layer has read yet. */
  #flattened: MapShape | undefined;

  /** @throws NetworkError ERR_NETWORK_LAYER for a size that no layer can have */
  constructor(path: string, input: MapShape | number | undefined, order: MapOrder) {
    this.path = path;
    this.order = order;
    if (input !== undefined) this.assertSize("input", input);
    this.#shape = input;
  }

  /** A map, a number of units, or undefined before the first layer decides. */
  get shape(): MapShape | number | undefined {
    return this.#shape;
  }

  /** Map whose units are in the framework's order; undefined if they are in ours. */
  get flattened(): MapShape | undefined {
    return this.#flattened;
  }

  /** Sets what a layer gives. @throws NetworkError ERR_NETWORK_LAYER */
  set(name: string, shape: MapShape | number): void {
    this.assertSize(name, shape);
    this.#shape = shape;
  }

  /** @throws NetworkError ERR_NETWORK_LAYER if the next layer does not read a map */
  map(name: string): MapShape {
    if (typeof this.#shape === "object") return this.#shape;
    throw this.layerFault(name, "rows, columns and channels before it", shapeWords(this.#shape));
  }

  /** Makes a map to units, in the framework's order. */
  flatten(): void {
    if (typeof this.#shape !== "object") return;
    const map = this.#shape;
    const isMoved = this.order === "channels-first" && map.channels > 1 && map.rows * map.columns > 1;
    if (isMoved) this.#flattened = map;
    this.#shape = sizeOf(map);
  }

  /**
   * Makes units to a map, or a map to another, if the elements keep their order. False if nothing changes.
   *
   * @throws NetworkError ERR_NETWORK_LAYER
   */
  reshape(name: string, shape: MapShape): boolean {
    const now = this.#shape;
    if (isDeepStrictEqual(now, shape)) return false;
    const size = now === undefined ? sizeOf(shape) : sizeOf(now);
    const isPlain = isOneAxis(shape) && (typeof now !== "object" || isOneAxis(now));
    const keepsOrder = this.#flattened === undefined && (this.order === "channels-last" || isPlain);
    const restores = this.#flattened !== undefined && isDeepStrictEqual(this.#flattened, shape);
    if (size !== sizeOf(shape) || !(restores || keepsOrder)) {
      const found = `${shapeWords(now)} to ${shapeWords(shape)}`;
      throw this.layerFault(name, "a reshape that keeps the order of the elements", found);
    }
    this.#flattened = undefined;
    this.#shape = shape;
    return true;
  }

  /** Rows of weights, one per unit, in our order. After them the units are in our order. */
  rows(weights: ArrayLike<number>, columns: number): ArrayLike<number> {
    const map = this.#flattened;
    this.#flattened = undefined;
    return map === undefined ? weights : channelsLast(weights, map, columns);
  }

  /** Numbers per channel, unit or element, in our order; one number serves all. @throws NetworkError ERR_NETWORK_CHAIN */
  perUnit(name: string, numbers: ArrayLike<number>): ArrayLike<number> {
    const shape = this.#shape;
    if (numbers.length === 1) return numbers;
    const expected = typeof shape === "object" ? shape.channels : shape;
    const isPerElement = typeof shape === "object" && numbers.length === sizeOf(shape);
    if (numbers.length !== expected && !isPerElement) {
      throw this.chainFault(name, `(${expected ?? 1},)`, [numbers.length]);
    }
    const map = this.#flattened ?? (isPerElement && this.order === "channels-first" ? shape : undefined);
    return map === undefined ? numbers : channelsLast(numbers, map, 1);
  }

  /** @throws NetworkError ERR_NETWORK_LAYER for a size that no layer can have */
  assertSize(name: string, shape: MapShape | number): void {
    const sizes = typeof shape === "object" ? [shape.rows, shape.columns, shape.channels] : [shape];
    const isCount = sizes.every((size) => Number.isSafeInteger(size) && size > 0);
    if (isCount && sizeOf(shape) <= MAX_MAP) return;
    throw this.layerFault(name, `1 to ${MAX_MAP} numbers per image`, shapeWords(shape));
  }

  /**
   * Padding at the end may be longer: exports of PyTorch write a ceiling so.
   *
   * @throws NetworkError ERR_NETWORK_LAYER if a pool's first window is padding alone, which PyTorch and onnxruntime refuse too
   */
  assertWindows(name: string, [rows, columns]: readonly [number, number], { top, left }: Padding): void {
    if (top < rows && left < columns) return;
    throw this.layerFault(
      name,
      `padding smaller than the window of ${rows} × ${columns}`,
      `${top} × ${left}`,
    );
  }

  chainFault(layer: string, expected: string, found: readonly number[]): NetworkError {
    const facts = { path: this.path, layer: printable(layer), expected, found };
    return new NetworkError("ERR_NETWORK_CHAIN", facts);
  }

  layerFault(layer: string, expected: string, found: string): NetworkError {
    const facts = { path: this.path, layer: printable(layer), expected, found };
    return new NetworkError("ERR_NETWORK_LAYER", facts);
  }
}

export function shapeWords(shape: MapShape | number | undefined): string {
  if (shape === undefined) return "an input of unknown size";
  return typeof shape === "object"
    ? `${shape.rows} × ${shape.columns} × ${shape.channels}`
    : `${shape} units`;
}
