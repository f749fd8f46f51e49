/** The one place where float64 becomes the bytes of a file, and where what that costs is measured. */
import type { Network } from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import { ELEMENT_BYTES } from "#src/files/formats/arrays.js";

export const WRITTEN_TYPES = ["float32", "float64"] as const;
export type WrittenType = (typeof WRITTEN_TYPES)[number];

/**
 * Little-endian, in order; float32 is the nearest one. `name` is for the message.
 *
 * @throws NetworkError ERR_NETWORK_F32 when a number is beyond what float32 can hold.
 */
export function encodeElements(name: string, values: Float64Array, type: WrittenType): Uint8Array {
  const elementBytes = ELEMENT_BYTES[type];
  const bytes = new Uint8Array(values.length * elementBytes);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    if (type === "float64") view.setFloat64(index * elementBytes, value, true);
    else view.setFloat32(index * elementBytes, finiteFloat32(name, value, index), true);
  });
  return bytes;
}

function finiteFloat32(layer: string, value: number, index: number): number {
  const rounded = Math.fround(value);
  if (Number.isFinite(rounded)) return rounded;
  throw new NetworkError("ERR_NETWORK_F32", { layer, index, found: String(value) });
}

/** The parts one behind another, in memory of their own. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The largest |float32(x) − x| ÷ |x| of all weights and biases; 0 where float32 holds every one exactly. */
export function largestFloat32Change({ layers }: Pick<Network, "layers">): number {
  let largest = 0;
  for (const { weights, biases } of layers) {
    for (const values of [weights, biases]) {
      for (const value of values) {
        // Zero is exact, and has nothing to be relative to.
        if (value !== 0) largest = Math.max(largest, Math.abs((Math.fround(value) - value) / value));
      }
    }
  }
  return largest;
}
