/** What a file of weights says about the network around them, in texts by key. */
import {
  ASSUMPTION_SUBJECTS,
  type Assumption,
  type AssumptionSubject,
} from "#src/base/contracts/assumption.js";
import { ACTIVATIONS, type Activation } from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import { printable } from "#src/base/printable.js";

export type Metadata = ReadonlyMap<string, string>;

/** Key under which our files keep what their writer had to assume: subjects, separated by spaces. */
export const ASSUMED = "assumed";

/** Metadata that name what was assumed; none if nothing was. */
export function assumedMetadata(assumptions: readonly Assumption[], prefix = ""): Record<string, string> {
  if (assumptions.length === 0) return {};
  return { [prefix + ASSUMED]: assumptions.map(({ subject }) => subject).join(" ") };
}

/** What `assumedMetadata` wrote with this prefix. @throws NetworkError ERR_NETWORK_FORMAT for an unknown subject. */
export function assumedIn(path: string, metadata: Metadata, prefix = ""): AssumptionSubject[] {
  const words = metadata.get(prefix + ASSUMED)?.split(" ") ?? [];
  return words.map((word) => {
    const subject = ASSUMPTION_SUBJECTS.find((known) => known === word);
    if (subject !== undefined) return subject;
    throw new NetworkError("ERR_NETWORK_FORMAT", {
      path,
      expected: `metadata "${prefix}${ASSUMED}" to be of ${ASSUMPTION_SUBJECTS.join(", ")}`,
      found: `"${printable(word)}"`,
    });
  });
}

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
