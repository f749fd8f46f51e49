/** Chooses the images and the labels of a split among the arrays of a file, by their names and shapes. */

import type { Assumption } from "#src/base/assumptions.js";
import type { Split } from "#src/base/contracts/dataset.js";
import { shapeText } from "#src/base/errors/define.js";
import { DatasetError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import type { ArrayPair, StoredArray } from "./stored-array.js";

/** Names of the splits in names of arrays. */
export const SPLIT_WORDS: Readonly<Record<Split, readonly string[]>> = {
  test: ["test", "testing"],
  train: ["train", "training"],
  val: ["val", "valid", "validation"],
};
/** Names of images and of their labels; S is the split. Case does not matter. */
const SPLIT_NAMES: readonly (readonly [images: string, labels: readonly string[]])[] = [
  ["x_S", ["y_S"]],
  ["S_x", ["S_y"]],
  ["xS", ["yS"]],
  ["S_images", ["S_labels", "S_label"]],
  ["S_image", ["S_label", "S_labels"]],
  ["S_img", ["S_label", "S_labels"]],
  ["S_data", ["S_labels", "S_label", "S_targets"]],
  ["images_S", ["labels_S"]],
];
const NAMES: readonly (readonly [images: string, labels: readonly string[]])[] = [
  ["x", ["y"]],
  ["images", ["labels", "label", "targets"]],
  ["image", ["label", "labels"]],
  ["data", ["labels", "label", "target", "targets", "fine_labels"]],
];
const EVERY_SPLIT = Object.values(SPLIT_WORDS).flat();
/** Most arrays that are named in a message. */
const SHOWN = 8;

export interface ChosenPair extends ArrayPair {
  readonly assumptions: readonly Assumption[];
}

/**
 * The pair of a split: arrays whose names have the split, then arrays of known names, then the only two whose shapes are those
 * of images and labels, which is an assumption.
 *
 * @throws DatasetError ERR_NPZ_ARRAYS with the names and shapes that were found
 */
export function choosePair(
  path: string,
  source: string,
  arrays: readonly StoredArray[],
  split: Split,
  labelled: boolean,
): ChosenPair {
  const byName = new Map(arrays.map((array) => [array.name.toLowerCase(), array]));
  const named = (names: typeof NAMES, word: string): ArrayPair | undefined => {
    for (const [imagesName, labelsNames] of names) {
      const images = byName.get(imagesName.replace("S", word).toLowerCase());
      const labels = labelsNames
        .map((name) => byName.get(name.replace("S", word).toLowerCase()))
        .find(Boolean);
      if (images !== undefined && (labels !== undefined || !labelled)) {
        return { images, labels: labelled ? labels : undefined };
      }
    }
    return undefined;
  };
  for (const word of SPLIT_WORDS[split]) {
    const pair = named(SPLIT_NAMES, word);
    if (pair !== undefined) return { ...pair, assumptions: [] };
  }
  const hasSplits = EVERY_SPLIT.some((word) => named(SPLIT_NAMES, word) !== undefined);
  const pair = hasSplits ? undefined : named(NAMES, "");
  if (pair !== undefined) return { ...pair, assumptions: [] };
  const shaped = hasSplits ? undefined : byShape(arrays, labelled);
  if (shaped !== undefined) {
    const { images, labels } = shaped;
    const what = [
      `images in ${printable(images.name)}`,
      ...(labels ? [`labels in ${printable(labels.name)}`] : []),
    ];
    return { ...shaped, assumptions: [{ subject: "pictures", what: what.join(", "), source, option: null }] };
  }
  const found = arrays.slice(0, SHOWN).map(({ name, shape }) => `${printable(name)} ${shapeText(shape)}`);
  throw new DatasetError("ERR_NPZ_ARRAYS", {
    path,
    expected: [`x_${split}`, ...(labelled ? [`y_${split}`] : [])],
    found: `${found.join(", ") || "none"}${arrays.length > SHOWN ? " …" : ""}`,
  });
}

/** The only array of images, and the only one of as many labels. */
function byShape(arrays: readonly StoredArray[], labelled: boolean): ArrayPair | undefined {
  const perRow = ({ shape }: StoredArray) => shape.slice(1).reduce((product, size) => product * size, 1);
  const isLabels = ({ shape, type }: StoredArray) =>
    shape.length === 1 || (shape.length === 2 && !type.startsWith("f"));
  const [first, second] = [...arrays].sort((a, b) => perRow(b) - perRow(a));
  if (first === undefined || first.shape.length < 2 || arrays.length > 2) return undefined;
  if (second === undefined) return labelled ? undefined : { images: first, labels: undefined };
  if (perRow(first) === perRow(second) || first.shape[0] !== second.shape[0] || !isLabels(second))
    return undefined;
  return { images: first, labels: labelled ? second : undefined };
}
