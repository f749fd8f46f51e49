/** State of the translation of a Keras model: the chain so far, and what Keras would see of it. */

import type { MapShape } from "#src/base/contracts/network.js";
import { printable } from "#src/base/text.js";
import type { NamedArray } from "#src/files/formats/arrays.js";
import { ChainBuilder } from "#src/networks/chain-builder.js";
import type { KnownActivation } from "./activations.js";
import type { KerasLayer, KerasModel } from "./config.js";
import type { Settings } from "./settings.js";
import type { FindArrays } from "./weights.js";

/** Adds a layer of one class to the chain. @throws NetworkError ERR_NETWORK_LAYER, ERR_NETWORK_CHAIN, ERR_NETWORK_NOT_FINITE */
export type Build = (layer: KerasLayer, chain: KerasChain) => void;

/** State of the translation. */
export class KerasChain {
  readonly builder: ChainBuilder;
  readonly isKeras3: boolean;
  readonly #find: FindArrays;
  /** Whether a row of pixels is an axis of its own without channels: (rows, columns). */
  isPlanar: boolean;
  /** Whether nothing has changed the pixels yet. */
  isAtPixels = true;

  constructor(path: string, { inputShape, layers }: KerasModel, find: FindArrays, isKeras3: boolean) {
    this.#find = find;
    this.isKeras3 = isKeras3;
    this.isPlanar = inputShape?.length === 2;
    const [first] = layers;
    this.builder = new ChainBuilder(path, inputOf(inputShape, first?.settings), "channels-last");
  }

  /**
   * Arrays by their roles: by name where the file has names, otherwise by their order, which Keras fixes. More arrays than roles
   * change what the layer computes: scales of quantized weights, LoRA's additions.
   */
  arrays(layer: KerasLayer, roles: readonly string[]): NamedArray[] {
    const found = this.#find(layer) ?? [];
    const named = roles.flatMap((role) => found.find(({ name }) => name === role)?.array ?? []);
    if (named.length === roles.length && found.length === roles.length) return named;
    if (found.length === roles.length) return found.map(({ array }) => array);
    const names = found.map(({ name }, index) => name ?? `${index}`).join(", ");
    throw layer.settings.fault(
      `the arrays ${roles.join(", ")}`,
      found.length === 0 ? "none" : printable(names),
      "save the model again, with its weights: model.save('model.keras')",
    );
  }

  activate({ name }: KerasLayer, known: KnownActivation, isLast: boolean): void {
    const { activation, numbers, ends } = known;
    if (ends !== undefined) this.builder.end(name, ends);
    else if (isLast && activation === "sigmoid") this.builder.end(name, "sigmoid");
    else this.builder.activation(name, activation, numbers);
  }
}

/** Shape of an image for the builder; undefined where the file does not fix it. */
function inputOf(
  shape: KerasModel["inputShape"],
  settings: Settings | undefined,
): MapShape | number | undefined {
  if (shape === undefined) return undefined;
  if (shape.length < 1 || shape.length > 3) {
    const found = `a shape of ${shape.length} dimensions`;
    throw settings?.fault("images of (pixels), (rows, columns) or (rows, columns, channels)", found);
  }
  const [rows, columns, channels = 1] = shape;
  if (shape.length === 1) return rows;
  if (shape.length === 3 && shape[2] === undefined) return undefined;
  return rows === undefined || columns === undefined ? undefined : { rows, columns, channels };
}

/** A matrix or a kernel of a known rank. */
export function ofRank(settings: Settings, array: NamedArray, rank: number): readonly number[] {
  if (array.shape.length === rank) return array.shape;
  throw settings.fault(`weights of ${rank} dimensions`, `${array.shape.length}`);
}

/** Refuses rows and columns without an axis of channels, over whose last axis Keras would compute. */
export function refusePlanar({ settings, className }: KerasLayer, { isPlanar }: KerasChain): void {
  if (isPlanar)
    throw settings.fault("Flatten or Reshape before it", `${className} on rows and columns without channels`);
}
