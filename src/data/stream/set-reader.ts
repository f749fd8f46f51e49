/** Reads the images and labels of a list of files in order, from any image on. */
import { DatasetError } from "#src/base/errors.js";
import type { Slab } from "#src/base/slab.js";
import { withFile } from "#src/files/read-file.js";
import { openElements } from "./elements.js";
import { FileHash } from "./file-hash.js";
import type { Elements, IdxHead } from "./idx-head.js";

/** An image file and its labels, whose heads were read and fit. */
export interface StreamedPair {
  readonly images: IdxHead;
  /** Undefined where the images are read alone. */
  readonly labels: IdxHead | undefined;
  /** Images in the file. */
  readonly count: number;
  /** Of the image file's bytes followed by the label file's, where somebody has told it. */
  readonly sha256: string | undefined;
}

export interface SetReader {
  /** Fills the slab with the next images, as many as it has room for. Files that end in it are verified. */
  fill(slab: Pick<Slab, "pixels" | "labels" | "count">): Promise<void>;
  close(): Promise<void>;
}

/** A file that is being read. */
interface OpenPair {
  readonly images: Elements;
  readonly labels: Elements | undefined;
  /** Undefined where there is nothing to hold it against, or it will not see all bytes. */
  readonly hash: FileHash | undefined;
}

/** @param offset index, within the set, of the first image */
export function createSetReader(pairs: readonly StreamedPair[], inputs: number, offset: number): SetReader {
  let index = 0;
  /** Image within the file. */
  let place = offset;
  while (index < pairs.length && place >= pairs[index].count) place -= pairs[index++].count;
  let current: OpenPair | undefined;

  async function open(pair: StreamedPair): Promise<OpenPair> {
    const sees = pair.sha256 !== undefined && pair.labels !== undefined;
    const hash = sees && (place === 0 || pair.images.deflateAt !== undefined) ? new FileHash() : undefined;
    const images = await openElements(pair.images, place * inputs, hash);
    try {
      return { images, labels: pair.labels && (await openElements(pair.labels, place)), hash };
    } catch (error) {
      await images.close();
      throw error;
    }
  }

  async function finish({ images, labels, hash }: OpenPair, pair: StreamedPair): Promise<void> {
    await images.finish();
    await labels?.finish();
    if (hash === undefined || pair.labels === undefined) return;
    await withFile(pair.labels.path, (handle, sizeBytes) => hash.finishFile(handle, sizeBytes));
    const found = hash.digest();
    if (found === pair.sha256) return;
    const facts = {
      path: pair.images.path,
      labelsPath: pair.labels.path,
      expected: pair.sha256 ?? "",
      found,
    };
    throw new DatasetError("ERR_DATASET_HASH", facts);
  }

  async function close(): Promise<void> {
    const { images, labels } = current ?? {};
    current = undefined;
    await images?.close();
    await labels?.close();
  }

  return {
    async fill({ pixels, labels, count }) {
      for (let done = 0; done < count; ) {
        const pair = pairs[index];
        current ??= await open(pair);
        const images = Math.min(count - done, pair.count - place);
        await current.images.read(pixels.subarray(done * inputs, (done + images) * inputs));
        await current.labels?.read(labels.subarray(done, done + images));
        done += images;
        place += images;
        if (place < pair.count) continue;
        await finish(current, pair);
        await close();
        index++;
        place = 0;
      }
    },
    close,
  };
}
