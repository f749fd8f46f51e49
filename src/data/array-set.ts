/** Data sets in arrays of any element type: images of every usual shape, labels as numbers or as one-hot rows. */

import type { Assumption } from "#src/base/assumptions.js";
import {
  type Dataset,
  type DatasetReading,
  type ImageShape,
  imageBytes,
} from "#src/base/contracts/dataset.js";
import { shapeText } from "#src/base/errors/define.js";
import { DatasetError } from "#src/base/errors.js";
import { imageLayout, pixelMaxOf } from "./reading.js";
import { inRowMajor } from "./row-major.js";
import {
  type ArrayPair,
  LABEL_VALUES,
  openLabels,
  openPixels,
  readNumbers,
  type StoredArray,
} from "./stored-array.js";
import type { GivenFacts } from "./stream/idx-set.js";
import type { Part } from "./stream/parts.js";
import { datasetOf } from "./stream/slab-reader.js";

export interface ArraySource extends ArrayPair {
  /** Path of the file, or of that of the images. */
  readonly path: string;
  readonly given: Omit<GivenFacts, "labelsPath">;
  readonly reading?: DatasetReading | undefined;
  readonly assumptions?: readonly Assumption[];
  sha256(): Promise<string>;
}

const COLOURS = 3;
/** Images in which the range of the pixels is looked for. */
const PROBED_IMAGES = 16;
/** Most pixels of them: one image may be larger than memory. */
const MOST_PROBED = 2 ** 20;

/**
 * The set of a pair of arrays.
 *
 * @throws DatasetError ERR_NPZ_ARRAY, ERR_COUNT_MISMATCH, ERR_DATASET_FORMAT; its slabs ERR_PIXEL_VALUE, ERR_LABEL_RANGE
 * @throws UsageError ERR_OPTION_VALUE for an option of the reading
 */
export async function arraysDataset(stored: ArraySource): Promise<Dataset> {
  const source = {
    ...stored,
    images: inRowMajor(stored.images),
    labels: stored.labels && inRowMajor(stored.labels),
  };
  const { images, labels, given, reading = {}, sha256 } = source;
  const layout = layoutOf(source);
  const { shape, isChannelsFirst } = layout;
  const [total = 0] = images.shape;
  if (labels !== undefined) {
    const columns = labels.shape.slice(1).reduce((product, size) => product * size, 1);
    if (labels.shape.length > 2 || labels.shape.length === 0 || columns === 0 || columns > LABEL_VALUES) {
      throw refused(labels, "labels of shape (images,), (images, 1) or (images, classes)");
    }
    if (labels.shape[0] !== total) {
      const facts = {
        imagesPath: images.path,
        images: total,
        labelsPath: labels.path,
        labels: labels.shape[0] ?? 0,
      };
      throw new DatasetError("ERR_COUNT_MISMATCH", facts);
    }
  }
  const inputs = imageBytes(shape);
  const white = await whiteOf(images, inputs, total, given.name, reading.pixelMax);
  const part: Part = {
    count: total,
    async open(first) {
      const pixels = await openPixels(images, { inputs, isChannelsFirst, pixelMax: white.pixelMax }, first);
      const classes = labels && (await openLabels(labels, first));
      return {
        images: pixels,
        labels: classes,
        async finish() {
          await pixels.finish();
          await classes?.finish();
        },
      };
    },
  };
  return datasetOf({
    facts: {
      ...given,
      assumptions: [
        ...(given.assumptions ?? []),
        ...(source.assumptions ?? []),
        ...layout.assumptions,
        ...white.assumptions,
      ],
      labelsPath: labels?.path,
      shape,
      total,
      isDeflated: images.isDeflated ?? false,
      isFraction: white.pixelMax === 1,
    },
    parts: [part],
    sha256,
  });
}

function refused({ path, ...array }: StoredArray, expected: string): DatasetError {
  const found = `${array.type} of shape ${shapeText(array.shape)}`;
  return new DatasetError("ERR_NPZ_ARRAY", { path, expected, found });
}

/** (N, P), (N, R, C), (N, R, C, 1 or 3), (N, 1 or 3, R, C). */
function layoutOf({ images, path, given, reading }: ArraySource): ReturnType<typeof imageLayout> {
  const { shape } = images;
  const [, a = 0, b = 0, c = 0] = shape;
  const isColour = (size: number) => size === 1 || size === COLOURS;
  const stated = (rows: number, columns: number, channels: number, isFirst = false) => {
    const image: ImageShape = { rows, columns, channels };
    return { shape: image, isChannelsFirst: isFirst && channels > 1, assumptions: [] };
  };
  if (!shape.includes(0)) {
    if (shape.length === 2) {
      return imageLayout({ path: images.path, source: given.name, inputs: a, given: reading?.imageShape });
    }
    if (shape.length === 3) return stated(a, b, 1);
    if (shape.length === 4 && isColour(c)) return stated(a, b, c);
    if (shape.length === 4 && isColour(a)) return stated(b, c, a, true);
  }
  const expected =
    "images of shape (images, pixels), (images, rows, columns), (…, channels) or (images, channels, …)";
  throw refused({ ...images, path: images.path || path }, expected);
}

/** The value of white: 1 in truth values, otherwise by the first images. Bytes may be zeros and ones, too. */
async function whiteOf(
  images: StoredArray,
  inputs: number,
  total: number,
  source: string,
  given: string | undefined,
): Promise<ReturnType<typeof pixelMaxOf>> {
  if (given === undefined && images.type === "b1") return { pixelMax: 1, assumptions: [] };
  const elements = await images.open(0);
  try {
    const count = Math.min(Math.min(total, PROBED_IMAGES) * inputs, MOST_PROBED);
    const first = await readNumbers(images, elements, count);
    return pixelMaxOf(first, source, given);
  } finally {
    await elements.close();
  }
}
