/** Writes networks as safetensors (github.com/huggingface/safetensors#format). */
import { ELEMENT_BYTES } from "#src/files/formats/arrays.js";
import { assumedMetadata, pixelOrderMetadata } from "./format.js";
import { preprocessingMetadata } from "./recipe.js";
import { FORMAT, LENGTH_BYTES, OUR_FORMAT } from "./safetensors.js";
import {
  encodeElements,
  hiddenActivation,
  joined,
  type Tensor,
  tensorsOf,
  type WritableNetwork,
  type WrittenType,
} from "./tensors.js";

/** The header ends at a multiple of this, so the data are aligned (github.com/huggingface/safetensors#format). */
const HEADER_ALIGNMENT_BYTES = 8;
const SPACE = 0x20;
const DTYPE_NAMES = { float32: "F32", float64: "F64" } as const;

/**
 * Returns the network as a safetensors file: W1 (inputs × outputs), b1 (outputs) … Wn, bn; F32 or F64,
 * little-endian, row-major, contiguous. F32 are rounded from float64. The same network gives the same bytes.
 *
 * @throws NetworkError ERR_NETWORK_ACTIVATIONS if hidden layers differ in activation, or the last layer has one;
 *   ERR_NETWORK_F32 if a weight is not finite in float32
 */
export function encodeSafetensors(network: WritableNetwork, type: WrittenType = "float32"): Uint8Array {
  const { layers, preprocessing } = network;
  const metadata = {
    activation: hiddenActivation(layers),
    ...preprocessingMetadata(preprocessing),
    ...pixelOrderMetadata(network),
  };
  return encodeTensors(network, tensorsOf(network), metadata, type);
}

/** Returns these tensors of a network as a safetensors file of Batchwise. @throws NetworkError ERR_NETWORK_F32 */
export function encodeTensors(
  { assumptions = [] }: Pick<WritableNetwork, "assumptions">,
  tensors: readonly Tensor[],
  metadata: Readonly<Record<string, string>>,
  type: WrittenType,
): Uint8Array {
  const header = encodeHeader(tensors, type, {
    [FORMAT]: OUR_FORMAT,
    ...metadata,
    ...assumedMetadata(assumptions),
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
    entries[name] = { dtype: DTYPE_NAMES[type], shape, data_offsets: [begin, end] };
    begin = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(entries));
  const padded = Math.ceil(json.length / HEADER_ALIGNMENT_BYTES) * HEADER_ALIGNMENT_BYTES;
  const header = new Uint8Array(padded).fill(SPACE);
  header.set(json);
  return header;
}
