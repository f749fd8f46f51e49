/** A network as a .npz file: a ZIP archive of .npy files, as numpy.savez and numpy.savez_compressed write it. */
import type { Network } from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import type { NamedArray } from "#src/files/formats/arrays.js";
import { openNpz } from "#src/files/formats/npz.js";
import { wholeEntry } from "#src/files/formats/zip-content.js";
import { encodeZip } from "#src/files/formats/zip-writer.js";
import type { WrittenType } from "./encode-elements.js";
import { decodeNpy, elementType, encodeNpy } from "./npy.js";
import { planLayers } from "./plan.js";
import { tensorsOf } from "./tensors.js";

/** What all arrays of an archive may take together, unpacked. */
const LIMIT_BYTES = 2 ** 31;
/** Trained weights are nearly random: deflate makes half of them at best, and a twentieth where most are zero. What claims
 * more than this, and is not small, was made to fill memory. */
const MOST_EXPANSION = 64;
const SMALL_BYTES = 2 ** 24;

/**
 * The arrays of an archive, by their names without `.npy`. Their headers are read first: only when names, types and
 * shapes are those of a network is the rest unpacked.
 *
 * @throws FileError ERR_ZIP_*, ERR_NPY_*. NetworkError ERR_NETWORK_FORMAT, ERR_ARRAY_DTYPE, and all that `planLayers`
 *   throws.
 */
export async function decodeNpz(path: string, bytes: Uint8Array): Promise<Map<string, NamedArray>> {
  const limitBytes = Math.min(LIMIT_BYTES, Math.max(SMALL_BYTES, MOST_EXPANSION * bytes.length));
  const members = await openNpz(path, bytes, limitBytes, (name) => {
    throw new NetworkError("ERR_NETWORK_FORMAT", {
      path,
      expected: "an archive of .npy files alone",
      found: `"${name}"; save a PyTorch model as safetensors`,
    });
  });
  for (const [name, { path: inner, header }] of members) elementType(inner, name, header);
  planLayers(path, new Map([...members].map(([name, { header }]) => [name, header.shape])));
  const arrays = new Map<string, NamedArray>();
  for (const [name, member] of members) {
    arrays.set(name, decodeNpy(member.path, name, await wholeEntry(path, member.entry)));
  }
  return arrays;
}

/**
 * The network's arrays alone, for numpy.load: neither its activation nor its preprocessing has a place in a .npz.
 *
 * @throws NetworkError ERR_NETWORK_F32 when a weight is not finite in float32.
 */
export function encodeNpz(
  network: Pick<Network, "layers">,
  type: WrittenType,
  { deflated = false } = {},
): Uint8Array {
  const files = tensorsOf(network).map(
    (tensor) => [`${tensor.name}.npy`, encodeNpy(tensor.name, tensor, type)] as const,
  );
  return encodeZip(new Map(files), deflated);
}
