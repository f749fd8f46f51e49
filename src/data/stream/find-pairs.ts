/** Finds the files of a set of many: by a pattern, or by a list in a manifest. */
import { existsSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { DatasetError } from "#src/base/errors.js";
import { labelsBeside } from "#src/data/labels.js";
import type { PairPaths } from "./idx-set.js";

/** A part with any of these may stand for several names. */
const MAGIC = /[*?[\]{}()!]/;
const GZIPPED = ".gz";
/** Bytes per value of a manifest: a key with its path takes more. */
const LEAST_ENTRY_BYTES = 8;

/**
 * The image files that match, in the order of their names' code units, each with its labels: their name has `labels` for
 * `images`, and `idx1` for `idx3`, gzipped or not. A file that is there unpacked too is taken once; what has no `images` in
 * its name is no image file.
 *
 * @throws DatasetError ERR_DATASET_GLOB where none match, ERR_DATASET_LABELS_NAME
 */
export async function pairsByPattern(pattern: string, labelled: boolean): Promise<PairPaths[]> {
  const paths = await filesByPattern(pattern);
  const names = new Set(paths);
  const images = paths
    .filter((path) => fileName(path).includes("images"))
    .filter((path) => !path.endsWith(GZIPPED) || !names.has(path.slice(0, -GZIPPED.length)))
    .sort((a, b) => (a < b ? -1 : 1));
  if (images.length === 0) throw new DatasetError("ERR_DATASET_GLOB", { pattern, matched: paths.length });
  return Promise.all(
    images.map(async (imagesPath) => ({
      imagesPath,
      labelsPath: labelled ? await labelsOf(imagesPath) : undefined,
    })),
  );
}

/** All files that match. */
export async function filesByPattern(pattern: string): Promise<string[]> {
  const { glob } = await import("tinyglobby");
  const { folder, rest } = splitPattern(pattern);
  const found = await glob(rest, { cwd: folder, onlyFiles: true, expandDirectories: false });
  return found.map((path) => join(folder, path));
}

/**
 * The pairs that a manifest lists; its paths are relative to its folder.
 *
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_JSON_SYNTAX, ERR_JSON_SHAPE
 * @throws DatasetError ERR_DATASET_LABELS where labels are wanted and a pair has none
 */
export async function pairsOfManifest(path: string, labelled: boolean): Promise<PairPaths[]> {
  const [{ manifestSchema }, { checkList, readJson }] = await Promise.all([
    import("#src/data/schemas/manifest.js"),
    import("#src/files/read-document.js"),
  ]);
  const document = await readJson(path, { entryBytes: LEAST_ENTRY_BYTES });
  const pairs = await checkList(manifestSchema, document, { path, what: "a manifest of image files" });
  const folder = dirname(path);
  return pairs.map(({ images, labels, sha256 }) => {
    if (labelled && labels === undefined) throw new DatasetError("ERR_DATASET_LABELS", { path: images });
    const labelsPath = labelled && labels !== undefined ? resolve(folder, labels) : undefined;
    return { imagesPath: resolve(folder, images), labelsPath, sha256 };
  });
}

/** The folder below which all matches are, so that nothing else is looked through. */
function splitPattern(pattern: string): { folder: string; rest: string } {
  const parts = pattern.split(sep === "\\" ? /[\\/]/ : "/");
  // A folder may have a name such as `data (old)`.
  const magicAt = parts.findIndex(
    (part, n) => MAGIC.test(part) && (n === parts.length - 1 || !existsSync(parts.slice(0, n + 1).join("/"))),
  );
  const folder = parts.slice(0, magicAt).join("/");
  // The first part of an absolute path is empty.
  return {
    folder: folder === "" ? (magicAt === 0 ? "." : "/") : folder,
    rest: parts.slice(magicAt).join("/"),
  };
}

async function labelsOf(imagesPath: string): Promise<string> {
  const { expected, path } = (await labelsBeside(imagesPath)) ?? { expected: "", path: undefined };
  if (path !== undefined) return path;
  throw new DatasetError("ERR_DATASET_LABELS_NAME", { path: imagesPath, expected });
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf(sep) + 1);
}
