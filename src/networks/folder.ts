/** Reads a network from a folder of .npy or .csv files (W1.npy, b1.npy …), and explains why files of weights were rejected. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { inTurns, type Steps } from "#src/base/abort.js";
import { BatchwiseError, type FactsOf, FileError, NetworkError, reasonOf } from "#src/base/errors.js";
import type { NamedArray } from "#src/files/formats/arrays.js";
import { csvInSteps } from "#src/files/formats/csv-arrays.js";
import { recognizeFile } from "#src/files/formats/known/recognize.js";
import { weightsInFolder } from "#src/files/formats/known/stray-files.js";
import { NPY_LIMIT_BYTES } from "#src/files/formats/npz.js";
import { readWholeFile } from "#src/files/read-file.js";
import { EXPECTED_FORMATS } from "./format.js";
import { decodeNpy } from "./numpy.js";

/** Endings of arrays, each with its reader. A folder is read by the first of which it has files. */
const READERS: readonly (readonly [
  ending: string,
  decode: (path: string, name: string, bytes: Uint8Array) => Steps<NamedArray>,
])[] = [
  [
    ".npy",
    // biome-ignore lint/correctness/useYield: the elements are decoded later, part by part
    function* (path, name, bytes) {
      return decodeNpy(path, name, bytes);
    },
  ],
  [".csv", (path, _, bytes) => csvInSteps(path, bytes)],
];
/** Most files; a layer has two. */
const MAX_FILES = 2_000;

export interface FolderArrays {
  readonly arrays: Map<string, NamedArray>;
  /** Bytes of the files on disk, in the order of their names. */
  readonly files: readonly Uint8Array[];
}

/**
 * Returns the arrays of all .npy files in a folder, or of all .csv files if it has no .npy files, by name without the ending.
 * Other files are ignored.
 *
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_NPY_*.
 * @throws NetworkError ERR_NETWORK_FORMAT, ERR_WEIGHTS_SIZE, ERR_WEIGHTS_TEXT, ERR_ARRAY_DTYPE.
 */
export async function readArrayFolder(folder: string): Promise<FolderArrays> {
  const all = await namesIn(folder);
  const [found] = READERS.flatMap(([ending, decode]) => {
    const names = all.filter((name) => name.endsWith(ending));
    return names.length > 0 ? [{ ending, decode, names }] : [];
  });
  if (found === undefined || found.names.length > MAX_FILES) {
    throw new NetworkError("ERR_NETWORK_FORMAT", {
      path: folder,
      expected: `a folder of W1.npy, b1.npy and so on, of .csv files, or with a model.json, at most ${MAX_FILES} files`,
      found: found === undefined ? "none" : `${found.names.length}`,
      next: found === undefined ? await weightsInFolder(folder) : undefined,
    });
  }
  const { ending, decode, names } = found;
  await checkTotalBytes(folder, names);
  const arrays = new Map<string, NamedArray>();
  const files: Uint8Array[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const bytes = await readWholeFile(path, NPY_LIMIT_BYTES);
    const array = name.slice(0, -ending.length);
    arrays.set(array, await inTurns(decode(path, array, bytes)));
    files.push(bytes);
  }
  return { arrays, files };
}

/** Name under which TensorFlow.js saves models. */
const MODEL_JSON = "model.json";

/** Path of the `model.json` in a folder without arrays; otherwise that of the folder. @throws FileError ERR_FILE_READ */
export async function networkIn(folder: string): Promise<string> {
  const names = await namesIn(folder);
  const hasArrays = READERS.some(([ending]) => names.some((name) => name.endsWith(ending)));
  return !hasArrays && names.includes(MODEL_JSON) ? join(folder, MODEL_JSON) : folder;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (cause) {
    throw new FileError("ERR_FILE_READ", { path: folder, reason: reasonOf(cause) }, { cause });
  }
}

/** Checks the total size of the files before any of them is read. */
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

/** Codes of files whose format is read, but whose arrays or names are not those of a network. */
const LAYOUT_CODES = new Set([
  "ERR_NETWORK_KEYS",
  "ERR_NETWORK_RANK",
  "ERR_NETWORK_ORDER",
  "ERR_NETWORK_CHAIN",
  "ERR_NETWORK_ARCHITECTURE",
  "ERR_ARRAY_DTYPE",
  "ERR_ARRAY_LAYOUT",
]);
/** Codes that a reader throws for a file of a different format. */
const FORMAT_CODES =
  /^ERR_(NETWORK_FORMAT|PICKLE_MALFORMED|PICKLE_TRUNCATED|PICKLE_LIMIT|ZIP_UNSUPPORTED|ZIP_STRUCTURE|ONNX_[A-Z]+)$/;

/** Returns `error` with the kind of the file and the next step added; unchanged if the kind is not known. */
export async function explainedWeights(path: string, error: unknown): Promise<unknown> {
  if (!(error instanceof BatchwiseError)) return error;
  const { code, facts } = error;
  const isLayout = LAYOUT_CODES.has(code);
  // A reader that knows the next step names it: what to correct in an architecture, or that a file is damaged.
  if (
    (isLayout || code === "ERR_NETWORK_FORMAT") &&
    (facts as FactsOf<"ERR_NETWORK_KEYS">).next !== undefined
  )
    return error;
  const isForbidden = code === "ERR_PICKLE_FORBIDDEN";
  if (!isLayout && !isForbidden && !FORMAT_CODES.test(code)) return error;
  const known = await recognizeFile(path, { use: "weights", split: "test" });
  if (known === undefined) return error;
  // Files of PyTorch and scikit-learn are read, so a damaged one, or one beyond the limits, is reported as that.
  const isDamaged =
    /^ERR_PICKLE_(MALFORMED|TRUNCATED)$/.test(code) && /PyTorch|scikit-learn/.test(known.found);
  if (code === "ERR_PICKLE_LIMIT" || isDamaged) return error;
  const { found, nextStep: next } = known;
  if (isLayout || isForbidden) {
    // Each of these codes takes `next`. One takes `what` too; the messages of the others ignore it.
    const more = { ...(facts as FactsOf<"ERR_PICKLE_FORBIDDEN">), what: found, next };
    return new NetworkError(code as "ERR_PICKLE_FORBIDDEN", more, { cause: error });
  }
  return new NetworkError(
    "ERR_NETWORK_FORMAT",
    { path, expected: EXPECTED_FORMATS, found, next },
    { cause: error },
  );
}
