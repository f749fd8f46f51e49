/** Writes a network as safetensors: plain numbers behind a JSON header, which any language reads and nothing can run. */

import { ELEMENT_BYTES } from "#src/files/formats/arrays.js";
import { encodeElements, joined, type WrittenType } from "./encode-elements.js";
import { assumedMetadata } from "./metadata.js";
import { preprocessingMetadata } from "./recipe.js";
import { hiddenActivation, type Tensor, tensorsOf, type WritableNetwork } from "./tensors.js";

/** The header, and so the data behind it, ends on a multiple of this (github.com/huggingface/safetensors#format). */
const HEADER_ALIGNMENT_BYTES = 8;
const LENGTH_BYTES = BigUint64Array.BYTES_PER_ELEMENT;
const SPACE = 0x20;
/** The key and the value of the metadata that tell our files from others. */
export const FORMAT = "format";
export const OUR_FORMAT = "batchwise";
const DTYPES = { float32: "F32", float64: "F64" } as const;

/**
 * The network as the bytes of a safetensors file: W1 (inputs × outputs), b1 (outputs) … Wn, bn; F32 or F64,
 * little-endian, row-major, contiguous. F32 are rounded from float64. The same network gives the same bytes.
 *
 * @throws NetworkError ERR_NETWORK_ACTIVATIONS when hidden layers differ in activation, or the last has one;
 *   ERR_NETWORK_F32 when a weight is not finite in float32.
 */
export function encodeSafetensors(network: WritableNetwork, type: WrittenType = "float32"): Uint8Array {
  const tensors = tensorsOf(network);
  const header = encodeHeader(tensors, type, {
    [FORMAT]: OUR_FORMAT,
    activation: hiddenActivation(network.layers),
    ...preprocessingMetadata(network.preprocessing),
    ...assumedMetadata(network.assumptions ?? []),
  });
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeBigUInt64LE(BigInt(header.length));
  return joined([length, header, ...tensors.map(({ name, data }) => encodeElements(name, data, type))]);
}

function encodeHeader(
  tensors: readonly Tensor[],
  type: WrittenType,
  metadata: Record<string, string>,
): Uint8Array {
  const entries: Record<string, unknown> = { __metadata__: metadata };
  let begin = 0;
  for (const { name, shape, data } of tensors) {
    const end = begin + data.length * ELEMENT_BYTES[type];
    entries[name] = { dtype: DTYPES[type], shape, data_offsets: [begin, end] };
    begin = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(entries));
  const padded = Math.ceil(json.length / HEADER_ALIGNMENT_BYTES) * HEADER_ALIGNMENT_BYTES;
  const header = new Uint8Array(padded).fill(SPACE);
  header.set(json);
  return header;
}
