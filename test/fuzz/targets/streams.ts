/** Readers of sets that are read while they are evaluated: streamed IDX files, plain and gzipped, and manifests of many. */
import { createHash } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import type { Dataset } from "#src/base/contracts/dataset.js";
import { DatasetError } from "#src/base/errors.js";
import { pairsOfManifest } from "#src/data/stream/find-pairs.js";
import { openIdxSet, type PairPaths } from "#src/data/stream/idx-set.js";
import { copiesOf, ONE_BY_ONE } from "../../helpers/all-of.js";
import { idxBytes, imageBytes, labelBytes } from "../../helpers/idx.js";
import { seeded } from "../../helpers/random.js";
import { FACTS } from "../../helpers/shards.js";
import { JSON_TOKENS, JSON_WORDS, type Seed, type Target, textPieces } from "../target.js";
import { gzipped, IDX_WORDS } from "./idx.js";
import { malformed } from "./malformed.js";

const IMAGES = 12;
/** Labels for the images that lie beside a mutant of labels. */
const LABELS = labelBytes(IMAGES);
const PIXELS = imageBytes(IMAGES);
const random = seeded(7);
const noise = () => Math.floor(random() * 256);
/** What cannot be packed: longer on disk than the reader takes at once. */
const NOISE = idxBytes("u8", [70, 32, 32], Uint8Array.from({ length: 70 * 32 * 32 }, noise));
/** A slab has some three images, so that files end within slabs and behind them. */
const SMALL = { lanePixelBytes: 20 };

async function streamed(dataset: Dataset): Promise<{ pixels: Buffer; labels: Buffer }> {
  const pixels: Buffer[] = [];
  const labels: Buffer[] = [];
  for (const slab of await copiesOf(dataset.slabs({ offset: 0, limit: dataset.facts.total }, ONE_BY_ONE))) {
    pixels.push(Buffer.from(slab.pixels));
    labels.push(Buffer.from(slab.labels));
  }
  return { pixels: Buffer.concat(pixels), labels: Buffer.concat(labels) };
}

async function readPairs(pairs: readonly PairPaths[]) {
  const dataset = await openIdxSet(pairs, FACTS, SMALL);
  return { dataset, ...(await streamed(dataset)) };
}

function contentOf(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0x1f ? gunzipSync(bytes) : bytes;
}

/** Holds what was read against the whole content. A mutant of rank 1 is the labels of twelve images. */
async function readStreamed(bytes: Uint8Array, path: string): Promise<string | undefined> {
  try {
    const { dataset, pixels } = await readPairs([{ imagesPath: path }]);
    const { total, shape } = dataset.facts;
    const written = idxBytes("u8", [total, shape.rows, shape.columns], pixels);
    return written.equals(contentOf(bytes))
      ? undefined
      : `read ${total} images, which are not what the file holds`;
  } catch (error) {
    if (!(error instanceof DatasetError && error.code === "ERR_IDX_RANK")) throw error;
    const imagesPath = `${path}-images`;
    if (!existsSync(imagesPath)) writeFileSync(imagesPath, PIXELS);
    const { labels } = await readPairs([{ imagesPath, labelsPath: path }]);
    return idxBytes("u8", [IMAGES], labels).equals(contentOf(bytes))
      ? undefined
      : "read labels that the file has not";
  }
}

const plain: Target = {
  name: "idx-stream",
  seeds: [
    { name: "images", bytes: PIXELS },
    { name: "labels", bytes: LABELS },
    { name: "one large image", bytes: imageBytes(1, 60, 50) },
    ...malformed(".idx"),
  ],
  words: IDX_WORDS,
  codes: /^ERR_(FILE_READ|FILE_EMPTY|IDX_\w+|GZIP_\w+|COUNT_MISMATCH)$/,
  onDisk: true,
  read: readStreamed,
};

const gzip: Target = {
  ...plain,
  name: "gzip-stream",
  seeds: [
    gzipped("images", PIXELS),
    gzipped("labels", LABELS),
    { name: "two pieces on disk", bytes: gzipSync(NOISE) },
    ...malformed(".idx.gz"),
  ],
  words: [...IDX_WORDS, Buffer.of(0x1f, 0x8b, 8, 0), gzipSync("x")],
};

/**
 * The files that manifests name, beside them. Their names are so long that damage does not write a pair hundreds of times:
 * to read hundreds of files takes its time.
 */
const FILES: Readonly<Record<string, Uint8Array>> = {
  "twelve-images-idx3-ubyte": PIXELS,
  "twelve-labels-idx1-ubyte": LABELS,
  "five-images-idx3-ubyte.gz": gzipSync(imageBytes(5)),
  "five-labels-idx1-ubyte.gz": gzipSync(labelBytes(5)),
  "larger-images": imageBytes(5, 4, 4),
};

function layFiles(folder: string): void {
  for (const [name, bytes] of Object.entries(FILES)) {
    const path = join(folder, name);
    if (!existsSync(path)) writeFileSync(path, bytes);
  }
}

function sha256(...files: readonly Uint8Array[]): string {
  return createHash("sha256").update(Buffer.concat(files)).digest("hex");
}

function manifestSeed(name: string, pairs: readonly object[], space = 0): Seed {
  const text = JSON.stringify(pairs, undefined, space);
  return { name, bytes: Buffer.from(text), inner: textPieces(text, JSON_TOKENS) };
}

const TWELVE = { images: "twelve-images-idx3-ubyte", labels: "twelve-labels-idx1-ubyte" };

const manifest: Target = {
  name: "manifest",
  seeds: [
    manifestSeed("two pairs", [
      TWELVE,
      {
        images: "./five-images-idx3-ubyte.gz",
        labels: "five-labels-idx1-ubyte.gz",
        sha256: sha256(FILES["five-images-idx3-ubyte.gz"]!, FILES["five-labels-idx1-ubyte.gz"]!),
      },
    ]),
    manifestSeed("a pair", [{ ...TWELVE, sha256: sha256(PIXELS, LABELS) }], 2),
    ...malformed(".manifest.json"),
  ],
  words: [
    ...JSON_WORDS,
    '"images":"larger-images",',
    '"labels":"five-labels-idx1-ubyte.gz"',
    '"five-images-idx3-ubyte.gz"',
    '"."',
    '"/dev/zero"',
    '"\\u001b[2J\\n"',
    `"${"a".repeat(5_000)}"`,
    `"sha256":"${"0".repeat(64)}",`,
  ],
  codes:
    /^ERR_(FILE_READ|FILE_EMPTY|JSON_SYNTAX|JSON_SHAPE|DATASET_(LABELS|SHAPE|HASH)|COUNT_MISMATCH|IDX_\w+|GZIP_\w+)$/,
  onDisk: true,
  async read(_, path) {
    layFiles(dirname(path));
    const pairs = await pairsOfManifest(path, true);
    const { dataset, pixels, labels } = await readPairs(pairs);
    const { total, shape } = dataset.facts;
    const isWhole = labels.length === total && pixels.length === total * shape.rows * shape.columns;
    return isWhole && total > 0 ? undefined : `read ${pixels.length} pixels of ${total} images`;
  },
};

export const STREAM_TARGETS: readonly Target[] = [plain, gzip, manifest];
