/** A network's preprocessing as its file tells it, and what becomes of a wish for another. */
import { NORMALIZATIONS, type Normalization, type Preprocessing } from "../contracts/preprocessing.js";
import { NetworkError } from "../errors.js";
import { printable } from "../printable.js";
import { type Metadata, metadataOneOf } from "./metadata.js";

/** Of pixels ÷ 255 no mean lies outside, nor a deviation above; one below 1e-9 would need 10^13 pixels. */
const MEAN_LIMITS = [0, 1] as const;
const STD_LIMITS = [1e-9, 1] as const;
/** What `batchwise fit` takes, so that all it writes can be read. */
export const EPSILON_LIMITS = [1e-6, 1_000] as const;

/** What a decimal number looks like when JavaScript or Python has written it. */
const NUMBER = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/;

/** Where neither a file nor an option says. */
export const DEFAULT_NORMALIZATION = "scale";

/** The preprocessing as metadata, which are texts by key; numbers keep every bit of their float64. */
export function preprocessingMetadata(
  { kind, ...numbers }: Preprocessing,
  prefix = "",
): Record<string, string> {
  const entries = Object.entries({ normalize: kind, ...numbers });
  return Object.fromEntries(entries.map(([key, value]) => [prefix + key, String(value)]));
}

/**
 * What `preprocessingMetadata` wrote with this prefix; `undefined` where nothing says how pixels are preprocessed.
 *
 * @throws NetworkError ERR_NETWORK_FORMAT for an unknown kind; ERR_RECIPE for a number that is missing, none, or out of
 *   range
 */
export function readPreprocessing(path: string, metadata: Metadata, prefix = ""): Preprocessing | undefined {
  const kind = metadataOneOf(path, NORMALIZATIONS, `${prefix}normalize`, metadata);
  switch (kind) {
    case undefined:
      return undefined;
    case "none":
    case "scale":
      return { kind };
    case "standardize":
      return {
        kind,
        mean: readNumber(path, metadata, `${prefix}mean`, MEAN_LIMITS),
        std: readNumber(path, metadata, `${prefix}std`, STD_LIMITS),
      };
    case "whiten-zca":
    case "whiten-pca":
      if (metadata.get(`${prefix}folded`) !== "true") {
        throw fault(path, metadata, `${prefix}folded`, '"true"');
      }
      return {
        kind,
        epsilon: readNumber(path, metadata, `${prefix}epsilon`, EPSILON_LIMITS),
        folded: true,
      };
  }
}

/**
 * What a network's pixels are preprocessed by: what it says itself; otherwise what is asked for, or `scale`.
 *
 * @throws NetworkError ERR_NORMALIZE_MISMATCH when it says one thing and another is asked for; ERR_NORMALIZE_STATISTICS
 *   when it says nothing, and what is asked for needs numbers that only a training split can give
 */
export function choosePreprocessing(
  path: string,
  said: Preprocessing | undefined,
  asked: Normalization | undefined,
): Preprocessing {
  if (said !== undefined) {
    if (asked === undefined || asked === said.kind) return said;
    throw new NetworkError("ERR_NORMALIZE_MISMATCH", { path, expected: said.kind, found: asked });
  }
  const kind = asked ?? DEFAULT_NORMALIZATION;
  if (kind === "scale" || kind === "none") return { kind };
  throw new NetworkError("ERR_NORMALIZE_STATISTICS", { path, found: kind });
}

function readNumber(
  path: string,
  metadata: Metadata,
  key: string,
  [low, high]: readonly [number, number],
): number {
  const said = metadata.get(key) ?? "";
  const value = NUMBER.test(said) ? Number(said) : Number.NaN;
  if (value >= low && value <= high) return value;
  throw fault(path, metadata, key, `a number from ${low} to ${high}`);
}

function fault(path: string, metadata: Metadata, key: string, expected: string): NetworkError {
  const said = metadata.get(key);
  const found = said === undefined ? "none" : `"${printable(said)}"`;
  return new NetworkError("ERR_RECIPE", { path, key, expected, found });
}
