/**
 * CIFAR-10 and CIFAR-100 in their binary versions (cs.toronto.edu/~kriz/cifar.html). A record is a label and an image of
 * 32 × 32 × 3 bytes, channels first; CIFAR-100 has a coarse label before the fine one, which is read.
 */

import { join } from "node:path";
import { type Dataset, type ImageShape, imageBytes, type Split } from "#src/base/contracts/dataset.js";
import { DatasetError } from "#src/base/errors.js";
import {
  assertUnchanged,
  type OpenFile,
  openRegularFile,
  openRegularFileNow,
  pathKind,
  readFault,
  readInto,
} from "#src/files/read-file.js";
import { readClassNames } from "./labels.js";
import { hashOfFiles, type KnownFile } from "./stream/file-hash.js";
import type { OpenArchive } from "./stream/idx-set.js";
import { type OpenPart, type Part, partOfRecords } from "./stream/parts.js";
import { datasetOf } from "./stream/slab-reader.js";

const SHAPE: ImageShape = { rows: 32, columns: 32, channels: 3 };
const INPUTS = imageBytes(SHAPE);
/** Records that are read at once: 1 MB. */
const RECORDS_AT_ONCE = 341;

/** A version of the set: its files by split, and its class names. */
interface Version {
  readonly files: Readonly<Partial<Record<Split, readonly string[]>>>;
  readonly names: string;
  /** Labels before each image; the last is the class. */
  readonly labels: number;
}

const VERSIONS: readonly Version[] = [
  {
    files: { test: ["test_batch.bin"], train: [1, 2, 3, 4, 5].map((n) => `data_batch_${n}.bin`) },
    names: "batches.meta.txt",
    labels: 1,
  },
  { files: { test: ["test.bin"], train: ["train.bin"] }, names: "fine_label_names.txt", labels: 2 },
];

interface Records extends KnownFile {
  readonly count: number;
  readonly labels: number;
}

/** The version of a folder, by its file of class names; undefined for another folder. */
async function versionOf(folder: string): Promise<Version | undefined> {
  for (const version of VERSIONS) {
    if ((await pathKind(join(folder, version.names))) === "file") return version;
  }
  return undefined;
}

/** Whether a file consists of records, or a folder has one of the versions. */
export async function isCifar(path: string): Promise<boolean> {
  if ((await pathKind(path)) === "folder") return (await versionOf(path)) !== undefined;
  const file = await openRegularFile(path).catch(() => undefined);
  await file?.close();
  return file !== undefined && VERSIONS.some(({ labels }) => file.sizeBytes % (labels + INPUTS) === 0);
}

/**
 * Opens a folder, whose split has one file or five, or one file.
 *
 * @throws DatasetError ERR_DATASET_FILES for a folder without a file of the split; ERR_DATASET_FORMAT for a file that is cut
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY; the slabs also ERR_DATASET_CHANGED
 */
export const openCifarSet: OpenArchive = async (path, given, labelled): Promise<Dataset> => {
  const version = (await pathKind(path)) === "folder" ? await versionOf(path) : undefined;
  const files = version === undefined ? [path] : await filesIn(path, version, given.split);
  const records: Records[] = [];
  for (const file of files) records.push(await recordsIn(file, version?.labels));
  return datasetOf({
    facts: {
      ...given,
      classNames: given.classNames ?? (version && (await readClassNames(join(path, version.names)))),
      labelsPath: labelled ? path : undefined,
      shape: SHAPE,
      total: records.reduce((sum, { count }) => sum + count, 0),
    },
    parts: records.map((file) => partOf(file, labelled)),
    sha256: () => hashOfFiles(records, false),
  });
};

async function filesIn(folder: string, { files }: Version, split: Split): Promise<string[]> {
  const names = files[split];
  if (names === undefined) {
    throw new DatasetError("ERR_DATASET_SPLIT", {
      dataset: folder,
      expected: Object.keys(files),
      found: split,
    });
  }
  const paths = names.map((name) => join(folder, name));
  const kinds = await Promise.all(paths.map(pathKind));
  if (kinds.every((kind) => kind === "file")) return paths;
  const found = names.filter((_, n) => kinds[n] === "file");
  throw new DatasetError("ERR_DATASET_FILES", { path: folder, expected: names, found });
}

async function recordsIn(path: string, labels?: number): Promise<Records> {
  const file = await openRegularFile(path);
  await file.close();
  const { sizeBytes, stamp } = file;
  const found = VERSIONS.find((one) => sizeBytes % (one.labels + INPUTS) === 0)?.labels;
  if (found === undefined || (labels ?? found) !== found) {
    const recordBytes = (labels ?? 1) + INPUTS;
    const expected = `records of ${recordBytes} bytes, CIFAR's binary version`;
    const next = "is it complete? compare its size with that of the archive's";
    throw new DatasetError("ERR_DATASET_FORMAT", { path, expected, found: `${sizeBytes} bytes`, next });
  }
  return { path, bytes: undefined, stamp, labels: found, count: sizeBytes / (found + INPUTS) };
}

function partOf({ path, stamp, labels, count }: Records, labelled: boolean): Part {
  const recordBytes = labels + INPUTS;
  return {
    count,
    async open(first): Promise<OpenPart> {
      const handle = openRegularFileNow(path, stamp);
      let at = first * recordBytes;

      async function readRecords(into: Uint8Array): Promise<Uint8Array> {
        const classes = new Uint8Array(into.length / INPUTS);
        const bytes = new Uint8Array(Math.min(classes.length, RECORDS_AT_ONCE) * recordBytes);
        for (let done = 0; done < classes.length; ) {
          const images = Math.min(RECORDS_AT_ONCE, classes.length - done);
          const piece = bytes.subarray(0, images * recordBytes);
          await readWhole(handle, path, piece, at);
          for (let n = 0; n < images; n++, done++) {
            const start = n * recordBytes + labels;
            classes[done] = piece[start - 1]!;
            channelsLast(piece.subarray(start, start + INPUTS), into, done * INPUTS);
          }
          at += piece.length;
        }
        return classes;
      }

      const check = () => assertUnchanged(path, stamp);
      return partOfRecords({ read: readRecords, check, close: () => handle.close() }, labelled);
    },
  };
}

async function readWhole(handle: OpenFile, path: string, into: Uint8Array, position: number): Promise<void> {
  try {
    if ((await readInto(handle, into, position)) === into.length) return;
    assertUnchanged(path, handle.stamp);
    throw new Error("it ended before its last record");
  } catch (error) {
    throw readFault(path, error);
  }
}

/** out (rows, columns, channels) from `at` on = x (channels, rows, columns). */
function channelsLast(x: Uint8Array, out: Uint8Array, at: number): void {
  const { channels } = SHAPE;
  for (let channel = 0, from = 0; channel < channels; channel++) {
    for (let to = at + channel; to < at + INPUTS; to += channels) out[to] = x[from++]!;
  }
}
