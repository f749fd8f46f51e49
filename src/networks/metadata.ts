/** What a file of weights says about the network around them, in texts by key. */
import { ACTIVATIONS, type Activation } from "../contracts/network.js";
import { NetworkError } from "../errors.js";
import { printable } from "../printable.js";

export type Metadata = ReadonlyMap<string, string>;

/** Undefined where the file does not say. @throws NetworkError ERR_NETWORK_FORMAT when it says what there is not. */
export function activationOf(path: string, key: string, metadata: Metadata): Activation | undefined {
  return metadataOneOf(path, ACTIVATIONS, key, metadata);
}

/** Undefined where the file does not say. @throws NetworkError ERR_NETWORK_FORMAT when it says what is not known. */
export function metadataOneOf<T extends string>(
  path: string,
  known: readonly T[],
  key: string,
  metadata: Metadata,
): T | undefined {
  const said = metadata.get(key);
  const value = known.find((one) => one === said);
  if (said !== undefined && value === undefined) {
    throw new NetworkError("ERR_NETWORK_FORMAT", {
      path,
      expected: `metadata "${key}" to be one of ${known.join(", ")}`,
      found: `"${printable(said)}"`,
    });
  }
  return value;
}
