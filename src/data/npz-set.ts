/** A labelled set in one .npz file, as Keras keeps MNIST: x_train, y_train, x_test, y_test. */
import type { Split } from "#src/base/contracts/dataset.js";
import { shapeText } from "#src/base/errors/define.js";
import { DatasetError } from "#src/base/errors.js";
import { listed, printable } from "#src/base/text.js";
import { type NpyDtype, type NpyHeader, npyElements } from "#src/files/formats/npy-header.js";
import { type NpzMember, openNpz } from "#src/files/formats/npz.js";
import { wholeEntry } from "#src/files/formats/zip.js";
import { readWholeFile } from "#src/files/read-file.js";
import { IDX_LIMIT_BYTES } from "./idx-header.js";
import type { Images } from "./labels.js";

/** Labels are u8 in memory, whatever integers the file has. */
const LABEL_VALUES = 256;

/** How an integer of a dtype is read. All of f2, f4 and f8 are missing: a label is a whole number. */
const READ_INTEGER: Readonly<
  Partial<Record<NpyDtype, (view: DataView, at: number, littleEndian: boolean) => number | bigint>>
> = {
  u1: (view, at) => view.getUint8(at),
  u2: (view, at, littleEndian) => view.getUint16(at, littleEndian),
  u4: (view, at, littleEndian) => view.getUint32(at, littleEndian),
  u8: (view, at, littleEndian) => view.getBigUint64(at, littleEndian),
  i1: (view, at) => view.getInt8(at),
  i2: (view, at, littleEndian) => view.getInt16(at, littleEndian),
  i4: (view, at, littleEndian) => view.getInt32(at, littleEndian),
  i8: (view, at, littleEndian) => view.getBigInt64(at, littleEndian),
};

export interface NpzSet extends Images {
  /** (total) u8, and the file and the array that they came from; absent where the images were asked for alone. */
  readonly labels?: Uint8Array;
  readonly labelsPath?: string;
}

/**
 * The images of a split, u8 of shape (total, rows, columns), and their labels, whole numbers 0 to 255 of shape (total).
 * Arrays of the other split are not unpacked.
 *
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_ZIP_*, ERR_NPY_*.
 * @throws DatasetError ERR_NPZ_ARRAYS, ERR_NPZ_ARRAY, ERR_COUNT_MISMATCH, ERR_LABEL_RANGE.
 */
export async function readNpzSet(path: string, split: Split, labelled = true): Promise<NpzSet> {
  const file = await readWholeFile(path, IDX_LIMIT_BYTES);
  const names = [`x_${split}`, ...(labelled ? [`y_${split}`] : [])];
  const lacking = (found: string) => new DatasetError("ERR_NPZ_ARRAYS", { path, expected: names, found });
  const members = await openNpz(path, file, IDX_LIMIT_BYTES, (name) => {
    throw lacking(`"${printable(name)}"`);
  });
  const [x, y] = names.map((name) => members.get(name));
  if (x === undefined || (labelled && y === undefined)) throw lacking(listed([...members.keys()]) || "none");

  const [total, rows, columns] = checkShape(x, "u8 of shape (images, rows, columns)", 3, ["u1"]);
  const pixels = npyElements(x.path, await wholeEntry(path, x.entry), x.header);
  const images = { shape: { rows, columns }, total, pixels, files: [file] };
  if (y === undefined) return images;
  const [labelCount] = checkShape(y, "whole numbers of shape (images,)", 1, Object.keys(READ_INTEGER));
  if (labelCount !== total) {
    const facts = { imagesPath: x.path, images: total, labelsPath: y.path, labels: labelCount };
    throw new DatasetError("ERR_COUNT_MISMATCH", facts);
  }
  const labels = narrow(y.path, npyElements(y.path, await wholeEntry(path, y.entry), y.header), y.header);
  return { ...images, labels, labelsPath: y.path };
}

function checkShape(
  { path, header }: NpzMember,
  expected: string,
  rank: number,
  dtypes: readonly string[],
): readonly number[] {
  const { dtype, shape, fortranOrder } = header;
  // Order means nothing where there is but one dimension.
  const isOrdered = rank === 1 || !fortranOrder;
  if (dtypes.includes(dtype) && shape.length === rank && !shape.includes(0) && isOrdered) return shape;
  const found = `${dtype} of shape ${shapeText(shape)}${fortranOrder ? " in Fortran order" : ""}`;
  throw new DatasetError("ERR_NPZ_ARRAY", { path, expected, found });
}

/** out (N) u8 = x (N) of any integer type. */
function narrow(path: string, bytes: Uint8Array, { dtype, littleEndian, shape }: NpyHeader): Uint8Array {
  const read = READ_INTEGER[dtype];
  const labels = new Uint8Array(shape[0]);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const elementBytes = bytes.length / labels.length;
  for (let index = 0; index < labels.length; index += 1) {
    const label = Number(read?.(view, index * elementBytes, littleEndian));
    if (!(label >= 0 && label < LABEL_VALUES)) {
      throw new DatasetError("ERR_LABEL_RANGE", { path, index, label, classes: LABEL_VALUES });
    }
    labels[index] = label;
  }
  return labels;
}
