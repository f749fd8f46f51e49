/** Data sets in IDX files: any number of pairs of images and labels, of any size. */

import { createHash } from "node:crypto";
import {
  type Dataset,
  type DatasetFacts,
  type DatasetReading,
  type ImageShape,
  imageBytes,
} from "#src/base/contracts/dataset.js";
import { DatasetError } from "#src/base/errors.js";
import { type IdxHead, readIdxHead } from "#src/data/idx-header.js";
import { addKnownFile, FileHash, hashOfFiles, isLongerThanSamples } from "./file-hash.js";
import { openIdxElements } from "./idx-elements.js";
import type { OpenPart, Part } from "./parts.js";
import { datasetOf } from "./slab-reader.js";

/** Files whose heads are read side by side. */
const HEADS_AT_ONCE = 16;
/** Image files up to this length are hashed whole: SHA-256 of as much takes some 10 ms. */
const WHOLE_BYTES = 16 * 2 ** 20;

/** Where an image file and its labels are. */
export interface PairPaths {
  readonly imagesPath: string;
  /** Undefined where the images are read alone. */
  readonly labelsPath?: string | undefined;
  /** SHA-256, hex, of the image file's bytes followed by the label file's, where a manifest states it. */
  readonly sha256?: string | undefined;
}

/** An image file and its labels, whose heads were read and agree. */
interface Pair {
  readonly images: IdxHead;
  /** Undefined where the images are read alone. */
  readonly labels: IdxHead | undefined;
  /** Number of images. */
  readonly count: number;
  readonly shape: ImageShape;
  readonly sha256: string | undefined;
}

/** Facts that the files do not state. */
export type GivenFacts = Omit<DatasetFacts, "shape" | "total">;

/** Opens one file that has both images and labels. Throws as its reader documents. */
export type OpenArchive = (
  path: string,
  given: Omit<GivenFacts, "labelsPath">,
  labelled: boolean,
  reading?: DatasetReading,
  labelsPath?: string,
) => Promise<Dataset>;

export interface IdxSetOptions {
  /** Pixels per lane of work in a slab. For tests. */
  readonly lanePixelBytes?: number | undefined;
  /** Whether the pairs are listed, by a pattern or a manifest. Files of a listed pair are never hashed whole for length. */
  readonly isListed?: boolean | undefined;
  /** Whether every byte of every file is hashed. Default false. */
  readonly verify?: boolean | undefined;
}

/**
 * The set of all images of the files, in their order; at least one pair. Only heads are read here. Damage that shows only in
 * reading is thrown by the slabs, in the place of the slab in which the damaged file ends.
 *
 * @throws FileError, DatasetError as `readIdx`, of two faults the images'; ERR_COUNT_MISMATCH, ERR_DATASET_SHAPE. The slabs
 *   also throw ERR_DATASET_HASH.
 */
export async function openIdxSet(
  paths: readonly PairPaths[],
  given: GivenFacts,
  { lanePixelBytes, isListed = paths.length > 1, verify = false }: IdxSetOptions = {},
): Promise<Dataset> {
  const pairs: Pair[] = [];
  // A manifest may list a pair many times.
  const read = new Map<string, Promise<Pair>>();
  const readOnce = (pair: PairPaths): Promise<Pair> => {
    const key = JSON.stringify([pair.imagesPath, pair.labelsPath, pair.sha256]);
    const reading = read.get(key) ?? readPair(pair);
    read.set(key, reading);
    return reading;
  };
  for (let at = 0; at < paths.length; at += HEADS_AT_ONCE) {
    pairs.push(...(await Promise.all(paths.slice(at, at + HEADS_AT_ONCE).map(readOnce))));
  }
  const shape = commonShape(pairs);
  const hash = { isListed, verify };
  return datasetOf({
    facts: {
      ...given,
      shape,
      total: pairs.reduce((sum, { count }) => sum + count, 0),
      ...(pairs.some((pair) => isSampled(pair, hash)) && { isSampled: true }),
      isDeflated: pairs.some(({ images }) => images.deflateAt !== undefined),
    },
    parts: pairs.map((pair) => partOf(pair, imageBytes(shape))),
    sha256: () => digestOf(pairs, hash),
    lanePixelBytes,
  });
}

