/** Networks by name or by file: finds the file, tells its format, and hands out a network that is whole or an error. */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Activation, Network, Normalization } from "../contracts/network.js";
import { NETWORK_CATALOG } from "../datasets/catalog.js";
import type { DownloadOptions } from "../download/catalog-entry.js";
import { fetchEntry } from "../download/fetch-entry.js";
import { FileError, NetworkError, reasonOf, UsageError } from "../errors.js";
import { pathKind } from "../files/path-kind.js";
import { FIXTURES } from "../package-root.js";
import { suggest } from "../suggest.js";
import type { NamedArrays } from "./arrays.js";
import { readNpyFolder } from "./folder.js";
import { weightsFormat } from "./format.js";
import { activationOf, normalizationOf } from "./metadata.js";
import { decodeNpz } from "./npz.js";
import { decodeOnnx } from "./onnx/decode.js";
import { decodePickle } from "./pickle/decode.js";
import { decodeSafetensors } from "./safetensors-reader.js";
import { buildLayers } from "./validate.js";

/** Networks that the package carries, by name. */
const BUNDLED: ReadonlyMap<string, URL> = new Map([["bundled", new URL("bundled.safetensors", FIXTURES)]]);

/** Those, and the networks that are downloaded when they are first asked for. */
export const NETWORK_NAMES: readonly string[] = [...BUNDLED.keys(), ...NETWORK_CATALOG.keys()];

/** What one `readFile` holds: 2 GiB less a byte. */
const MAX_FILE_BYTES = 2 ** 31 - 1;
/** Of hidden layers, where neither a file nor an option says. */
export const DEFAULT_ACTIVATION: Activation = "sigmoid";
export const DEFAULT_NORMALIZATION: Normalization = "scale";

export interface LoadNetworkOptions extends DownloadOptions {
  /** Of the hidden layers, for files that do not say; `sigmoid` unless given. */
  readonly activation?: Activation | undefined;
  /** Instead of what the file says; `scale` where neither does. */
  readonly normalize?: Normalization | undefined;
}

/**
 * A network by its name (`bundled`, `book`), from a file (safetensors, .npz, ONNX, or a pickle of a dict of NumPy arrays)
 * or from a folder of .npy files. A name goes before a file of the same name; `./bundled` is the file. `book`, the network
 * of *Deep Learning from Scratch*, is downloaded into the cache, unless a file of its size is there.
 *
 * @throws NetworkError, with any of its codes. FileError ERR_FILE_READ, ERR_FILE_EMPTY.
 * @throws UsageError ERR_OPTION_VALUE when `activation` contradicts the file.
 * @throws TransferError, with any of its codes, for a network that has to be downloaded.
 */
export async function loadNetwork(source: string, options: LoadNetworkOptions = {}): Promise<Network> {
  const path = await locate(source, options);
  const { arrays, activation, normalize, files } = await readSource(source, path);
  checkActivation(path, activation, options.activation);
  const hash = createHash("sha256");
  for (const bytes of files) hash.update(bytes);
  return {
    name: BUNDLED.has(source) ? source : basename(resolve(path)),
    sha256: hash.digest("hex"),
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

/** What a file or a folder holds, and its bytes as they stand on disk. */
async function readSource(
  source: string,
  path: string,
): Promise<Decoded & { readonly files: readonly Uint8Array[] }> {
  if ((await pathKind(path)) === "folder") return readNpyFolder(path);
  const bytes = await readWeights(source, path);
  return { ...(await decode(path, bytes)), files: [bytes] };
}

/** A file's arrays, and what it says about the network around them. */
interface Decoded {
  readonly arrays: NamedArrays;
  /** Of the hidden layers: of all, or of each. */
  readonly activation?: Activation | readonly Activation[] | undefined;
  readonly normalize?: Normalization | undefined;
}

async function decode(path: string, bytes: Uint8Array): Promise<Decoded> {
  switch (weightsFormat(path, bytes)) {
    case "pickle":
      return { arrays: decodePickle(path, bytes) };
    case "npz":
      return { arrays: await decodeNpz(path, bytes) };
    case "onnx": {
      const { arrays, activations, normalize } = decodeOnnx(path, bytes);
      return { arrays, activation: activations, normalize };
    }
    case "safetensors": {
      const { arrays, metadata } = decodeSafetensors(path, bytes);
      return {
        arrays,
        activation: activationOf(path, "activation", metadata),
        normalize: normalizationOf(path, "normalize", metadata),
      };
    }
  }
}

/** @throws UsageError ERR_OPTION_VALUE when the option is another activation than a layer of the file has. */
function checkActivation(path: string, inFile: Decoded["activation"], option: Activation | undefined): void {
  const named = new Set(typeof inFile === "string" ? [inFile] : inFile);
  if (option === undefined || named.size === 0 || (named.size === 1 && named.has(option))) return;
  const expected = `${[...named].join(", ")}, which ${path} names`;
  throw new UsageError("ERR_OPTION_VALUE", { option: "--activation", expected, found: option });
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
