/** One run over a set many times larger than memory: two files on disk, listed again and again. */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { IncompleteError } from "#src/base/abort.js";
import type { ResultCounts } from "#src/base/contracts/result.js";
import { atLeast } from "#src/base/errors.js";
import { FIXTURES } from "#src/base/package.js";
import { evaluate } from "#src/evaluate/evaluate.js";
import { readOriginals, writeShards } from "../../benchmarks/shifted-shards.js";
import type { Part } from "./part.js";

const FILE_IMAGES = 100_000;
/** One file in this many is gzipped: inflating takes longer than evaluating. */
const GZIPPED_EVERY = 20;
const INPUT = { engine: "simd", threads: 2, warm: true } as const;

export const manyImages: Part = {
  name: "one run",
  unit: "images",
  amount: 50_000_000,
  share: 3,
  async run({ amount, folder, signal, isSabotaged, began, done }) {
    const fileImages = Math.min(FILE_IMAGES, Math.ceil(amount / GZIPPED_EVERY));
    const files = Math.ceil(amount / fileImages);
    const [plain, gzipped] = [
      await writePair(folder, fileImages, false),
      await writePair(folder, fileImages, true),
    ];
    const once = await evaluate({ ...INPUT, dataset: await writeManifest(folder, "once", [plain]) });
    const pairs = Array.from({ length: files }, (_, n) => (n % GZIPPED_EVERY === 0 ? gzipped : plain));
    const dataset = await writeManifest(folder, "many", pairs);
    const hoard: Buffer[] = [];
    began();
    const whole = await evaluate(
      { ...INPUT, dataset },
      {
        signal,
        onProgress: ({ doneImages }) => done(doneImages),
        ...(isSabotaged && {
          onSlab: ({ pixels }) => void hoard.push(Buffer.from(pixels)),
        }),
      },
    ).catch((error: unknown) => {
      if (error instanceof IncompleteError && signal.aborted) return undefined;
      throw error;
    });
    return whole === undefined ? [] : miscounts(whole.result, once.result, files);
  },
};

interface Pair {
  readonly images: string;
  readonly labels: string;
}

async function writePair(folder: string, images: number, gzipped: boolean): Promise<Pair> {
  const own = join(folder, gzipped ? "gzipped" : "plain");
  await mkdir(own);
  const [imagesPath, labelsPath] = atLeast(
    ["images-idx3", "labels-idx1"].map((part) => fileURLToPath(new URL(`digits-${part}-ubyte.gz`, FIXTURES))),
    2,
  );
  await writeShards(await readOriginals(imagesPath, labelsPath), { folder: own, images, shards: 1, gzipped });
  const stem = join(own, "shard-0000");
  const ending = gzipped ? "-ubyte.gz" : "-ubyte";
  return { images: `${stem}-images-idx3${ending}`, labels: `${stem}-labels-idx1${ending}` };
}

async function writeManifest(folder: string, name: string, pairs: readonly Pair[]): Promise<string> {
  const path = join(folder, `${name}.json`);
  await writeFile(path, JSON.stringify(pairs));
  return path;
}

/** The same images so many times over have each count so many times. */
function miscounts(found: ResultCounts, once: ResultCounts, times: number): string[] {
  const expected = once.confusionMatrix.map((row) => row.map((count) => count * times));
  if (JSON.stringify(found.confusionMatrix) === JSON.stringify(expected)) return [];
  return [
    `${found.correct} of ${found.total} right, ${once.correct * times} of ${once.total * times} expected`,
  ];
}
