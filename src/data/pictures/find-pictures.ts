/** Finds the pictures of a folder: by class, one folder each, as torchvision's ImageFolder and Keras order them; or all of a flat one. */

import { type Dirent, realpathSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join, sep } from "node:path";
import type { Split } from "#src/base/contracts/dataset.js";
import { grouped } from "#src/base/errors/define.js";
import { DatasetError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { readFault } from "#src/files/read-file.js";

const PICTURE = /\.(png|jpe?g)$/i;
/** Pictures that the loaders of Python read and we do not. */
const OTHER_PICTURE = /\.(bmp|gif|tiff?|webp|ppm|pgm|avif|heic)$/i;
/** What systems and editors leave in folders. */
const LITTER = /^(\..*|Thumbs\.db|desktop\.ini|__MACOSX|@eaDir)$/i;
/** Names of the folders of a split. */
const SPLIT_FOLDERS: Readonly<Record<string, readonly string[]>> = {
  test: ["test", "testing"],
  train: ["train", "training"],
  val: ["val", "valid", "validation"],
};
const MAX_DEPTH = 16;
/** Links may lead in circles. */
const MAX_FOLDERS = 100_000;
/** Names are held in memory: about 100 MB of them. */
const MAX_PICTURES = 2_000_000;
const MAX_CLASSES = 256;
const SHOWN = 3;

/** Pictures in one folder, in order. */
export interface PictureGroup {
  readonly folder: string;
  readonly names: readonly string[];
  /** Index of the class. */
  readonly label: number;
}

export interface FoundPictures {
  /** The folder, or that of the split. */
  readonly folder: string;
  readonly groups: readonly PictureGroup[];
  readonly total: number;
  /** Names of the class folders in the order of the labels; undefined for a flat folder. */
  readonly classes: readonly string[] | undefined;
  /** Files that are no pictures. */
  readonly leftOut: readonly string[];
}

/** Whether a folder holds pictures, at its top or in folders below. */
export async function hasPictures(folder: string): Promise<boolean> {
  return hasBelow(folder, 3);
}

async function hasBelow(folder: string, depth: number): Promise<boolean> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  if (entries.some((entry) => !entry.isDirectory() && PICTURE.test(entry.name))) return true;
  if (depth === 0) return false;
  for (const entry of entries) {
    if (
      entry.isDirectory() &&
      !LITTER.test(entry.name) &&
      (await hasBelow(join(folder, entry.name), depth - 1))
    ) {
      return true;
    }
  }
  return false;
}

/**
 * @throws DatasetError ERR_DATASET_SPLIT for a folder without the split; ERR_DATASET_FORMAT for pictures of other formats, links
 *   out of the folder, too many pictures or classes, and none at all
 */
export async function findPictures(root: string, split: Split): Promise<FoundPictures> {
  const finder = new Finder(root);
  const top = await finder.entries(root);
  const splits = splitsOf(top);
  if (splits.size > 0) {
    const name = splits.get(split);
    if (name === undefined) {
      throw new DatasetError("ERR_DATASET_SPLIT", {
        dataset: root,
        expected: [...splits.keys()],
        found: split,
      });
    }
    return finder.find(join(root, name));
  }
  return finder.find(root);
}

/** Folders by split; empty where the folder's folders are classes. */
function splitsOf(entries: readonly Dirent[]): Map<string, string> {
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const found = new Map<string, string>();
  for (const [split, names] of Object.entries(SPLIT_FOLDERS)) {
    const name = folders.find((one) => names.includes(one.toLowerCase()));
    if (name !== undefined) found.set(split, name);
  }
  return found.size > 1 || found.size === folders.length ? found : new Map();
}

class Finder {
  readonly #root: string;
  readonly #realRoot: string;
  readonly #groups: PictureGroup[] = [];
  readonly #leftOut: string[] = [];
  #total = 0;
  #folders = 0;

  constructor(root: string) {
    this.#root = root;
    try {
      this.#realRoot = realpathSync(root);
    } catch (error) {
      throw readFault(root, error);
    }
  }

