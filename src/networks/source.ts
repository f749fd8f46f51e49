/** Where the weights of a network are: names, files and folders, and the bytes of a file. */
import { fileURLToPath } from "node:url";
import { atLeast, FileError, NetworkError } from "#src/base/errors.js";
import { FIXTURES } from "#src/base/package.js";
import { suggest } from "#src/base/text.js";
import { type DownloadOptions, NETWORK_CATALOG } from "#src/files/catalog.js";
import { isAbsent, pathKind, readWholeFile } from "#src/files/read-file.js";
import { weightsFormat } from "./format.js";

/** Networks in the package, by name. */
export const BUNDLED: ReadonlyMap<string, URL> = new Map([
  ["bundled", new URL("bundled.safetensors", FIXTURES)],
  ["bundled-standardize", new URL("bundled-standardize.safetensors", FIXTURES)],
  ["bundled-whiten", new URL("bundled-whiten.safetensors", FIXTURES)],
  ["bundled-cnn", new URL("bundled-cnn.safetensors", FIXTURES)],
]);

/** Names of the networks in the package and of those that are downloaded. */
export const NETWORK_NAMES: readonly string[] = [...BUNDLED.keys(), ...NETWORK_CATALOG.keys()];

/** Most bytes of a file of weights: 2 GiB − 1. */
const MAX_FILE_BYTES = 2 ** 31 - 1;
/** Path of a source. A network of the catalog is downloaded unless the cache has it. */
export async function locate(source: string, options: DownloadOptions): Promise<string> {
  const bundled = BUNDLED.get(source);
  if (bundled !== undefined) return fileURLToPath(bundled);
  const entry = NETWORK_CATALOG.get(source);
  if (entry === undefined) {
    const isFolder = (await pathKind(source)) === "folder";
    return isFolder ? (await import("./folder.js")).networkIn(source) : source;
  }
  const { fetchEntry } = await import("#src/files/fetch-entry.js");
  // A pickle has no checksum: weights that were changed in the cache would be evaluated as the book's.
  const [file] = atLeast(await fetchEntry(entry, { ...options, verify: "hash" }), 1);
  return file.path;
}

/** Bytes of a file of weights. @throws NetworkError ERR_NETWORK_UNKNOWN, ERR_WEIGHTS_SIZE; FileError ERR_FILE_READ, ERR_FILE_EMPTY */
export async function readWeights(source: string, path: string): Promise<Uint8Array> {
  try {
    const refuse = (actualBytes: number): never => {
      throw new NetworkError("ERR_WEIGHTS_SIZE", { path, actualBytes, limitBytes: MAX_FILE_BYTES });
    };
    const canBegin = (head: Uint8Array) =>
      weightsFormat(path, head).then(
        () => true,
        () => false,
      );
    return await readWholeFile(path, MAX_FILE_BYTES, refuse, canBegin);
  } catch (error) {
    const cause = error instanceof FileError ? error.cause : error;
    if (NETWORK_NAMES.includes(source) || !isAbsent(cause)) throw error;
    const suggestion = suggest(source, NETWORK_NAMES);
    const facts = { found: source, known: NETWORK_NAMES, suggestion };
    throw new NetworkError("ERR_NETWORK_UNKNOWN", facts, { cause });
  }
}
