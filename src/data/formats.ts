/** Formats of image sets besides IDX, recognized by content. The reader of a format is loaded only for a file of it. */

import { basename, join } from "node:path";
import type { DatasetReading, Split } from "#src/base/contracts/dataset.js";
import { atLeast, UsageError } from "#src/base/errors.js";
import { pathKind, readFileStart } from "#src/files/read-file.js";
import type { ParquetOptions } from "./parquet-rows.js";
import type { PictureFolderOptions } from "./picture-folder.js";
import type { OpenArchive } from "./stream/idx-set.js";

/** A file or a folder with images and labels. */
export interface ArchivePath {
  readonly path: string;
  readonly open: OpenArchive;
  /** Options that state what the file does not; true for those of tables and arrays. */
  readonly takesReading?: boolean | readonly (keyof DatasetReading)[];
  /** Whether the labels may be in another file. */
  readonly takesLabels?: boolean;
}

const loadNpz = () => import("./npz-set.js");
const loadCifar = () => import("./cifar-set.js");
const loadPickle = () => import("./pickle-set.js");
const loadCsv = () => import("./csv-set.js");

/** PROTO and its version (PEP 3154). */
const PICKLE_STARTS = ["\x80\x02", "\x80\x03", "\x80\x04", "\x80\x05"];
/** How a dict, a list or a tuple begins in protocols 0 and 1. */
const TEXT_PICKLE = /^[(}\]]/;
const PICKLE_NAME = /\.(pkl|pickle|p)(\.gz)?$/i;
/** Characters that show a PyTorch file: the name of a ZIP's first entry is among them. */
const HEAD_BYTES = 256;
const GZIP_START = "\x1f\x8b";
/** Gzipped files of these names are IDX files, and are not unpacked to see it. */
const IDX_NAME = /idx\d|ubyte/i;
/** Names of files with CIFAR's records. A folder is recognized by its file of class names. */
const CIFAR_FILE = /\.bin$/i;
const CIFAR_NAMES = ["batches.meta.txt", "fine_label_names.txt"];

/**
 * The reader of a file; undefined where it is none of these formats.
 *
 * @param start first bytes of the file
 */
export async function archiveAt(
  path: string,
  start: string,
  options: ParquetOptions,
): Promise<ArchivePath | undefined> {
  if (start.startsWith("PAR1")) return parquetAt([path], options);
  if (await isPickle(path, start))
    return { path, open: (await loadPickle()).openPickleSet, takesReading: true };
  if (start.startsWith("PK\x03\x04")) return { path, open: (await loadNpz()).openNpzSet, takesReading: true };
  if (start.startsWith("\x93NUM")) {
    return { path, open: (await loadNpz()).openNpySet, takesReading: true, takesLabels: true };
  }
  if (CIFAR_FILE.test(path)) {
    const { isCifar, openCifarSet } = await loadCifar();
    if (await isCifar(path)) return { path, open: openCifarSet };
  }
  if (start.startsWith(GZIP_START) && IDX_NAME.test(basename(path))) return undefined;
  const { isTable, openCsvSet } = await loadCsv();
  // A damaged file is reported by the reader of IDX.
  const isText = await isTable(path).catch(() => false);
  return isText ? { path, open: openCsvSet, takesReading: OF_CSV } : undefined;
}

/** The reader of Parquet files that are one set. */
export function parquetAt(paths: readonly string[], options: ParquetOptions): ArchivePath {
  return {
    path: atLeast(paths, 1)[0],
    takesReading: ["labelColumn", "imageShape", "pixelMax", "fit"],
    open: async (_, given, labelled) =>
      (await import("./parquet-set.js")).openParquetSet(paths, given, labelled, options),
  };
}

/** The reader of a folder without IDX files: of CIFAR, Parquet files or pictures; undefined where it has none of them. */
export async function withinFolder(
  folder: string,
  options: PictureFolderOptions & ParquetOptions & { readonly split: Split },
): Promise<ArchivePath | undefined> {
  const kinds = await Promise.all(CIFAR_NAMES.map((name) => pathKind(join(folder, name))));
  if (kinds.includes("file")) return { path: folder, open: (await loadCifar()).openCifarSet };
  const { isBatches, openBatches } = await loadPickle();
  if (await isBatches(folder)) return { path: folder, open: openBatches, takesReading: true };
  const paths = await (await import("./parquet-set.js")).parquetIn(folder, options.split);
  if (paths.length > 0) return parquetAt(paths, options);
  const isOfPictures = await (await import("./pictures/find-pictures.js")).hasPictures(folder);
  return isOfPictures ? picturesAt(folder, options) : undefined;
}

/** The reader of pictures in a folder. */
function picturesAt(path: string, options: PictureFolderOptions): ArchivePath {
  return {
    path,
    // The column is one of the file of labels.
    takesReading: ["imageShape", "fit", "classOrder", "labelColumn"],
    takesLabels: true,
    open: async (folder, given, labelled, _, labelsPath) =>
      (await import("./picture-folder.js")).openPictureFolder(folder, given, labelled, options, labelsPath),
  };
}

/** A pickle of protocol 2 or later, gzipped or not, or a PyTorch file, which may be a ZIP. */
async function isPickle(path: string, start: string): Promise<boolean> {
  if (PICKLE_STARTS.includes(start.slice(0, 2))) return true;
  if (start.startsWith(GZIP_START)) return PICKLE_NAME.test(path);
  if (!start.startsWith("PK")) return PICKLE_NAME.test(path) && TEXT_PICKLE.test(start);
  const { looksLikeTorch } = await import("#src/files/formats/torch/head.js");
  return looksLikeTorch(Buffer.from(await readFileStart(path, HEAD_BYTES)).toString("latin1"));
}

export async function canBeTable(head: Uint8Array): Promise<boolean> {
  return (await loadCsv()).canBeTable(head);
}

const READING_OPTIONS = [
  ["labelColumn", "--label-column"],
  ["imageShape", "--image-shape"],
  ["pixelMax", "--pixel-max"],
  ["fit", "--fit"],
  ["classOrder", "--class-order"],
  ["groupColumn", "--group-column"],
] as const;
const OF_TABLES: readonly (keyof DatasetReading)[] = ["labelColumn", "imageShape", "pixelMax"];
const OF_CSV: readonly (keyof DatasetReading)[] = [...OF_TABLES, "groupColumn"];

/** @throws UsageError ERR_USAGE for options that have no effect on a set */
export function assertTaken(
  dataset: string,
  reading: DatasetReading,
  taken: ArchivePath["takesReading"],
): void {
  const keys = taken === true ? OF_TABLES : taken || [];
  const needless = READING_OPTIONS.filter(([key]) => reading[key] !== undefined && !keys.includes(key));
  if (needless.length === 0) return;
  const given = needless.map(([, option]) => option).join(", ");
  const some = (of: readonly (keyof DatasetReading)[]) => needless.some(([key]) => of.includes(key));
  const expected = some(["groupColumn"]) ? "a CSV table" : some(OF_TABLES) ? "a table or arrays" : "pictures";
  const problem = `${given}: expected ${expected}, found "${dataset}", which states its facts itself`;
  throw new UsageError("ERR_USAGE", { problem });
}
