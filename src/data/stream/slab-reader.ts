/** Reads a data set's images and labels into slabs: a fixed number of them, each filled again once it is released. */

import {
  type Dataset,
  type DatasetFacts,
  type ImageRange,
  imageBytes,
  type SlabPlan,
} from "#src/base/contracts/dataset.js";
import {
  allocateSlab,
  NOT_PREDICTED,
  type Slab,
  type SlabLayout,
  type SlabStream,
  viewSlab,
} from "#src/base/slab.js";
import { elementsOf } from "./elements.js";
import type { OpenPart, Part } from "./parts.js";

/** Slabs that are filled, or being filled, while others are at work. */
const SLABS_AHEAD = 2;
/** Most images of a slab, unless a batch has more. */
const SLAB_IMAGES = 32_768;
/** Most pixels of a slab, unless a batch has more. */
const SLAB_PIXEL_BYTES = 64 * 2 ** 20;
/** Pixels per lane of work in a slab: some milliseconds of computing. All slabs of a stream stay in the last-level cache. */
const LANE_PIXEL_BYTES = 2 ** 20;

/** What `datasetOf` makes a data set of. */
export interface DatasetSource {
  readonly facts: DatasetFacts;
  /** In order; together they have `facts.total` images. */
  readonly parts: readonly Part[];
  /** Called once at most. */
  sha256(): Promise<string>;
  /** Names of groups, as of `Dataset`. */
  readonly groups?: Dataset["groups"];
  /** Pixels per lane of work in a slab. For tests. */
  readonly lanePixelBytes?: number | undefined;
}

/** A data set of parts that are read in order. A fault of the images is thrown in the place of their slab. */
export function datasetOf({ facts, parts, sha256, groups, lanePixelBytes }: DatasetSource): Dataset {
  const { shape, total } = facts;
  const inputs = imageBytes(shape);
  let digest: Promise<string> | undefined;
  return {
    facts,
    groups,
    sha256() {
      digest ??= sha256();
      return digest;
    },
    slabs(range, plan) {
      const layouts = layoutsOf(range, total, inputs, slabImages(inputs, plan, lanePixelBytes));
      const { fill, close } = createPartsReader(parts, inputs, range.offset);
      return readAhead({ layouts, size: slabsInMemory(plan, layouts[0]?.count ?? 0), fill, close });
    },
  };
}

export interface MemoryImages {
  readonly facts: DatasetFacts;
  readonly sha256: string;
  /** (total × rows × columns × channels) u8, row-major. */
  readonly pixels: Uint8Array;
  /** (total) u8; undefined where the images have none. */
  readonly labels: Uint8Array | undefined;
  /** Pixels per lane of work in a slab. For tests. */
  readonly lanePixelBytes?: number | undefined;
}

/** A data set whose images are in memory. */
export function memoryDataset({ facts, sha256, pixels, labels, ...options }: MemoryImages): Dataset {
  const inputs = imageBytes(facts.shape);
  const part: Part = {
    count: facts.total,
    open: async (first) => ({
      images: elementsOf(pixels, first * inputs),
      labels: labels && elementsOf(labels, first),
      async finish() {},
    }),
  };
  return datasetOf({ facts, parts: [part], sha256: async () => sha256, ...options });
}

/** All images of the range, at least one, in one slab. @throws UsageError ERR_MEMORY, and what the set's slabs throw */
export async function collectSlab(dataset: Pick<Dataset, "slabs">, range: ImageRange): Promise<Slab> {
  for await (const slab of dataset.slabs(range, { multiple: range.limit, lanes: 1 })) return slab;
  throw new RangeError("a range without images");
}

/** The largest multiple of `multiple` images within all limits; `multiple` itself where it is beyond them. */
export function slabImages(
  inputs: number,
  { multiple, lanes }: SlabPlan,
  lanePixelBytes = LANE_PIXEL_BYTES,
): number {
  const pixelBytes = Math.min(SLAB_PIXEL_BYTES, lanePixelBytes * (lanes + 1));
  const most = Math.min(SLAB_IMAGES, Math.floor(pixelBytes / inputs));
  return Math.max(1, Math.floor(most / multiple)) * multiple;
}

/** Enough for a batch per lane, plus one slab whose last batches are under way, plus the slabs ahead. */
export function slabsInMemory({ lanes, multiple }: SlabPlan, slabImages: number): number {
  const batches = Math.max(1, Math.floor(slabImages / multiple));
  return Math.ceil(lanes / batches) + 1 + SLABS_AHEAD;
}

