/** A network as a folder of .npy files: W1.npy, b1.npy, W2.npy … */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { FileError, NetworkError, reasonOf } from "#src/base/errors.js";
import type { NamedArray } from "#src/files/formats/arrays.js";
import { NPY_LIMIT_BYTES } from "#src/files/formats/npy-header.js";
import { readWholeFile } from "#src/files/read-file.js";
import { decodeNpy } from "./npy.js";

const ENDING = ".npy";
/** Two a layer. */
const MAX_FILES = 2_000;

export interface FolderArrays {
  readonly arrays: Map<string, NamedArray>;
  /** The files' bytes as they stand on disk, in the order of their names. */
  readonly files: readonly Uint8Array[];
}

/**
 * The arrays of all .npy files in a folder, by their names without the ending; other files are left alone.
 *
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_NPY_*.
 * @throws NetworkError ERR_NETWORK_FORMAT, ERR_WEIGHTS_SIZE, ERR_ARRAY_DTYPE.
 */
export async function readNpyFolder(folder: string): Promise<FolderArrays> {
  const names = await npyNames(folder);
  await checkTotalBytes(folder, names);
  const arrays = new Map<string, NamedArray>();
  const files: Uint8Array[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const bytes = await readWholeFile(path, NPY_LIMIT_BYTES);
    const array = name.slice(0, -ENDING.length);
    arrays.set(array, decodeNpy(path, array, bytes));
    files.push(bytes);
  }
  return { arrays, files };
}

async function npyNames(folder: string): Promise<string[]> {
  let names: string[];
  try {
    names = (await readdir(folder)).filter((name) => name.endsWith(ENDING)).sort();
  } catch (cause) {
    throw new FileError("ERR_FILE_READ", { path: folder, reason: reasonOf(cause) }, { cause });
  }
  if (names.length > 0 && names.length <= MAX_FILES) return names;
  throw new NetworkError("ERR_NETWORK_FORMAT", {
    path: folder,
    expected: `a folder of W1.npy, b1.npy and so on, at most ${MAX_FILES} files`,
    found: names.length === 0 ? "none" : `${names.length}`,
    next:
      names.length === 0
        ? await (await import("#src/files/formats/known/folders.js")).weightsInFolder(folder)
        : undefined,
  });
}

/** What all files hold together, before any of them is read. */
async function checkTotalBytes(folder: string, names: readonly string[]): Promise<void> {
  let actualBytes = 0;
  for (const name of names) {
    const path = join(folder, name);
    try {
      actualBytes += (await stat(path)).size;
    } catch (cause) {
      throw new FileError("ERR_FILE_READ", { path, reason: reasonOf(cause) }, { cause });
    }
  }
  if (actualBytes > NPY_LIMIT_BYTES) {
    throw new NetworkError("ERR_WEIGHTS_SIZE", { path: folder, actualBytes, limitBytes: NPY_LIMIT_BYTES });
  }
}
