/** Makes sets of any size of the bundled images: repeated, each round's shifted by other steps, in several files. */

import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createGzip } from "node:zlib";
import { atLeast } from "#src/base/errors.js";
import { readIdx } from "../src/data/idx.js";

export interface ShardsRequest {
  readonly folder: string;
  readonly images: number;
  readonly shards: number;
  readonly gzipped: boolean;
}

export interface Originals {
  /** (images × rows × columns) u8. */
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
  readonly rows: number;
  readonly columns: number;
}

const U8 = 0x08;
/** Pixels up, down, left and right at most: digits remain within their margins. */
const MOST_STEPS = 2;
const SIDE_STEPS = 2 * MOST_STEPS + 1;

export async function readOriginals(imagesPath: string, labelsPath: string): Promise<Originals> {
  const images = await readIdx(imagesPath, { dtype: "u8", rank: 3 });
  const { data: labels } = await readIdx(labelsPath, { dtype: "u8", rank: 1 });
  const [, rows, columns] = atLeast(images.shape, 3);
  return { pixels: images.data, labels, rows, columns };
}

/** Writes `shard-0000-images-idx3-ubyte` and so on into the folder; image n of the set is the same for any number of files. */
export async function writeShards(originals: Originals, request: ShardsRequest): Promise<void> {
  const { folder, images, shards, gzipped } = request;
  const { rows, columns } = originals;
  const perShard = Math.ceil(images / shards);
  const ending = gzipped ? ".gz" : "";
  for (let shard = 0; shard < shards; shard++) {
    const first = shard * perShard;
    const count = Math.min(perShard, images - first);
    const stem = join(folder, `shard-${String(shard).padStart(4, "0")}`);
    const pixels = pixelsOf(originals, first, count);
    const labels = labelsOf(originals, first, count);
    await writeIdx(`${stem}-images-idx3-ubyte${ending}`, [count, rows, columns], pixels, gzipped);
    await writeIdx(`${stem}-labels-idx1-ubyte${ending}`, [count], labels, gzipped);
  }
}

/** Round k of the originals is shifted by k mod 5 − 2 rows, and by ⌊k ÷ 5⌋ mod 5 − 2 columns. */
function* pixelsOf(originals: Originals, first: number, count: number): Generator<Uint8Array> {
  const { pixels, rows, columns, labels } = originals;
  const inputs = rows * columns;
  for (let n = first; n < first + count; ) {
    const round = Math.floor(n / labels.length);
    const down = ((round + MOST_STEPS) % SIDE_STEPS) - MOST_STEPS;
    const right = ((Math.floor(round / SIDE_STEPS) + MOST_STEPS) % SIDE_STEPS) - MOST_STEPS;
    const start = n % labels.length;
    const images = Math.min(labels.length - start, first + count - n);
    yield shifted(pixels.subarray(start * inputs, (start + images) * inputs), rows, columns, down, right);
    n += images;
  }
}

function* labelsOf({ labels }: Originals, first: number, count: number): Generator<Uint8Array> {
  for (let n = first; n < first + count; ) {
    const start = n % labels.length;
    const images = Math.min(labels.length - start, first + count - n);
    yield labels.subarray(start, start + images);
    n += images;
  }
}

function shifted(pixels: Uint8Array, rows: number, columns: number, down: number, right: number): Uint8Array {
  const out = new Uint8Array(pixels.length);
  const kept = columns - Math.abs(right);
  for (let image = 0; image < pixels.length; image += rows * columns) {
    for (let row = Math.max(0, down); row < rows + Math.min(0, down); row++) {
      const from = image + (row - down) * columns + Math.max(0, -right);
      out.set(pixels.subarray(from, from + kept), image + row * columns + Math.max(0, right));
    }
  }
  return out;
}

async function writeIdx(
  path: string,
  shape: readonly number[],
  content: Iterable<Uint8Array>,
  gzipped: boolean,
): Promise<void> {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set([0, 0, U8, shape.length]);
  for (const [n, dimension] of shape.entries()) header.writeUInt32BE(dimension, 4 + 4 * n);
  function* all() {
    yield header;
    yield* content;
  }
  const source = Readable.from(all(), { objectMode: false });
  const file = createWriteStream(path);
  if (gzipped) await pipeline(source, createGzip({ level: constants.Z_BEST_SPEED }), file);
  else await pipeline(source, file);
}