async function readPair({ imagesPath, labelsPath, sha256 }: PairPaths): Promise<Pair> {
  // Settled, not raced: which of two faults is reported does not depend on which file is read faster.
  const [imagesRead, labelsRead] = await Promise.allSettled([
    readIdxHead(imagesPath, { dtype: "u8", rank: 3 }),
    labelsPath === undefined ? undefined : readIdxHead(labelsPath, { dtype: "u8", rank: 1 }),
  ]);
  if (imagesRead.status === "rejected") throw imagesRead.reason;
  if (labelsRead.status === "rejected") throw labelsRead.reason;
  const [count = 0, rows = 0, columns = 0] = imagesRead.value.header.shape;
  const labels = labelsRead.value;
  const labelCount = labels?.header.shape[0] ?? count;
  if (labels !== undefined && labelCount !== count) {
    const found = { imagesPath, images: count, labelsPath: labels.path, labels: labelCount };
    throw new DatasetError("ERR_COUNT_MISMATCH", found);
  }
  return { images: imagesRead.value, labels, count, shape: { rows, columns, channels: 1 }, sha256 };
}

function commonShape(pairs: readonly Pair[]): ImageShape {
  const [first] = pairs;
  if (first === undefined) throw new RangeError("a set of no files");
  const { rows, columns } = first.shape;
  const other = pairs.find(({ shape }) => shape.rows !== rows || shape.columns !== columns);
  if (other === undefined) return first.shape;
  throw new DatasetError("ERR_DATASET_SHAPE", {
    path: other.images.path,
    expected: first.shape,
    as: first.images.path,
    found: other.shape,
  });
}

function partOf({ images, labels, count, sha256 }: Pair, inputs: number): Part {
  return {
    count,
    async open(first): Promise<OpenPart> {
      // A hash needs all bytes of the file: a plain file is read from the first image asked for.
      const seesAll = first === 0 || images.deflateAt !== undefined;
      const hash = sha256 !== undefined && labels !== undefined && seesAll ? new FileHash() : undefined;
      const pixels = await openIdxElements(images, first * inputs, hash);
      let ofLabels: OpenPart["labels"];
      try {
        ofLabels = labels && (await openIdxElements(labels, first));
      } catch (error) {
        await pixels.close();
        throw error;
      }
      return {
        images: pixels,
        labels: ofLabels,
        async finish() {
          await pixels.finish();
          await ofLabels?.finish();
          if (hash === undefined || labels === undefined || sha256 === undefined) return;
          await addKnownFile(hash, labels);
          const found = hash.digest();
          if (found === sha256) return;
          const facts = { path: images.path, labelsPath: labels.path, expected: sha256, found };
          throw new DatasetError("ERR_DATASET_HASH", facts);
        },
      };
    },
  };
}

/** A pair's own digest; of several pairs, the digest of their hexadecimal digests, one per line. */
async function digestOf(pairs: readonly Pair[], hash: HashOptions): Promise<string> {
  const digests: string[] = [];
  const known = new Map<Pair, string>();
  for (const pair of pairs) {
    const files = [pair.images, pair.labels].flatMap((head) => head ?? []);
    const digest = pair.sha256 ?? known.get(pair) ?? (await hashOfFiles(files, isSampled(pair, hash)));
    known.set(pair, digest);
    digests.push(digest);
  }
  const [first] = digests;
  if (digests.length === 1 && first !== undefined) return first;
  return createHash("sha256")
    .update(digests.map((digest) => `${digest}\n`).join(""))
    .digest("hex");
}

interface HashOptions {
  readonly isListed: boolean;
  readonly verify: boolean;
}

/** Whether the pair's digest has a sample of a file. */
function isSampled({ images, labels, sha256 }: Pair, { isListed, verify }: HashOptions): boolean {
  if (verify || sha256 !== undefined || !(isListed || images.sizeBytes > WHOLE_BYTES)) return false;
  return [images, labels].some((head) => head !== undefined && isLongerThanSamples(head.sizeBytes));
}
