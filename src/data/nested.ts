/** A set's files below the folder that was named: `MNIST/raw` of torchvision, or Kaggle's folder for each file. */

import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Assumption } from "#src/base/assumptions.js";
import type { DatasetView, Split } from "#src/base/contracts/dataset.js";
import { BatchwiseError, DatasetError } from "#src/base/errors.js";
import { shellQuoted } from "#src/files/formats/known/known-file.js";
import { imagesInFolder } from "#src/files/formats/known/stray-files.js";

/** Levels below the folder that are looked through. */
const LEVELS = 2;
/** Folders and files that are looked at; a home directory has more, and is no data set. */
const MAX_ENTRIES = 5_000;

export interface FoundPair {
  readonly imagesPath: string;
  readonly labelsPath: string | undefined;
}

export interface Nested {
  /** The one set below; undefined where there is none, or several. */
  readonly pair: FoundPair | undefined;
  /** What to do otherwise. */
  readonly next: string | undefined;
}

/** Looks for a split's files one and two levels below `folder`. */
export async function findBelow(
  folder: string,
  split: Split,
  prefix: string,
  labelled: boolean,
): Promise<Nested> {
  const files = await filesBelow(folder, LEVELS);
  const pairs = pairsOf(files, prefix, labelled);
  if (pairs.length === 1) return { pair: pairs[0], next: undefined };
  if (pairs.length > 1) {
    const homes = pairs.slice(0, 4).map(({ imagesPath }) => `--dataset ${shellQuoted(homeOf(imagesPath))}`);
    return { pair: undefined, next: `several sets lie below it: choose ${homes.join(" or ")}` };
  }
  return { pair: undefined, next: emnistStep(files, split) ?? (await imagesInFolder(folder)) };
}

async function filesBelow(folder: string, levels: number): Promise<string[]> {
  const files: string[] = [];
  let folders = [folder];
  for (let level = 0; level <= levels && files.length < MAX_ENTRIES; level += 1) {
    const below: string[] = [];
    for (const one of folders.slice(0, MAX_ENTRIES)) {
      const entries = await readdir(one, { withFileTypes: true }).catch(() => []);
      for (const entry of entries.slice(0, MAX_ENTRIES)) {
        const path = join(one, entry.name);
        if (entry.isDirectory()) below.push(path);
        else files.push(path);
      }
      if (files.length + below.length > MAX_ENTRIES) break;
    }
    folders = below;
  }
  return files.sort();
}

/** Kaggle's archive puts each file in a folder of its name: both are at home in the folder around these. */
function homeOf(path: string): string {
  const folder = dirname(path);
  const name = basename(path).replace(/\.gz$/, "");
  return basename(folder).replace(/\.gz$/, "") === name ? dirname(folder) : folder;
}

/** One a home that has both files; the unpacked of two twins. */
function pairsOf(files: readonly string[], prefix: string, labelled: boolean): FoundPair[] {
  const homes = new Map<string, { images?: string; labels?: string }>();
  for (const path of files) {
    const match = new RegExp(`^${prefix}-(?:(images)[-.]idx3|(labels)[-.]idx1)-ubyte(\\.gz)?$`).exec(
      basename(path),
    );
    if (match === null) continue;
    const home = homes.get(homeOf(path)) ?? {};
    // Sorted names have the unpacked file before its gzipped twin.
    if (match[1]) home.images ??= path;
    else home.labels ??= path;
    homes.set(homeOf(path), home);
  }
  return [...homes.values()].flatMap(({ images, labels }) =>
    images !== undefined && (labels !== undefined || !labelled)
      ? [{ imagesPath: images, labelsPath: labels }]
      : [],
  );
}

const FORMAT_CODES =
  /^ERR_(DATASET_LABELS|IDX_MAGIC|GZIP_CORRUPT|NPZ_ARRAYS?|NPY_(DTYPE|HEADER)|ZIP_(UNSUPPORTED|STRUCTURE)|JSON_(SYNTAX|SHAPE)|PICKLE_(FORBIDDEN|MALFORMED|TRUNCATED|LIMIT)|NETWORK_FORMAT)$/;
const EXPECTED = "an IDX file, or a .npz with x_test and y_test";

interface Request {
  readonly dataset: string;
  readonly labels?: string | false | undefined;
  readonly split: Split;
}

/** The error to throw instead of `error`: it names the kind of file that was found and the next step. `error` itself where nothing more is known. */
export async function explainedImages({ dataset, labels, split }: Request, error: unknown): Promise<unknown> {
  if (!(error instanceof BatchwiseError)) return error;
  const { code } = error;
  const named = (error.facts as { readonly path?: string }).path ?? dataset;
  const path = fileOf(named);
  const areLabelsRefused = code === "ERR_USAGE" && labels;
  if (!FORMAT_CODES.test(code) && !areLabelsRefused) return error;
  const { recognizeFile } = await import("#src/files/formats/known/recognize.js");
  const purpose = { use: "images", split, labels: path !== labels && labels ? labels : undefined } as const;
  const known = await recognizeFile(path, purpose);
  // Labels beside an archive are right where it has none of its own: then the next step names them.
  if (known === undefined || (areLabelsRefused && !known.nextStep.includes(labels))) return error;
  const { found, nextStep: next, isCertain } = known;
  // A manifest with a fault is text too, and a damaged gzip file one of gzip.
  if ((code.startsWith("ERR_JSON_") || code === "ERR_GZIP_CORRUPT") && !isCertain) return error;
  if (code === "ERR_NPZ_ARRAYS" && isArchive(found)) {
    const facts = error.facts as DatasetError<"ERR_NPZ_ARRAYS">["facts"];
    return new DatasetError(code, { ...facts, next }, { cause: error });
  }
  if (code === "ERR_NPZ_ARRAY") {
    const facts = error.facts as DatasetError<"ERR_NPZ_ARRAY">["facts"];
    if (facts.next !== undefined) return error;
    return new DatasetError(code, { ...facts, next }, { cause: error });
  }
  const expected = path === labels ? "an IDX file of labels" : EXPECTED;
  return new DatasetError("ERR_DATASET_FORMAT", { path, expected, found, next }, { cause: error });
}

/** The format is right, and the names in it are not; an archive of other formats is another file. */
function isArchive(found: string): boolean {
  return found.startsWith("a .npz") || found.startsWith("a ZIP archive") || found.startsWith("a state dict");
}

/** An array of an archive is named with it: `set.npz:x_test.npy`. */
function fileOf(path: string): string {
  return path.replace(/(\.npz):[^:]*\.npy$/, "$1");
}

/** What EMNIST's files do not state and no option did: pictures are stored transposed, letters count from 1 (pytorch/vision#8783). */
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