  async find(folder: string): Promise<FoundPictures> {
    const entries = await this.entries(folder);
    const classes = entries.filter((entry) => this.#isFolder(folder, entry)).map(({ name }) => name);
    if (classes.length > MAX_CLASSES) {
      throw this.#fault(
        folder,
        `at most ${MAX_CLASSES} class folders`,
        grouped(classes.length),
        "name the folder whose folders are classes",
      );
    }
    if (classes.length === 0) this.#addFiles(folder, entries, 0);
    else {
      for (const entry of entries) if (!this.#isFolder(folder, entry)) this.#leaveOut(folder, entry.name);
      for (const [label, name] of classes.entries())
        await this.#addBelow(join(folder, name), label, MAX_DEPTH);
    }
    if (this.#total === 0) {
      const next = "name the folder that holds a folder of PNG or JPEG files for each class";
      throw this.#fault(folder, "PNG or JPEG pictures", "none", next);
    }
    return {
      folder,
      groups: this.#groups,
      total: this.#total,
      classes: classes.length === 0 ? undefined : classes,
      leftOut: this.#leftOut,
    };
  }

  /** Entries in the order of their names' code points, without litter. */
  async entries(folder: string): Promise<Dirent[]> {
    if (++this.#folders > MAX_FOLDERS) {
      const next = "remove links that lead in circles";
      throw this.#fault(folder, `at most ${grouped(MAX_FOLDERS)} folders`, "more", next);
    }
    try {
      const entries = await readdir(folder, { withFileTypes: true });
      return entries.filter(({ name }) => !LITTER.test(name)).sort((a, b) => inTextOrder(a.name, b.name));
    } catch (error) {
      throw readFault(folder, error);
    }
  }

  async #addBelow(folder: string, label: number, depth: number): Promise<void> {
    const entries = await this.entries(folder);
    this.#addFiles(folder, entries, label);
    for (const entry of entries) {
      if (!this.#isFolder(folder, entry)) continue;
      if (depth === 0) {
        throw this.#fault(folder, `folders up to ${MAX_DEPTH} deep`, "deeper ones", "move the pictures up");
      }
      await this.#addBelow(join(folder, entry.name), label, depth - 1);
    }
  }

  #addFiles(folder: string, entries: readonly Dirent[], label: number): void {
    const names: string[] = [];
    for (const entry of entries) {
      const { name } = entry;
      if (this.#isFolder(folder, entry)) continue;
      if (OTHER_PICTURE.test(name)) {
        const path = join(folder, name);
        const next = "convert it to PNG, or move it out of the folder";
        throw this.#fault(
          path,
          "a PNG or JPEG picture",
          `a ${name.slice(name.lastIndexOf(".") + 1).toUpperCase()} file`,
          next,
        );
      }
      if (PICTURE.test(name)) names.push(name);
      else this.#leaveOut(folder, name);
    }
    this.#total += names.length;
    if (this.#total > MAX_PICTURES) {
      throw this.#fault(
        folder,
        `at most ${grouped(MAX_PICTURES)} pictures`,
        "more",
        "evaluate its folders one by one",
      );
    }
    if (names.length > 0) this.#groups.push({ folder, names, label });
  }

  #leaveOut(folder: string, name: string): void {
    this.#leftOut.push(join(folder, name).slice(this.#root.length + 1));
  }

  /** A link may lead to a file or folder below the root. */
  #isFolder(folder: string, entry: Dirent): boolean {
    if (!entry.isSymbolicLink()) return entry.isDirectory();
    const path = join(folder, entry.name);
    try {
      const real = realpathSync(path);
      if (real.startsWith(this.#realRoot + sep)) return statSync(real).isDirectory();
    } catch (error) {
      throw readFault(path, error);
    }
    throw this.#fault(
      path,
      "a file of the folder",
      "a link out of it",
      "copy the file it leads to in its place",
    );
  }

  #fault(path: string, expected: string, found: string, next: string): DatasetError {
    return new DatasetError("ERR_DATASET_FORMAT", { path, expected, found, next });
  }
}

/** `a.txt and 2 more files that are no pictures left out`. */
export function leftOutText(leftOut: readonly string[]): string {
  const shown = leftOut.slice(0, SHOWN).map((name) => printable(basename(name)));
  const more = leftOut.length - shown.length;
  return `without ${grouped(leftOut.length)} ${leftOut.length === 1 ? "file" : "files"} that are no pictures of a class: ${shown.join(", ")}${more > 0 ? ", …" : ""}`;
}

/** Code points, as Python sorts; JavaScript compares halves of those above U+FFFF. */
function inTextOrder(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
