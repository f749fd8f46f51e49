/** IDX files of other element types and ranks than MNIST's: floats, flat images, colours, the labels of QMNIST. */

import type { Dataset, DatasetReading } from "#src/base/contracts/dataset.js";
import { BatchwiseError } from "#src/base/errors.js";
import { arraysDataset } from "./array-set.js";
import { assertTaken } from "./formats.js";
import { type IdxDtype, type IdxHead, readIdxHead } from "./idx-header.js";
import type { ArrayType, StoredArray } from "./stored-array.js";
import { hashOfFiles } from "./stream/file-hash.js";
import { openIdxElements } from "./stream/idx-elements.js";
import type { GivenFacts, PairPaths } from "./stream/idx-set.js";

const TYPES: Readonly<Record<IdxDtype, ArrayType>> = {
  u8: "u1",
  i8: "i1",
  i16: "i2",
  i32: "i4",
  f32: "f4",
  f64: "f8",
};
/** QMNIST's labels (N, 8): the class, and seven numbers of the writer and the form (facebookresearch/qmnist). */
const QMNIST_COLUMNS = 8;
const OTHER_TYPES = new Set(["ERR_IDX_RANK", "ERR_IDX_DTYPE"]);

/**
 * Opens a pair of files after the reader of u8 images and labels has refused it.
 *
 * @param cause the error of that reader; undefined if options of the reading were given
 * @throws DatasetError as `readIdxHead` and `arraysDataset`; UsageError ERR_USAGE for options without effect
 */
export async function openIdxArrays(
  { imagesPath, labelsPath }: PairPaths,
  given: GivenFacts,
  reading: DatasetReading | undefined,
  cause?: unknown,
): Promise<Dataset> {
  if (cause !== undefined && !(cause instanceof BatchwiseError && OTHER_TYPES.has(cause.code))) throw cause;
  const refuse = (error: unknown): never => {
    throw cause ?? error;
  };
  const images = await readIdxHead(imagesPath).catch(refuse);
  const { dtype, shape } = images.header;
  if (cause !== undefined && (shape.length === 1 || shape.length > 4)) throw cause;
  const labels = labelsPath === undefined ? undefined : await readIdxHead(labelsPath).catch(refuse);
  if (cause !== undefined && (labels?.header.shape.length ?? 1) > 2) throw cause;
  if (reading !== undefined && dtype === "u8" && shape.length === 3) assertTaken(imagesPath, reading, false);
  return arraysDataset({
    images: arrayOf(images),
    labels: labels && arrayOf(labels),
    path: imagesPath,
    given,
    reading,
    sha256: () => hashOfFiles(labels === undefined ? [images] : [images, labels], false),
  });
}

function arrayOf(head: IdxHead): StoredArray {
  const { dtype, shape } = head.header;
  return {
    name: "",
    path: head.path,
    type: TYPES[dtype],
    littleEndian: false,
    fortranOrder: false,
    shape,
    isDeflated: head.deflateAt !== undefined,
    isFirstColumn: dtype === "i32" && shape.length === 2 && shape[1] === QMNIST_COLUMNS,
    open: (first) => openIdxElements(head, first),
  };
}
