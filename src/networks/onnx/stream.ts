/**
 * The tensor that flows through a chain of nodes: its axes as ONNX has them, and the layers that were met so far. ONNX has maps
 * as (channels, rows, columns), TensorFlow's exporters move the channels to the end and back. Our maps do not move: an axis
 * keeps its role, and a Transpose only reorders the axes.
 */

import type { Steps } from "#src/base/abort.js";
import type { Activation, MapOrder, MapShape, OutputKind } from "#src/base/contracts/network.js";
import { shapeText } from "#src/base/errors/define.js";
import { OTHER_ENGINE } from "#src/base/errors/network-codes.js";
import { NetworkError } from "#src/base/errors.js";
import { ChainBuilder } from "#src/networks/chain-builder.js";
import type { BuiltChain } from "#src/networks/chain-facts.js";
import { assertClasses, GRAPH_ORDER } from "#src/networks/unit-order.js";
import { type Axis, imageAxes, isMore, isOf, ONE, ORDERS, startOf } from "./axes.js";
import { nodeFault, type OrderedGraph, type Step } from "./chain.js";
import { isFloat } from "./constant.js";
import type { Value } from "./model.js";
import type { ExpectedPixels } from "./pixels.js";
import { DATA_TYPE } from "./proto.js";

const INPUT_TYPES = "an input of float32, float64 or float16";
/** Adds to the chain, at once or in steps. */
type Operation = (builder: ChainBuilder) => Steps<void> | void;

export class Stream {
  readonly path: string;
  readonly input: Value;
  readonly opset: number;
  /** Number of images if the file fixes it. */
  readonly batch: number | undefined;
  /** Axes of one image; undefined if the input's sizes are not stated. */
  axes: readonly Axis[] | undefined;
  /** True after a reshape to rows of numbers. */
  isFlattened = false;
  /** True before all layers and activations. */
  isPixels = true;
  /** True while the numbers are bytes, not floats. */
  isWhole: boolean;
  /** Rows and columns of zeros that the next layer reads around its map. */
  padding: readonly [top: number, left: number, bottom: number, right: number] | undefined;
  #start: MapShape | number | undefined;
  readonly #pixels: ExpectedPixels;
  readonly #operations: Operation[] = [];
  readonly #orders = new Set<MapOrder>();
  #isEnded = false;

  /** @throws NetworkError ERR_ONNX_GRAPH if the input is not a tensor of floats or bytes */
  constructor(path: string, { input, opset }: Pick<OrderedGraph, "input" | "opset">, pixels: ExpectedPixels) {
    this.path = path;
    this.#pixels = pixels;
    this.input = input;
    this.opset = opset;
    const isRead = input.type !== undefined && (isFloat(input.type) || input.type === DATA_TYPE.uint8);
    if (!isRead) throw this.graphFault(INPUT_TYPES, typeText(input));
    this.isWhole = input.type === DATA_TYPE.uint8;
    const [batch, ...sizes] = input.shape ?? [];
    this.batch = batch;
    const known = sizes.filter((size) => size !== undefined);
    const isKnown = input.shape !== undefined && known.length === sizes.length && sizes.length > 0;
    this.axes = isKnown ? imageAxes(known) : undefined;
    if (isKnown && this.axes === undefined) {
      throw this.graphFault("an input of images (N, channels, rows, columns)", this.inputText());
    }
    this.#start = this.axes && startOf(this.axes);
    if (pixels.kind === "bytes") this.#operations.push((builder) => builder.pixels("input", 1, 0));
  }

  /** Adds a layer or an activation. @throws NetworkError ERR_ONNX_NODE after the last operator */
  add(step: Step, operation: Operation): void {
    if (this.isWhole) throw this.graphFault(INPUT_TYPES, typeText(this.input));
    this.prepare(step, operation);
    this.isPixels = false;
  }

