/** Folders of pictures by class, for tests. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pngOfSamples } from "./png.js";
import { type Teardown, temporaryFolder } from "./temporary.js";

export const SIDE = 4;

/** A grey PNG of 4 × 4 whose pixels count up from `first`. */
export function greyPng(first: number, side = SIDE): Buffer {
  return pngOfSamples({ width: side, height: side }, 1, shadesFrom(first, side * side));
}

/** A PNG of 4 × 4 in colours that count up from `first`. */
export function colourPng(first: number): Buffer {
  return pngOfSamples({ width: SIDE, height: SIDE, colourType: 2 }, 3, shadesFrom(first, SIDE * SIDE * 3));
}

export function shadesFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, n) => (first + n) % 256);
}

/** Files by their paths in a new folder. */
export async function folderOf(
  t: Teardown,
  files: Readonly<Record<string, Uint8Array | string>>,
): Promise<string> {
  const folder = join(await temporaryFolder(t), "digits");
  for (const [path, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
  return folder;
}
