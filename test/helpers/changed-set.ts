/** The first bundled images, changed one by one, as IDX files. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { ExecutionContext } from "ava";
import { openDataset } from "#src/index.js";
import { temporaryFolder } from "./temporary.js";

const SIDE = 28;
const PIXELS = SIDE * SIDE;

/** Writes an image of 784 bytes, row-major, into another. */
export type Change = (from: Uint8Array, to: Uint8Array) => void;

export const same: Change = (from, to) => to.set(from);
export const inverted: Change = (from, to) => {
  for (const [n, pixel] of from.entries()) to[n] = 255 - pixel;
};
export const transposed: Change = (from, to) => {
  for (const [n, pixel] of from.entries()) to[(n % SIDE) * SIDE + Math.floor(n / SIDE)] = pixel;
};
export const blackOrWhite: Change = (from, to) => {
  for (const [n, pixel] of from.entries()) to[n] = pixel > 127 ? 1 : 0;
};

export interface ChangedSet {
  readonly dataset: string;
  readonly labels: string;
}

/** @param shift is added to each label */
export async function changedSet(
  t: ExecutionContext,
  images: number,
  changes: readonly Change[],
  shift = 0,
): Promise<ChangedSet> {
  const { slabs } = await openDataset({ dataset: "bundled", split: "test" });
  const folder = await temporaryFolder(t);
  const paths = { dataset: join(folder, "images"), labels: join(folder, "labels") };
  const count = [0, 0, images >> 8, images & 255];
  for await (const { pixels, labels } of slabs(
    { offset: 0, limit: images },
    { multiple: images, lanes: 1 },
  )) {
    const changed = Uint8Array.from(pixels);
    for (let at = 0; at < pixels.length; at += PIXELS) {
      for (const change of changes) {
        const image = changed.subarray(at, at + PIXELS);
        change(image.slice(), image);
      }
    }
    const head = [0, 0, 8, 3, ...count, 0, 0, 0, SIDE, 0, 0, 0, SIDE];
    await writeFile(paths.dataset, gzipSync(Buffer.concat([Buffer.from(head), changed])));
    const labelHead = Buffer.from([0, 0, 8, 1, ...count]);
    await writeFile(paths.labels, Buffer.concat([labelHead, labels.map((label) => label + shift)]));
  }
  return paths;
}
