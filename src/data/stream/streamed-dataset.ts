/** A data set that is read while it is evaluated, of any number of files of any size. */
import { createHash } from "node:crypto";
import type { Dataset, ImageRange, ImageShape } from "#src/base/contracts/dataset.js";
import { DatasetError } from "#src/base/errors.js";
import { createRing, ringSize } from "#src/base/ring.js";
import { allocateSlab, type Slab, type SlabLayout } from "#src/base/slab.js";
import type { OnSized } from "#src/data/labels.js";
import { SLAB_PIXEL_BYTES, slabImages } from "#src/data/view.js";
import { fingerprint } from "./file-hash.js";
import { readIdxHead } from "./idx-head.js";
import { createSetReader, type StreamedPair } from "./set-reader.js";

/** So many pixels keep a thread busy for some milliseconds: what a slab's end costs is small beside it. */
const LANE_PIXEL_BYTES = 4 * 2 ** 20;
/** Heads are read side by side, of so many files at once. */
const HEADS_AT_ONCE = 16;

/** Where an image file and its labels are. */
export interface PairPaths {
  readonly imagesPath: string;
  /** Undefined where the images are to be read alone. */
  readonly labelsPath?: string | undefined;
  /** As `StreamedPair`'s. */
  readonly sha256?: string | undefined;
}

export interface StreamedOptions {
  readonly onSized?: OnSized | undefined;
  /** Pixels, for each lane of work, in a slab of a ring. */
  readonly lanePixelBytes?: number | undefined;
}

export type StreamedFacts = Pick<
  Dataset,
  "name" | "split" | "classNames" | "labelsPath" | "view" | "assumptions"
>;

/**
 * The set of all images of the files, in their order. Heads alone are read here, and what `fingerprint` reads of files
 * whose SHA-256 is not given. Damage that shows only in reading is thrown by the slabs, in the place of the slab in
 * which the damaged file ends.
 *
 * @throws FileError and DatasetError as `readLabelled` does, ERR_DATASET_SHAPE; its slabs also ERR_DATASET_HASH
 */
export async function streamedDataset(
  paths: readonly PairPaths[],
  facts: StreamedFacts,
  { onSized, lanePixelBytes = LANE_PIXEL_BYTES }: StreamedOptions = {},
): Promise<Dataset> {
  const pairs: StreamedPair[] = [];
  for (let at = 0; at < paths.length; at += HEADS_AT_ONCE) {
    pairs.push(...(await Promise.all(paths.slice(at, at + HEADS_AT_ONCE).map(readPair))));
  }
  const shape = commonShape(pairs);
  const inputs = shape.rows * shape.columns;
  const total = pairs.reduce((sum, { count }) => sum + count, 0);
  onSized?.({ shape, total });
  const until = ({ offset, limit }: ImageRange): number => Math.min(offset + limit, total);
  return {
    ...facts,
    shape,
    total,
    sha256: await fingerprintOf(pairs),
    async *slabs(range, multiple): AsyncGenerator<Slab> {
      const reader = createSetReader(pairs, inputs, range.offset);
      try {
        for (const layout of layoutsOf(range.offset, until(range), inputs, slabImages(inputs, multiple))) {
          const slab = allocateSlab(layout);
          await reader.fill(slab);
          yield slab;
        }
      } finally {
        await reader.close();
      }
    },
    ring(range, multiple, lanes) {
      const step = slabImages(inputs, multiple, Math.min(SLAB_PIXEL_BYTES, lanePixelBytes * (lanes + 1)));
      const layouts = [...layoutsOf(range.offset, until(range), inputs, step)];
      return createRing({
        layouts,
        size: ringSize(lanes, step / multiple),
        allocate: () => allocateSlab(layouts[0]).buffer,
        ...createSetReader(pairs, inputs, range.offset),
      });
    },
  };
}

function* layoutsOf(offset: number, end: number, inputs: number, step: number): Generator<SlabLayout> {
  for (let firstImage = offset; firstImage < end; firstImage += step) {
    yield { firstImage, count: Math.min(step, end - firstImage), inputs };
  }
}

async function readPair({ imagesPath, labelsPath, sha256 }: PairPaths): Promise<StreamedPair> {
  // Settled, not raced: which of two faults is told does not depend on which file is read faster.
  const [imagesRead, labelsRead] = await Promise.allSettled([
    readIdxHead(imagesPath, 3),
    labelsPath === undefined ? undefined : readIdxHead(labelsPath, 1),
  ]);
  if (imagesRead.status === "rejected") throw imagesRead.reason;
  if (labelsRead.status === "rejected") throw labelsRead.reason;
  const [count] = imagesRead.value.header.shape;
  const labels = labelsRead.value;
  if (labels !== undefined && labels.header.shape[0] !== count) {
    const [labelCount] = labels.header.shape;
    const found = { imagesPath, images: count, labelsPath: labels.path, labels: labelCount };
    throw new DatasetError("ERR_COUNT_MISMATCH", found);
  }
  return { images: imagesRead.value, labels, count, sha256 };
}

function commonShape([first, ...others]: readonly StreamedPair[]): ImageShape {
  const [, rows, columns] = first.images.header.shape;
  for (const { images } of others) {
    const [, otherRows, otherColumns] = images.header.shape;
    if (otherRows === rows && otherColumns === columns) continue;
    throw new DatasetError("ERR_DATASET_SHAPE", {
      path: images.path,
      expected: { rows, columns },
      as: first.images.path,
      found: { rows: otherRows, columns: otherColumns },
    });
  }
  return { rows, columns };
}

/** A pair's own; of several pairs, of their hexadecimal digests one a line. */
async function fingerprintOf(pairs: readonly StreamedPair[]): Promise<string> {
  const digests: string[] = [];
  for (const { images, labels, sha256 } of pairs) {
    digests.push(sha256 ?? (await fingerprint([images, labels].flatMap((head) => head?.path ?? []))));
  }
  if (digests.length === 1) return digests[0];
  return createHash("sha256")
    .update(digests.map((digest) => `${digest}\n`).join(""))
    .digest("hex");
}
