/** Formats of image sets besides IDX, recognized by content. The reader of a format is loaded only for a file of it. */

import { basename, join } from "node:path";
import type { DatasetReading } from "#src/base/contracts/dataset.js";
import { UsageError } from "#src/base/errors.js";
import { pathKind } from "#src/files/read-file.js";
import type { PictureFolderOptions } from "./picture-folder.js";
import type { OpenArchive } from "./stream/idx-set.js";

/** A file or a folder with images and labels. */
export interface ArchivePath {
  readonly path: string;
  readonly open: OpenArchive;
  /** Options that state what the file does not; true for those of tables and arrays. */
  readonly takesReading?: boolean | readonly (keyof DatasetReading)[];
}

const loadNpz = () => import("./npz-set.js");
const loadCifar = () => import("./cifar-set.js");
const loadCsv = () => import("./csv-set.js");

const GZIP_START = "\x1f\x8b";
/** Gzipped files of these names are IDX files, and are not unpacked to see it. */
const IDX_NAME = /idx\d|ubyte/i;
/** Names of files with CIFAR's records. A folder is recognized by its file of class names. */
const CIFAR_FILE = /\.bin$/i;
const CIFAR_NAMES = ["batches.meta.txt", "fine_label_names.txt"];

/**
 * The reader of a file or a folder; undefined where it is none of these formats.
 *
 * @param start first bytes of a file
 */
export async function archiveAt(
  path: string,
  kind: "file" | "folder",
  start: string,
): Promise<ArchivePath | undefined> {
  if (kind === "folder") {
    const kinds = await Promise.all(CIFAR_NAMES.map((name) => pathKind(join(path, name))));
    return kinds.includes("file") ? { path, open: (await loadCifar()).openCifarSet } : undefined;
  }
  if (start.startsWith("PK\x03\x04")) return { path, open: (await loadNpz()).openNpzSet };
  if (CIFAR_FILE.test(path)) {
    const { isCifar, openCifarSet } = await loadCifar();
    if (await isCifar(path)) return { path, open: openCifarSet };
  }
  if (start.startsWith(GZIP_START) && IDX_NAME.test(basename(path))) return undefined;
  const { isTable, openCsvSet } = await loadCsv();
  // A damaged file is reported by the reader of IDX.
  const isText = await isTable(path).catch(() => false);
  return isText ? { path, open: openCsvSet, takesReading: true } : undefined;
}

/** The reader of pictures in a folder. */
export function picturesAt(path: string, options: PictureFolderOptions): ArchivePath {
  return {
    path,
    takesReading: ["imageShape", "fit", "classOrder"],
    open: async (folder, given, labelled) =>
      (await import("./picture-folder.js")).openPictureFolder(folder, given, labelled, options),
  };
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
] as const;
const OF_TABLES: readonly (keyof DatasetReading)[] = ["labelColumn", "imageShape", "pixelMax"];

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
  const isOfTables = needless.some(([key]) => OF_TABLES.includes(key));
  const problem = `${given}: expected ${isOfTables ? "a table or arrays" : "pictures"}, found "${dataset}", which states its facts itself`;
  throw new UsageError("ERR_USAGE", { problem });
}
