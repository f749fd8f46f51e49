/** Sets of several IDX files, and the same images in memory. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Dataset } from "#src/base/contracts/dataset.js";
import type { LabelledPaths } from "#src/data/folder.js";
import { memoryDataset } from "#src/data/stream/slab-reader.js";
import { idxBytes } from "./idx.js";
import { seeded } from "./random.js";

export interface Shards {
  readonly pairs: readonly LabelledPaths[];
  /** All images, in the files' order. */
  readonly inMemory: Dataset;
}

export interface ShardsShape {
  /** Images of each file. */
  readonly counts: readonly number[];
  readonly rows?: number;
  readonly columns?: number;
  readonly classes?: number;
  readonly seed?: number;
  /** Whether images and labels of the n-th file are gzipped. */
  isGzipped?(n: number): boolean;
}

export const FACTS = { name: "shards", split: "test", classNames: undefined, labelsPath: "labels" } as const;

/** Images of random bytes and labels as `shard-00-images-idx3-ubyte` and so on. */
export async function writeShards(
  folder: string,
  { counts, rows = 4, columns = 3, classes = 10, seed = 1, isGzipped = (n) => n % 2 === 0 }: ShardsShape,
): Promise<Shards> {
  const random = seeded(seed);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const inputs = rows * columns;
  const pixels = Uint8Array.from({ length: total * inputs }, () => Math.floor(random() * 256));
  const labels = Uint8Array.from({ length: total }, () => Math.floor(random() * classes));
  const pairs: LabelledPaths[] = [];
  let first = 0;
  for (const [n, count] of counts.entries()) {
    const stem = join(folder, `shard-${String(n).padStart(2, "0")}`);
    const ending = isGzipped(n) ? ".gz" : "";
    const pack = isGzipped(n) ? (bytes: Buffer) => gzipSync(bytes) : (bytes: Buffer) => bytes;
    const imagesPath = `${stem}-images-idx3-ubyte${ending}`;
    const labelsPath = `${stem}-labels-idx1-ubyte${ending}`;
    const own = pixels.subarray(first * inputs, (first + count) * inputs);
    await writeFile(imagesPath, pack(idxBytes("u8", [count, rows, columns], own)));
    await writeFile(labelsPath, pack(idxBytes("u8", [count], labels.subarray(first, first + count))));
    pairs.push({ imagesPath, labelsPath });
    first += count;
  }
  const facts = { ...FACTS, shape: { rows, columns, channels: 1 }, total };
  const inMemory = memoryDataset({ facts, sha256: "", pixels, labels });
  return { pairs, inMemory };
}
