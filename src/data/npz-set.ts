/** Labelled sets in NumPy's files: a .npz archive, as Keras, MedMNIST and np.savez write it, or two .npy files. */
import { basename, dirname, join } from "node:path";
import { grouped } from "#src/base/errors/define.js";
import { DatasetError, FileError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import {
  MAX_NPY_HEADER_BYTES,
  type NpyHeader,
  type NpzMember,
  openNpz,
  parseNpyHeader,
} from "#src/files/formats/npz.js";
import { corruptEntry, verifyEntry, wholeEntry, wrongEntrySize } from "#src/files/formats/zip.js";
import { sha256Of } from "#src/files/hash.js";
import { pathKind, readInto, readWholeFile, withFile } from "#src/files/read-file.js";
import { choosePair } from "./array-pairs.js";
import { arraysDataset } from "./array-set.js";
import { IDX_LIMIT_BYTES } from "./idx-header.js";
import type { StoredArray } from "./stored-array.js";
import {
  type Deflated,
  type Elements,
  elementsOf,
  fileElements,
  inflatedElements,
} from "./stream/elements.js";
import { hashOfFiles, type KnownFile } from "./stream/file-hash.js";
import type { OpenArchive } from "./stream/idx-set.js";

/**
 * Opens the images of a split and their labels. Only the archive's directory and the arrays' headers are unpacked. Arrays of the
 * other splits are never unpacked.
 *
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_ZIP_*, ERR_NPY_*
 * @throws DatasetError ERR_NPZ_ARRAYS, ERR_NPZ_ARRAY, ERR_COUNT_MISMATCH; its slabs ERR_LABEL_RANGE, ERR_PIXEL_VALUE, ERR_ZIP_SIZE, ERR_ZIP_CORRUPT
 */
export const openNpzSet: OpenArchive = async (path, given, labelled, reading) => {
  const { split } = given;
  const file = await readWholeFile(path, IDX_LIMIT_BYTES);
  const members = await openNpz(path, file, IDX_LIMIT_BYTES, (name) => {
    const expected = [`x_${split}`, ...(labelled ? [`y_${split}`] : [])];
    throw new DatasetError("ERR_NPZ_ARRAYS", { path, expected, found: `"${printable(name)}"` });
  });
  const arrays = [...members].map(
    ([name, { header, entry, path: inner }]): StoredArray => ({
      name,
      path: inner,
      ...arrayFacts(header),
      isDeflated: entry.method === "deflated",
      open: (first) => openMember(path, { header, entry, path: inner }, first),
    }),
  );
  const pair = choosePair(path, given.name, arrays, split, labelled);
  return arraysDataset({ ...pair, path, given, reading, sha256: () => sha256Of([file]) });
};

function arrayFacts({ dtype, littleEndian, fortranOrder, shape }: NpyHeader) {
  return { type: dtype, littleEndian, fortranOrder, shape };
}

/** Bytes of the array's elements from byte `first` on. */
async function openMember(path: string, { entry, header }: NpzMember, first: number): Promise<Elements> {
  const { method, packed, unpackedBytes } = entry;
  const skipBytes = header.headerBytes + first;
  if (method === "stored") {
    return elementsOf(packed, skipBytes, async () => {
      await wholeEntry(path, entry);
    });
  }
  const source: Deflated = {
    totalBytes: unpackedBytes,
    packed,
    verify: (member) => verifyEntry(path, entry, member),
    corrupt: (cause) => corruptEntry(path, entry, cause),
    tooLong: () => wrongEntrySize(path, entry, "more"),
    tooShort: (contentBytes) => wrongEntrySize(path, entry, grouped(contentBytes)),
  };
  return inflatedElements(source, skipBytes);
}

/** An array in a .npy file, and the file for its hash. */
export interface NpyFile {
  readonly array: StoredArray;
  readonly file: KnownFile;
}

/** @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_NPY_HEADER, ERR_NPY_DTYPE, ERR_NPY_LENGTH */
export function readNpy(path: string): Promise<NpyFile> {
  return withFile(path, async ({ bytes, stamp, ...file }, sizeBytes) => {
    const head = bytes ?? new Uint8Array(Math.min(sizeBytes, MAX_NPY_HEADER_BYTES));
    if (bytes === undefined) await readInto(file, head, 0);
    const header = parseNpyHeader(path, head);
    if (header.totalBytes !== sizeBytes) {
      const facts = { path, expectedBytes: header.totalBytes, actualBytes: sizeBytes };
      throw new FileError("ERR_NPY_LENGTH", facts);
    }
    const known = { path, bytes, stamp };
    const open = async (first: number) => fileElements(known, header.headerBytes + first);
    return { array: { name: "", path, ...arrayFacts(header), open }, file: known };
  });
}

/** Names of images, and those of the labels that lie beside them. */
const BESIDE: readonly (readonly [RegExp, string])[] = [
  [/images/i, "labels"],
  [/image/i, "label"],
  [/imgs?/i, "labels"],
  [/data/i, "labels"],
  [/(?<![a-z])x(?![a-z])/i, "y"],
];

/** The labels beside a .npy file of images: `y_test.npy` for `x_test.npy`. Undefined where the name shows none. */
export async function npyLabelsBeside(path: string): Promise<string | undefined> {
  const name = basename(path);
  for (const [images, labels] of BESIDE) {
    if (!images.test(name)) continue;
    const beside = join(
      dirname(path),
      name.replace(images, (found) =>
        /^[A-Z]/.test(found) && labels !== "y" ? labels.toUpperCase() : labels,
      ),
    );
    if ((await pathKind(beside)) === "file") return beside;
  }
  return undefined;
}

/**
 * Opens a .npy file of images, and one of labels: the given one, or the one beside it.
 *
 * @throws DatasetError ERR_DATASET_LABELS, ERR_NPZ_ARRAY, ERR_COUNT_MISMATCH; FileError as `readNpy`
 */
export const openNpySet: OpenArchive = async (path, given, labelled, reading, labels) => {
  const images = await readNpy(path);
  const labelsPath = labelled ? (labels ?? (await npyLabelsBeside(path))) : undefined;
  if (labelled && labelsPath === undefined) throw new DatasetError("ERR_DATASET_LABELS", { path });
  const classes = labelsPath === undefined ? undefined : await readNpy(labelsPath);
  const files = [images.file, ...(classes ? [classes.file] : [])];
  return arraysDataset({
    images: images.array,
    labels: classes?.array,
    path,
    given,
    reading,
    sha256: () => hashOfFiles(files, false),
  });
};
