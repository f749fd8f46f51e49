/** A set's files below the folder that was named: `MNIST/raw` of torchvision, or Kaggle's folder for each file. */
import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Split } from "#src/base/contracts/dataset.js";
import { imagesInFolder } from "#src/files/formats/known/folders.js";
import { shellQuoted } from "#src/files/formats/known/known-file.js";
import { emnistStep } from "./emnist.js";

/** Levels below the folder that are looked through. */
const LEVELS = 2;
/** Folders and files that are looked at; a home directory has more, and is no data set. */
const MAX_ENTRIES = 5_000;

export interface FoundPair {
  readonly imagesPath: string;
  readonly labelsPath: string | undefined;
}

export interface Nested {
  /** The one set below; undefined where there is none, or several. */
  readonly pair: FoundPair | undefined;
  /** What to do otherwise. */
  readonly next: string | undefined;
}

/** Looks for a split's files one and two levels below `folder`. */
export async function findBelow(
  folder: string,
  split: Split,
  prefix: string,
  labelled: boolean,
): Promise<Nested> {
  const files = await filesBelow(folder, LEVELS);
  const pairs = pairsOf(files, prefix, labelled);
  if (pairs.length === 1) return { pair: pairs[0], next: undefined };
  if (pairs.length > 1) {
    const homes = pairs.slice(0, 4).map(({ imagesPath }) => `--dataset ${shellQuoted(homeOf(imagesPath))}`);
    return { pair: undefined, next: `several sets lie below it: choose ${homes.join(" or ")}` };
  }
  return { pair: undefined, next: emnistStep(files, split) ?? (await imagesInFolder(folder)) };
}

async function filesBelow(folder: string, levels: number): Promise<string[]> {
  const files: string[] = [];
  let folders = [folder];
  for (let level = 0; level <= levels && files.length < MAX_ENTRIES; level += 1) {
    const below: string[] = [];
    for (const one of folders.slice(0, MAX_ENTRIES)) {
      const entries = await readdir(one, { withFileTypes: true }).catch(() => []);
      for (const entry of entries.slice(0, MAX_ENTRIES)) {
        const path = join(one, entry.name);
        if (entry.isDirectory()) below.push(path);
        else files.push(path);
      }
      if (files.length + below.length > MAX_ENTRIES) break;
    }
    folders = below;
  }
  return files.sort();
}

/** Kaggle's archive puts each file in a folder of its name: both are at home in the folder around these. */
function homeOf(path: string): string {
  const folder = dirname(path);
  const name = basename(path).replace(/\.gz$/, "");
  return basename(folder).replace(/\.gz$/, "") === name ? dirname(folder) : folder;
}

/** One a home that has both files; the unpacked of two twins. */
function pairsOf(files: readonly string[], prefix: string, labelled: boolean): FoundPair[] {
  const homes = new Map<string, { images?: string; labels?: string }>();
  for (const path of files) {
    const match = new RegExp(`^${prefix}-(?:(images)[-.]idx3|(labels)[-.]idx1)-ubyte(\\.gz)?$`).exec(
      basename(path),
    );
    if (match === null) continue;
    const home = homes.get(homeOf(path)) ?? {};
    // Sorted names have the unpacked file before its gzipped twin.
    if (match[1]) home.images ??= path;
    else home.labels ??= path;
    homes.set(homeOf(path), home);
  }
  return [...homes.values()].flatMap(({ images, labels }) =>
    images !== undefined && (labels !== undefined || !labelled)
      ? [{ imagesPath: images, labelsPath: labels }]
      : [],
  );
}
