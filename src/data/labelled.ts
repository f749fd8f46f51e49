/** Reads the files of a set, images and labels or images alone, and sees that they belong together. */
import type { ImageShape } from "#src/base/contracts/dataset.js";
import { DatasetError } from "#src/base/errors.js";
import { readIdx } from "./idx.js";

export interface LabelledPaths {
  readonly imagesPath: string;
  readonly labelsPath: string;
}

export interface Images {
  readonly shape: ImageShape;
  readonly total: number;
  /** (total × rows × columns) u8, row-major. */
  readonly pixels: Uint8Array;
  /** The image file and, where there is one, the label file as they stand on disk. */
  readonly files: readonly Uint8Array[];
}

export interface LabelledImages extends Images {
  /** (total) u8. */
  readonly labels: Uint8Array;
}

/** Called with a set's size as soon as it is known, while gzipped images are still being unpacked. */
export type OnSized = (size: Pick<Images, "shape" | "total">) => void;

/** Images u8 of rank 3 (total, rows, columns). @throws FileError, DatasetError as `readIdx` does. */
export async function readImages(path: string, onSized?: OnSized): Promise<Images> {
  const { shape, data, fileBytes } = await readIdx(path, {
    dtype: "u8",
    rank: 3,
    onShape: (found) => onSized?.(sizeOf(found)),
  });
  return { ...sizeOf(shape), pixels: data, files: [fileBytes] };
}

function sizeOf([total = 0, rows = 0, columns = 0]: readonly number[]): Pick<Images, "shape" | "total"> {
  return { shape: { rows, columns }, total };
}

/**
 * Reads both files at once: images u8 of rank 3 (total, rows, columns), labels u8 of rank 1 (total).
 *
 * @throws FileError, DatasetError as `readIdx` does, the images' fault first; ERR_COUNT_MISMATCH.
 */
export async function readLabelled(
  { imagesPath, labelsPath }: LabelledPaths,
  onSized?: OnSized,
): Promise<LabelledImages> {
  // Settled, not raced: which of two faults is told does not depend on which file is read faster.
  const [imagesRead, labelsRead] = await Promise.allSettled([
    readImages(imagesPath, onSized),
    readIdx(labelsPath, { dtype: "u8", rank: 1 }),
  ]);
  if (imagesRead.status === "rejected") throw imagesRead.reason;
  if (labelsRead.status === "rejected") throw labelsRead.reason;
  const images = imagesRead.value;
  const labels = labelsRead.value;

  if (labels.data.length !== images.total) {
    const facts = { imagesPath, images: images.total, labelsPath, labels: labels.data.length };
    throw new DatasetError("ERR_COUNT_MISMATCH", facts);
  }
  return { ...images, labels: labels.data, files: [...images.files, labels.fileBytes] };
}
