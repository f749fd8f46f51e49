/** Sets in Parquet files, as Hugging Face's `datasets` writes them: pictures in a column `image`, or lists of pixels, and labels. */

import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { type Dataset, imageBytes } from "#src/base/contracts/dataset.js";
import { DatasetError } from "#src/base/errors.js";
import { listed } from "#src/base/text.js";
import { assertUnchanged, openRegularFile, openRegularFileNow, readFault } from "#src/files/read-file.js";
import { fault, type ParquetRow, readParquetFile } from "./parquet-file.js";
import { type Layout, labelOf, layoutOf, type ParquetOptions, type Shard } from "./parquet-rows.js";
import { hashOfFiles, isLongerThanSamples } from "./stream/file-hash.js";
import type { GivenFacts } from "./stream/idx-set.js";
import { type OpenPart, type Part, partOfRecords } from "./stream/parts.js";
import { datasetOf } from "./stream/slab-reader.js";

const ENDING = /\.parquet$/i;
/** How names of a split's files begin, for `datasets`: `test-00000-of-00001.parquet`. */
const SPLIT_NAMES: Readonly<Record<string, RegExp>> = {
  test: /^test(ing)?\b/i,
  train: /^train(ing)?\b/i,
  val: /^val(id|idation)?\b/i,
};
/** The end of a name that counts the files of a split: `-00000-of-00003.parquet`. */
const COUNTED = /-(\d{5})-of-(\d{5})\.parquet$/i;
/** Files of less are hashed whole. */
const WHOLE_BYTES = 16 * 2 ** 20;

/** The split's files of a folder, or of `data` within it, in the order of their names. @throws DatasetError ERR_DATASET_SPLIT */
export async function parquetIn(folder: string, split: string): Promise<readonly string[]> {
  for (const home of [folder, join(folder, "data")]) {
    const names = (await readdir(home).catch(() => [])).filter((name) => ENDING.test(name)).sort();
    if (names.length === 0) continue;
    const splits = Object.entries(SPLIT_NAMES).filter(([, pattern]) =>
      names.some((name) => pattern.test(name)),
    );
    const chosen = splits.length === 0 ? names : names.filter((name) => SPLIT_NAMES[split]?.test(name));
    if (chosen.length > 0) return chosen.map((name) => join(home, name));
    throw new DatasetError("ERR_DATASET_SPLIT", {
      dataset: folder,
      expected: splits.map(([name]) => name),
      found: split,
    });
  }
  return [];
}

/** @throws DatasetError ERR_DATASET_FORMAT, ERR_DATASET_SHAPE; PictureError; FileError. The slabs also ERR_LABEL_RANGE, ERR_DATASET_CHANGED */
export async function openParquetSet(
  paths: readonly string[],
  given: Omit<GivenFacts, "labelsPath">,
  labelled: boolean,
  options: ParquetOptions = {},
): Promise<Dataset> {
  assertWhole(paths, given.name);
  const shards: Shard[] = [];
  for (const path of paths) shards.push(await shardAt(path, options.labelColumn));
  const [first] = shards;
  const total = shards.reduce((sum, shard) => sum + shard.total, 0);
  if (first === undefined || total === 0)
    throw fault(paths[0] ?? given.name, "rows", "none", "name another file");
  const bare = labelled ? shards.find(({ label }) => label === undefined) : undefined;
  if (bare !== undefined) {
    throw fault(bare.path, "a column label", listed(bare.columns), "set --label-column NAME, or --no-labels");
  }
  const layout = await layoutOf(shards.find((shard) => shard.total > 0) ?? first, given.name, options);
  const classNames = given.classNames ?? (labelled ? first.classNames : undefined);
  const sizeBytes = shards.reduce((sum, shard) => sum + shard.sizeBytes, 0);
  const isSampled =
    !options.verify &&
    sizeBytes > WHOLE_BYTES &&
    shards.some((shard) => isLongerThanSamples(shard.sizeBytes));
  return datasetOf({
    facts: {
      ...given,
      classNames,
      labelsPath: labelled ? first.path : undefined,
      shape: layout.shape,
      total,
      isDeflated: true,
      isFraction: layout.isFraction ?? false,
      ...(isSampled && { isSampled }),
      assumptions: [...(given.assumptions ?? []), ...layout.assumptions],
    },
    parts: shards.flatMap((shard) => (shard.total > 0 ? partOf(shard, layout, labelled, classNames) : [])),
    sha256: () =>
      hashOfFiles(
        shards.map(({ path, stamp }) => ({ path, stamp, bytes: undefined })),
        isSampled,
      ),
  });
}

/** Files that count themselves are all there. One that is named by itself is a choice. @throws DatasetError ERR_DATASET_FORMAT */
function assertWhole(paths: readonly string[], name: string): void {
  const stems = new Map<
    string,
    { readonly path: string; readonly count: number; readonly there: Set<number> }
  >();
  for (const path of paths) {
    const [end, number, count] = COUNTED.exec(path) ?? [];
    if (end === undefined || basename(path) === name) continue;
    const stem = path.slice(0, -end.length);
    const { there } = stems.get(stem) ?? { there: new Set<number>() };
    stems.set(stem, { path, count: Number(count), there: there.add(Number(number)) });
  }
  for (const { path, count, there } of stems.values()) {
    const missing = Array.from({ length: count }, (_, n) => n).find((n) => !there.has(n));
    if (missing === undefined) continue;
    const found = `${there.size} of them, without ${`${missing}`.padStart(5, "0")}`;
    throw fault(path, `${count} files by its name`, found, "fetch the others too, or name one file");
  }
}

async function shardAt(path: string, labelColumn: string | undefined): Promise<Shard> {
  const file = await openRegularFile(path);
  try {
    const { stamp, sizeBytes } = file;
    return { ...(await readParquetFile(path, file, labelColumn)), stamp, sizeBytes };
  } catch (error) {
    throw readFault(path, error);
  } finally {
    await file.close();
  }
}

function partOf(
  shard: Shard,
  layout: Layout,
  labelled: boolean,
  classNames: readonly string[] | undefined,
): Part {
  const { path, stamp, starts, total } = shard;
  const { place } = layout;
  const inputs = imageBytes(layout.shape);
  return {
    count: total,
    async open(first): Promise<OpenPart> {
      const file = openRegularFileNow(path, stamp);
      let index = first;
      let group = starts.findLastIndex((start) => start <= first);
      let rows: readonly ParquetRow[] = [];
      /** Index of the first of `rows`. */
      let start = -1;

      async function rowAt(row: number): Promise<ParquetRow> {
        while (start < 0 || row >= start + rows.length) {
          if (start >= 0) group++;
          // Only one group is held.
          rows = [];
          rows = await layout.rows(shard, file, group, labelled);
          start = starts[group]!;
        }
        return rows[row - start]!;
      }

      async function fill(into: Uint8Array): Promise<Uint8Array> {
        const labels = new Uint8Array(into.length / inputs);
        for (let n = 0; n < labels.length; n++, index++) {
          const row = start >= 0 && index < start + rows.length ? rows[index - start]! : await rowAt(index);
          const placed = place(row.image, path, index, into, n * inputs);
          if (placed !== undefined) await placed;
          if (labelled) labels[n] = labelOf(row.label, path, index, classNames);
        }
        return labels;
      }

      const check = () => assertUnchanged(path, stamp);
      return partOfRecords({ read: fill, check, close: () => file.close() }, labelled);
    },
  };
}
