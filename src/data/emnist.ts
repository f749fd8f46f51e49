/** EMNIST's IDX files: pictures are stored transposed, and letters are counted from 1 (pytorch/vision#8783). */
import { basename, dirname, join } from "node:path";
import type { Assumption } from "#src/base/contracts/assumption.js";
import type { DatasetView, Split } from "#src/base/contracts/dataset.js";
import { shellQuoted } from "#src/files/formats/known/known-file.js";

/** What its files do not state, and no option did. */
export function emnistAssumptions({
  dataset,
  transpose,
  labelOffset,
}: { readonly dataset: string } & Partial<DatasetView>): Assumption[] {
  const source = basename(dataset);
  if (!/^emnist-\w+-\w+-images-/.test(source)) return [];
  const asStored = (subject: "pictures" | "labels", option: string): Assumption => {
    return { subject, what: `${subject} as they are stored`, source, option };
  };
  return [
    ...(transpose ? [] : [asStored("pictures", "--transpose")]),
    ...(source.startsWith("emnist-letters-") && !labelOffset ? [asStored("labels", "--label-offset")] : []),
  ];
}

/** The next step where its files are among these; undefined where they are not. */
export function emnistStep(files: readonly string[], split: Split): string | undefined {
  const images = files.filter((path) =>
    new RegExp(`^emnist-\\w+-${split}-images-idx3-ubyte(\\.gz)?$`).test(basename(path)),
  );
  if (images.length === 0) return undefined;
  const labelsOf = (path: string) =>
    join(dirname(path), basename(path).replace("images", "labels").replace("idx3", "idx1"));
  const shown = images.slice(0, 3).map((path) => {
    const offset = basename(path).startsWith("emnist-letters-") ? " --label-offset -1" : "";
    return `--dataset ${shellQuoted(path)} --labels ${shellQuoted(labelsOf(path))} --transpose${offset}`;
  });
  return `EMNIST names its files otherwise, and stores pictures transposed: ${shown.join(" or ")}`;
}
