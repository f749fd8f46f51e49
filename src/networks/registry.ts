/** Networks by name or by file: finds the file, tells its format, and hands out a network that is whole or an error. */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import {
  ACTIVATIONS,
  type Activation,
  type Network,
  NORMALIZATIONS,
  type Normalization,
} from "../contracts/network.js";
import { NETWORK_CATALOG } from "../datasets/catalog.js";
import type { DownloadOptions } from "../download/catalog-entry.js";
import { fetchEntry } from "../download/fetch-entry.js";
import { FileError, NetworkError, reasonOf, UsageError } from "../errors.js";
import { FIXTURES } from "../package-root.js";
import { suggest } from "../suggest.js";
import type { NamedArrays } from "./arrays.js";
import { weightsFormat } from "./format.js";
import { decodePickle } from "./pickle/decode.js";
import { printable } from "./printable.js";
import { decodeSafetensors } from "./safetensors-reader.js";
import { buildLayers } from "./validate.js";

/** Networks that the package carries, by name. */
const BUNDLED: ReadonlyMap<string, URL> = new Map([["bundled", new URL("bundled.safetensors", FIXTURES)]]);

/** Those, and the networks that are downloaded when they are first asked for. */
export const NETWORK_NAMES: readonly string[] = [...BUNDLED.keys(), ...NETWORK_CATALOG.keys()];

/** What one `readFile` holds: 2 GiB less a byte. */
const MAX_FILE_BYTES = 2 ** 31 - 1;
const DEFAULT_ACTIVATION: Activation = "sigmoid";
const DEFAULT_NORMALIZATION: Normalization = "scale";

export interface LoadNetworkOptions extends DownloadOptions {
  /** Of the hidden layers, for files that do not say; `sigmoid` unless given. */
  readonly activation?: Activation | undefined;
  /** Instead of what the file says; `scale` where neither does. */
  readonly normalize?: Normalization | undefined;
}

/**
 * A network by its name (`bundled`, `book`) or from a file: safetensors, or a pickle of a dict of NumPy arrays. A name
 * goes before a file of the same name; `./bundled` is the file. `book`, the network of *Deep Learning from Scratch*, is
 * downloaded into the cache, unless a file of its size is there.
 *
 * @throws NetworkError, with any of its codes. FileError ERR_FILE_READ, ERR_FILE_EMPTY.
 * @throws UsageError ERR_OPTION_VALUE when `activation` contradicts the file.
 * @throws TransferError, with any of its codes, for a network that has to be downloaded.
 */
export async function loadNetwork(source: string, options: LoadNetworkOptions = {}): Promise<Network> {
  const path = await locate(source, options);
  const bytes = await readWeights(source, path);
  const { arrays, activation, normalize } = decode(path, bytes);
  if (activation !== undefined && options.activation !== undefined && activation !== options.activation) {
    throw new UsageError("ERR_OPTION_VALUE", {
      option: "--activation",
      expected: `${activation}, which ${path} names`,
      found: options.activation,
    });
  }
  return {
    name: BUNDLED.has(source) ? source : basename(path),
    sha256: createHash("sha256").update(bytes).digest("hex"),
    layers: buildLayers(path, arrays, activation ?? options.activation ?? DEFAULT_ACTIVATION),
    normalize: options.normalize ?? normalize ?? DEFAULT_NORMALIZATION,
  };
}

async function locate(source: string, options: DownloadOptions): Promise<string> {
  const bundled = BUNDLED.get(source);
  if (bundled !== undefined) return fileURLToPath(bundled);
  const entry = NETWORK_CATALOG.get(source);
  if (entry === undefined) return source;
  const [file] = await fetchEntry(entry, options);
  return file.path;
}

/** A file's arrays, and what it says about the network around them. */
interface Decoded {
  readonly arrays: NamedArrays;
  readonly activation?: Activation | undefined;
  readonly normalize?: Normalization | undefined;
}

function decode(path: string, bytes: Uint8Array): Decoded {
  if (weightsFormat(path, bytes) === "pickle") return { arrays: decodePickle(path, bytes) };
  const { arrays, metadata } = decodeSafetensors(path, bytes);
  return {
    arrays,
    activation: oneOf(path, ACTIVATIONS, "activation", metadata),
    normalize: oneOf(path, NORMALIZATIONS, "normalize", metadata),
  };
}

function oneOf<T extends string>(
  path: string,
  known: readonly T[],
  key: string,
  metadata: ReadonlyMap<string, string>,
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

async function readWeights(source: string, path: string): Promise<Uint8Array> {
  try {
    const stats = await stat(path);
    // A pipe or a device has no size to check, and may never end.
    if (!stats.isFile()) {
      throw new FileError("ERR_FILE_READ", {
        path,
        reason: stats.isDirectory() ? "it is a folder" : "it is no regular file",
      });
    }
    if (stats.size === 0) throw new FileError("ERR_FILE_EMPTY", { path });
    if (stats.size > MAX_FILE_BYTES) {
      throw new NetworkError("ERR_WEIGHTS_SIZE", {
        path,
        actualBytes: stats.size,
        limitBytes: MAX_FILE_BYTES,
      });
    }
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof FileError || cause instanceof NetworkError) throw cause;
    if (!NETWORK_NAMES.includes(source) && isMissing(cause)) {
      const suggestion = suggest(source, NETWORK_NAMES);
      const facts = { found: source, known: NETWORK_NAMES, suggestion };
      throw new NetworkError("ERR_NETWORK_UNKNOWN", facts, { cause });
    }
    throw new FileError("ERR_FILE_READ", { path, reason: reasonOf(cause) }, { cause });
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}
