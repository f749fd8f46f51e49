/** Writes a network as safetensors: plain numbers behind a JSON header, which any language reads and nothing can run. */

import type { Activation, Layer, Network } from "../contracts/network.js";
import { NetworkError } from "../errors.js";

/** The header, and so the data behind it, ends on a multiple of this (github.com/huggingface/safetensors#format). */
const HEADER_ALIGNMENT_BYTES = 8;
const LENGTH_BYTES = BigUint64Array.BYTES_PER_ELEMENT;
const SPACE = 0x20;

interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

/**
 * The network as the bytes of a safetensors file: W1 (inputs × outputs), b1 (outputs) … Wn, bn; F32, little-endian,
 * row-major, contiguous. Weights are rounded from float64. The same network gives the same bytes.
 *
 * @throws NetworkError ERR_NETWORK_ACTIVATIONS when hidden layers differ in activation, or the last has one;
 *   ERR_NETWORK_F32 when a weight is not finite in float32.
 */
export function encodeSafetensors(network: Pick<Network, "layers" | "normalize">): Uint8Array {
  const tensors = network.layers.flatMap(tensorsOf);
  const header = encodeHeader(tensors, {
    format: "batchwise",
    activation: hiddenActivation(network.layers),
    normalize: network.normalize,
  });
  const elements = tensors.reduce((sum, { values }) => sum + values.length, 0);
  const bytes = new Uint8Array(LENGTH_BYTES + header.length + elements * Float32Array.BYTES_PER_ELEMENT);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, LENGTH_BYTES);

  let at = LENGTH_BYTES + header.length;
  for (const { name, values } of tensors) {
    values.forEach((value, index) => {
      view.setFloat32(at, finiteF32(name, value, index), true);
      at += Float32Array.BYTES_PER_ELEMENT;
    });
  }
  return bytes;
}

function tensorsOf(layer: Layer, index: number): Tensor[] {
  return [
    { name: `W${index + 1}`, shape: [layer.inputs, layer.outputs], values: layer.weights },
    { name: `b${index + 1}`, shape: [layer.outputs], values: layer.biases },
  ];
}

function encodeHeader(tensors: readonly Tensor[], metadata: Record<string, string>): Uint8Array {
  const entries: Record<string, unknown> = { __metadata__: metadata };
  let begin = 0;
  for (const { name, shape, values } of tensors) {
    const end = begin + values.length * Float32Array.BYTES_PER_ELEMENT;
    entries[name] = { dtype: "F32", shape, data_offsets: [begin, end] };
    begin = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(entries));
  const padded = Math.ceil(json.length / HEADER_ALIGNMENT_BYTES) * HEADER_ALIGNMENT_BYTES;
  const header = new Uint8Array(padded).fill(SPACE);
  header.set(json);
  return header;
}

/** The one activation of all hidden layers; a network without any says `identity`, its last layer's. */
function hiddenActivation(layers: readonly Layer[]): Activation {
  const activations = layers.map((layer) => layer.activation);
  const hidden = new Set(activations.slice(0, -1));
  const [activation = "identity"] = hidden;
  if (hidden.size > 1 || activations.at(-1) !== "identity") {
    throw new NetworkError("ERR_NETWORK_ACTIVATIONS", { found: activations });
  }
  return activation;
}

function finiteF32(name: string, value: number, index: number): number {
  const rounded = Math.fround(value);
  if (!Number.isFinite(rounded)) {
    throw new NetworkError("ERR_NETWORK_F32", { layer: name, index, found: String(value) });
  }
  return rounded;
}