  /** Adds an operation that may stand before all layers. The pixels stay pixels. */
  prepare(step: Step, operation: Operation): void {
    this.notEnded(step);
    this.settlePadding(step);
    this.#operations.push(operation);
  }

  /** Adds x · scale + shift: one number, or one per channel or unit. */
  normalize(step: Step, scale: Float64Array, shift: Float64Array): void {
    const isPreprocessing = this.isPixels && this.#pixels.kind === "bytes" && this.#pixels.isDivided === true;
    this.prepare(step, (builder) => {
      if (isPreprocessing) builder.pixels(step.name, scale[0] ?? 1, shift[0] ?? 0);
      else builder.normalize(step.name, scale, shift);
    });
  }

  activation(step: Step, activation: Activation, numbers?: readonly number[] | Float64Array): void {
    this.add(step, (builder) => builder.activation(step.name, activation, numbers));
  }

  end(step: Step, kind: OutputKind): void {
    this.add(step, (builder) => builder.end(step.name, kind));
    this.#isEnded = true;
  }

  notEnded(step: Step): void {
    if (this.#isEnded) throw this.fault(step, "Softmax as the last operator", "one after it");
  }

  /** Zeros that no layer takes in become a layer. */
  settlePadding({ name }: Step): void {
    if (this.padding === undefined) return;
    const [top, left, bottom, right] = this.padding;
    this.axes = this.axes && withPadding(this.axes, this.padding);
    this.padding = undefined;
    this.#operations.push((builder) => builder.pad(name, { top, left, bottom, right }));
  }

  /** Numbers per image; undefined if the sizes are not stated. */
  get size(): number | undefined {
    return this.sizes?.reduce((product, size) => product * size, 1);
  }

  /** Sizes of the axes, with zeros that a layer may still take in. */
  get sizes(): readonly number[] | undefined {
    return this.axes && withPadding(this.axes, this.padding).map(({ size }) => size);
  }

  /** The map that a layer with windows reads: axes (channels, rows, columns). @throws NetworkError ERR_ONNX_NODE */
  map(step: Step): MapShape {
    const [channels, rows, columns] = this.axes ?? [];
    const isMap =
      channels !== undefined &&
      rows !== undefined &&
      columns !== undefined &&
      this.axes?.length === 3 &&
      isOf(channels, "channels") &&
      isOf(rows, "rows") &&
      isOf(columns, "columns");
    if (!isMap) throw this.fault(step, "maps (N, channels, rows, columns) of known sizes", this.axesText());
    return { channels: channels.size, rows: rows.size, columns: columns.size };
  }

  /** Sets the axes to those of a map. */
  setMap({ channels, rows, columns }: MapShape): void {
    this.axes = [
      { size: channels, role: "channels" },
      { size: rows, role: "rows" },
      { size: columns, role: "columns" },
    ];
  }

  /** True if numbers of this shape are one per element of the map. Their order then is that of all its flattenings. */
  isPerElement(shape: readonly number[]): boolean {
    const axes = this.axes ?? [];
    const roles = axes.filter(isMore).map(({ role }) => role);
    if (roles.length < 2 || `${shape}` !== `${axes.map(({ size }) => size)}`) return false;
    const order = ORDERS.get(roles.join());
    if (order !== undefined) this.#orders.add(order);
    return ORDERS.has(roles.join());
  }

  /** Sets the axes to a list of units. */
  setUnits(units: number): void {
    this.axes = [{ size: units, role: "channels" }];
  }

  /** Changes the axes to these sizes, if the elements keep their order. @throws NetworkError ERR_ONNX_NODE */
  reshape(step: Step, sizes: readonly number[]): void {
    this.settlePadding(step);
    const { axes } = this;
    this.isFlattened ||= sizes.length === 1;
    if (axes === undefined) {
      // The node states what the input does not.
      this.axes = imageAxes(sizes);
      this.#start = this.axes && startOf(this.axes);
      return;
    }
    const [from, to] = [axes.filter(isMore), sizes.filter((size) => size !== 1)];
    const size = sizes.reduce((product, one) => product * one, 1);
    if (size !== this.size) throw this.fault(step, `rows of ${this.size}`, `${size}`);
    const isSame = `${from.map((axis) => axis.size)}` === `${to}`;
    // One row or column of a map becomes units, too.
    const isLine = sizes.length === 1 && from.some(({ role }) => role !== "channels");
    if (isSame && !isLine) this.#relabel(sizes, from);
    else if (to.length <= 1) this.#flatten(step, from, sizes);
    else if (from.length === 1 && to.length === 2) {
      const [rows = 1, columns = 1] = to;
      this.prepare(step, (builder) => builder.reshape(step.name, { rows, columns, channels: 1 }));
      this.#relabel(sizes, [
        { size: rows, role: "rows" },
        { size: columns, role: "columns" },
      ]);
    } else
      throw this.fault(
        step,
        "a reshape that keeps the order of the elements",
        `${this.axesText()} to ${shapeText(sizes)}`,
      );
  }

  /** Axes of these sizes; those that are more than 1 are the given ones. */
  #relabel(sizes: readonly number[], axes: readonly Axis[]): void {
    const left = [...axes];
    this.axes = sizes.map((size) => (size === 1 ? ONE : (left.shift() ?? ONE)));
  }

  #flatten(step: Step, axes: readonly Axis[], sizes: readonly number[]): void {
    const roles = axes.map(({ role }) => role).join();
    const order = ORDERS.get(roles);
    if (axes.length > 1 && !ORDERS.has(roles))
      throw this.fault(step, "a map that is flattened row by row", this.axesText());
    if (order !== undefined) this.#orders.add(order);
    this.prepare(step, (builder) => builder.flatten(step.name));
    this.axes = sizes.map((size) => ({ size, role: "channels" }));
  }

  /**
   * Builds the chain, in steps of an operation each: only then are weights decoded.
   *
   * @throws NetworkError ERR_NETWORK_*, ERR_ONNX_GRAPH
   */
  *finish(last: Step | undefined): Steps<BuiltChain> {
    if (last !== undefined) this.settlePadding(last);
    const [found, other] = this.#orders;
    const order = found ?? GRAPH_ORDER;
    if (other !== undefined) {
      throw this.graphFault("maps that are flattened in one order", "maps that are flattened in both orders");
    }
    const builder = new ChainBuilder(this.path, this.#start, order);
    assertClasses(this.path, this.size ?? 1);
    for (const operation of this.#operations) {
      yield* operation(builder) ?? [];
      yield;
    }
    if (builder.length === 0) throw this.graphFault("logits as the output, or their Softmax", "no layer");
    const chain = builder.finish();
    // A map that is flattened shows the order of a list of pixels.
    return { ...chain, pixelOrder: chain.pixelOrder ?? found };
  }

  fault({ name }: Step, expected: string, found: string): NetworkError {
    return nodeFault(this.path, name, expected, found);
  }

  graphFault(expected: string, found: string): NetworkError {
    return new NetworkError("ERR_ONNX_GRAPH", { path: this.path, expected, found, next: OTHER_ENGINE });
  }

  /** Shape of the input, for messages. */
  inputText(): string {
    return `(${(this.input.shape ?? []).map((size) => size ?? "?").join(", ")})`;
  }

  axesText(): string {
    return this.axes === undefined
      ? this.inputText()
      : `(N, ${this.axes.map(({ size }) => size).join(", ")})`;
  }
}

function withPadding(axes: readonly Axis[], padding: Stream["padding"]): readonly Axis[] {
  const [top = 0, left = 0, bottom = 0, right = 0] = padding ?? [];
  const more = { rows: top + bottom, columns: left + right, channels: 0 };
  return axes.map(({ size, role }) => ({ size: size === 1 ? 1 : size + more[role], role }));
}

function typeText({ type }: Value): string {
  return type === undefined ? "no tensor" : `type ${type}`;
}
