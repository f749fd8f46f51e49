/** A set larger than any memory, on next to no disk: headers, and files that are long without content. */
import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { idxHeader } from "./idx.js";
import { temporaryFolder } from "./temporary.js";

/** Images of 28 × 28 pixels that are all 0, with labels that are all 0. */
export async function sparseSet(
  t: ExecutionContext,
  images: number,
): Promise<{ readonly dataset: string; readonly labels: string }> {
  const folder = await temporaryFolder(t);
  const write = async (name: string, shape: readonly number[]): Promise<string> => {
    const path = join(folder, name);
    const header = idxHeader(0x08, shape);
    await writeFile(path, header);
    await truncate(path, header.length + shape.reduce((product, dimension) => product * dimension));
    return path;
  };
  return {
    dataset: await write("huge-images", [images, 28, 28]),
    labels: await write("huge-labels", [images]),
  };
}
