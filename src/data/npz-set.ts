/** A labelled set in one .npz file, as Keras keeps MNIST: x_train, y_train, x_test, y_test. */
import type { Dataset } from "#src/base/contracts/dataset.js";
import { grouped, shapeText } from "#src/base/errors/define.js";
import { DatasetError } from "#src/base/errors.js";
import { listed, printable } from "#src/base/text.js";
import { type NpyDtype, type NpzMember, openNpz } from "#src/files/formats/npz.js";
import { corruptEntry, verifyEntry, wholeEntry, wrongEntrySize } from "#src/files/formats/zip.js";
import { sha256Of } from "#src/files/hash.js";
import { readWholeFile } from "#src/files/read-file.js";
import { IDX_LIMIT_BYTES } from "./idx-header.js";
import { type Deflated, type Elements, elementsOf, inflatedElements } from "./stream/elements.js";
import type { OpenArchive } from "./stream/idx-set.js";
import { datasetOf, type Part } from "./stream/slab-reader.js";

/** Labels are u8 in memory, whatever integer type the file has. */
const LABEL_VALUES = 256;

/** Reads an integer of a dtype. f2, f4 and f8 are missing: a label is a whole number. */
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

/**
 * Opens the images of a split, u8 of shape (total, rows, columns), and their labels, whole numbers 0 to 255 of shape
 * (total). Only the archive's directory and the arrays' headers are unpacked. Arrays of the other split are never unpacked.
 *
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_ZIP_*, ERR_NPY_*
 * @throws DatasetError ERR_NPZ_ARRAYS, ERR_NPZ_ARRAY, ERR_COUNT_MISMATCH; its slabs ERR_LABEL_RANGE, ERR_ZIP_SIZE, ERR_ZIP_CORRUPT
 */
export const openNpzSet: OpenArchive = async (path, given, labelled): Promise<Dataset> => {
  const { split } = given;
  const file = await readWholeFile(path, IDX_LIMIT_BYTES);
  const names = [`x_${split}`, ...(labelled ? [`y_${split}`] : [])];
  const lacking = (found: string) => new DatasetError("ERR_NPZ_ARRAYS", { path, expected: names, found });
  const members = await openNpz(path, file, IDX_LIMIT_BYTES, (name) => {
    throw lacking(`"${printable(name)}"`);
  });
  const x = members.get(`x_${split}`);
  const y = labelled ? members.get(`y_${split}`) : undefined;
  if (x === undefined || (labelled && y === undefined)) throw lacking(listed([...members.keys()]) || "none");

  const [total = 0, rows = 0, columns = 0] = checkShape(x, "u8 of shape (images, rows, columns)", 3, ["u1"]);
  if (y !== undefined) {
    const [labels = 0] = checkShape(y, "whole numbers of shape (images,)", 1, Object.keys(READ_INTEGER));
    if (labels !== total) {
      const facts = { imagesPath: x.path, images: total, labelsPath: y.path, labels };
      throw new DatasetError("ERR_COUNT_MISMATCH", facts);
    }
  }
  const part: Part = {
    count: total,
    async open(first) {
      const images = await openMember(path, x, first * rows * columns);
      const labels = y && (await openLabels(path, y, first));
      return {
        images,
        labels,
        async finish() {
          await images.finish();
          await labels?.finish();
        },
      };
    },
  };
  return datasetOf({
    facts: {
      ...given,
      labelsPath: y?.path,
      shape: { rows, columns, channels: 1 },
      total,
      isDeflated: x.entry.method === "deflated",
    },
    parts: [part],
    sha256: () => sha256Of([file]),
  });
};

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

/** Labels (N) u8 of any integer type, from label `first` on. */
async function openLabels(path: string, member: NpzMember, first: number): Promise<Elements> {
  const { dtype, littleEndian, shape, totalBytes, headerBytes } = member.header;
  const read = READ_INTEGER[dtype];
  const elementBytes = (totalBytes - headerBytes) / (shape[0] ?? 1);
  const { finish, close, ...stored } = await openMember(path, member, first * elementBytes);
  let index = first;
  return {
    async read(into) {
      const bytes = new Uint8Array(into.length * elementBytes);
      await stored.read(bytes);
      const view = new DataView(bytes.buffer);
      for (let n = 0; n < into.length; n++, index++) {
        const label = Number(read?.(view, n * elementBytes, littleEndian));
        if (!(label >= 0 && label < LABEL_VALUES)) {
          throw new DatasetError("ERR_LABEL_RANGE", {
            path: member.path,
            index,
            label,
            classes: LABEL_VALUES,
          });
        }
        into[n] = label;
      }
    },
    finish,
    close,
  };
}

function checkShape(
  { path, header }: NpzMember,
  expected: string,
  rank: number,
  dtypes: readonly string[],
): readonly number[] {
  const { dtype, shape, fortranOrder } = header;
  // Order means nothing in one dimension.
  const isOrdered = rank === 1 || !fortranOrder;
  if (dtypes.includes(dtype) && shape.length === rank && !shape.includes(0) && isOrdered) return shape;
  const found = `${dtype} of shape ${shapeText(shape)}${fortranOrder ? " in Fortran order" : ""}`;
  throw new DatasetError("ERR_NPZ_ARRAY", { path, expected, found });
}
