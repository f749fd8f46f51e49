/** Formats in which networks can be written, by the ending of the file. */
import { extname } from "node:path";
import { NetworkError, UsageError } from "#src/base/errors.js";
import { encodeOnnx } from "#src/networks/onnx/encode.js";
import { ARCHITECTURE, describedLayers } from "./architecture/write.js";
import { isChannelsFirst, pixelOrderMetadata } from "./format.js";
import { encodeNpz } from "./numpy.js";
import { isUniform, largestFloat32Change, type WritableNetwork, type WrittenType } from "./tensors.js";
import { encodeSafetensors, encodeTensors } from "./write-safetensors.js";

export const NETWORK_ENDINGS = [".npz", ".safetensors", ".onnx"] as const;
export type NetworkEnding = (typeof NETWORK_ENDINGS)[number];

export interface WriteNetworkOptions {
  /** Type of elements. Default: float32; in a .npz, float64 if float32 would lose something. */
  readonly type?: WrittenType | undefined;
  /** Compresses the arrays of a .npz. Default: false. */
  readonly deflated?: boolean | undefined;
}

export interface WrittenNetwork {
  readonly bytes: Uint8Array;
  readonly type: WrittenType;
  /** Largest |written − read| ÷ |read| of all weights and biases. */
  readonly largestChange: number;
}

/** @throws UsageError ERR_OPTION_VALUE */
export function networkEndingOf(path: string): NetworkEnding {
  const ending = NETWORK_ENDINGS.find((known) => known === extname(path).toLowerCase());
  if (ending !== undefined) return ending;
  const expected = `a file ending in ${NETWORK_ENDINGS.join(", ")}`;
  throw new UsageError("ERR_OPTION_VALUE", { option: "<out>", expected, found: path });
}

/**
 * Returns the network as a file of the format that the ending names. The same network gives the same bytes.
 *
 * @throws NetworkError ERR_NETWORK_ACTIVATIONS if the format has one activation for all hidden layers, and they have
 *   several; ERR_NETWORK_F32 if a weight is beyond float32; ERR_NORMALIZE_FORMAT if a .npz would lose the numbers
 *   that standardize the network's pixels, or the order of a colour's bytes
 */
export function encodeNetwork(
  ending: NetworkEnding,
  network: WritableNetwork,
  { type: wanted, deflated = false }: WriteNetworkOptions = {},
): WrittenNetwork {
  const float32Change = largestFloat32Change(network);
  const type = wanted ?? (ending === ".npz" && float32Change > 0 ? "float64" : "float32");
  const bytes = ENCODE[ending](network, type, deflated);
  return { bytes, type, largestChange: type === "float32" ? float32Change : 0 };
}

const ENCODE: Readonly<
  Record<NetworkEnding, (network: WritableNetwork, type: WrittenType, deflated: boolean) => Uint8Array>
> = {
  ".npz": (network, type, deflated) => {
    const { kind } = network.preprocessing;
    if (kind === "standardize")
      throw new NetworkError("ERR_NORMALIZE_FORMAT", { what: `the numbers of "${kind}"` });
    if (isChannelsFirst(network)) {
      throw new NetworkError("ERR_NORMALIZE_FORMAT", {
        what: "the order of bytes that a colour image has in this network",
      });
    }
    return encodeNpz(network, type, { deflated });
  },
  ".safetensors": (network, type) => {
    if (isUniform(network.layers)) return encodeSafetensors(network, type);
    const { architecture, tensors } = describedLayers(network);
    const metadata = { [ARCHITECTURE]: JSON.stringify(architecture), ...pixelOrderMetadata(network) };
    return encodeTensors(network, tensors, metadata, type);
  },
  ".onnx": encodeOnnx,
};