function layoutsOf({ offset, limit }: ImageRange, total: number, inputs: number, step: number): SlabLayout[] {
  const end = Math.min(offset + limit, total);
  const layouts: SlabLayout[] = [];
  for (let firstImage = offset; firstImage < end; firstImage += step) {
    layouts.push({ firstImage, count: Math.min(step, end - firstImage), inputs });
  }
  return layouts;
}

interface PartsReader {
  /** Fills the slab with the next images. Parts that end in it are verified. */
  fill(slab: Pick<Slab, "pixels" | "labels" | "count">): Promise<void>;
  close(): Promise<void>;
}

/** @param offset index, within the set, of the first image */
function createPartsReader(parts: readonly Part[], inputs: number, offset: number): PartsReader {
  const left = parts.values();
  /** Image within the part. */
  let place = offset;
  let part = left.next().value;
  while (part !== undefined && place >= part.count) {
    place -= part.count;
    part = left.next().value;
  }
  let current: OpenPart | undefined;

  async function close(): Promise<void> {
    const { images, labels } = current ?? {};
    current = undefined;
    await images?.close();
    await labels?.close();
  }

  return {
    async fill({ pixels, labels, count }) {
      for (let done = 0; done < count && part !== undefined; ) {
        current ??= await part.open(place);
        const images = Math.min(count - done, part.count - place);
        // Settled, not raced: of two faults the images' is thrown.
        const reads = await Promise.allSettled([
          current.images.read(pixels.subarray(done * inputs, (done + images) * inputs)),
          current.labels?.read(labels.subarray(done, done + images)),
        ]);
        // A file that changes may look damaged. No slab has bytes that were written after the file was opened.
        current.images.check?.();
        current.labels?.check?.();
        for (const read of reads) if (read.status === "rejected") throw read.reason;
        done += images;
        place += images;
        if (place < part.count) continue;
        await current.finish();
        await close();
        part = left.next().value;
        place = 0;
      }
    },
    close,
  };
}

export interface ReadAheadOptions {
  /** The slabs to come; none is longer than the first. */
  readonly layouts: readonly SlabLayout[];
  /** Most slabs in memory; at least 1. */
  readonly size: number;
  /** Called for each slab, in order. Its error is thrown in the place of the slab. */
  fill(slab: Slab): Promise<void>;
  close(): Promise<void>;
}

/** A stream of slabs that are filled from the call on. The filling pauses while all memory is in use. */
export function readAhead({ layouts, size, fill, close }: ReadAheadOptions): SlabStream {
  const free: SharedArrayBuffer[] = [];
  const filled: Slab[] = [];
  let allocated = 0;
  let isStopped = false;
  let isEnded = false;
  let fault: { readonly error: unknown } | undefined;
  let wakeFiller = () => {};
  let wakeTaker = () => {};

  async function memory(largest: SlabLayout): Promise<SharedArrayBuffer | undefined> {
    while (!isStopped) {
      const buffer = free.pop();
      if (buffer !== undefined) return buffer;
      if (allocated < size) {
        allocated++;
        return allocateSlab(largest).buffer;
      }
      await new Promise<void>((resolve) => {
        wakeFiller = resolve;
      });
    }
    return undefined;
  }

  async function fillAll(): Promise<void> {
    try {
      const [largest] = layouts;
      for (const layout of layouts) {
        const buffer = await memory(largest ?? layout);
        if (buffer === undefined) break;
        const slab = viewSlab(buffer, layout);
        slab.predictions.fill(NOT_PREDICTED);
        await fill(slab);
        filled.push(slab);
        wakeTaker();
      }
    } catch (error) {
      fault = { error };
    }
    await close().catch((error: unknown) => {
      fault ??= { error };
    });
    isEnded = true;
    wakeTaker();
  }

  function stop(): void {
    isStopped = true;
    wakeFiller();
  }

  const filling = fillAll();

  return {
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          const slab = filled.shift();
          if (slab !== undefined) yield slab;
          else if (fault !== undefined) throw fault.error;
          else if (isEnded) return;
          else {
            await new Promise<void>((resolve) => {
              wakeTaker = resolve;
            });
          }
        }
      } finally {
        stop();
        await filling;
      }
    },
    release({ buffer }) {
      free.push(buffer);
      wakeFiller();
    },
    stop,
  };
}
