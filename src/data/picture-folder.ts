/** A folder of pictures, PNG or JPEG: one folder for each class, as torchvision's ImageFolder and Keras read it, or a flat one without labels. */

import { createHash } from "node:crypto";
import { join, relative, resolve, sep } from "node:path";
import { setImmediate } from "node:timers/promises";
import { assertLoading } from "#src/base/abort.js";
import { type ClassOrder, type Dataset, type GroupsBy, imageBytes } from "#src/base/contracts/dataset.js";
import { grouped } from "#src/base/errors/define.js";
import { DatasetError, UsageError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { classLabels } from "./pictures/class-labels.js";
import { type FoundPictures, findPictures, leftOutText } from "./pictures/find-pictures.js";
import { type Frame, frameInto, frameOf, type PictureOptions, type Probe, probed } from "./pictures/frame.js";
import { PictureFiles, smallMemory, TURN_MS } from "./pictures/picture-files.js";
import type { GivenFacts } from "./stream/idx-set.js";
import type { Part } from "./stream/parts.js";
import { datasetOf } from "./stream/slab-reader.js";

export interface PictureFolderOptions extends PictureOptions {
  readonly classOrder?: ClassOrder | undefined;
  /** Column of the labels in a file of labels: `first`, `last` or a name. */
  readonly labelColumn?: string | undefined;
  /** Whether every byte of every picture is hashed. */
  readonly verify?: boolean | undefined;
}

/** Pictures at even distances whose headers are read at first. */
const PROBES = 64;
/** Sets of more pictures, or of more bytes by the first ones, are hashed by samples. */
const [WHOLE_PICTURES, WHOLE_BYTES] = [16_384, 16 * 2 ** 20];

/**
 * @throws DatasetError ERR_DATASET_SPLIT, ERR_DATASET_FORMAT, ERR_DATASET_SHAPE; PictureError ERR_PICTURE_FORMAT, ERR_PICTURE_SIZE;
 *   FileError ERR_FILE_READ, ERR_FILE_EMPTY. The slabs throw the same, and ERR_DATASET_CHANGED, ERR_PICTURE_BLANK
 */
export async function openPictureFolder(
  path: string,
  given: Omit<GivenFacts, "labelsPath">,
  labelled: boolean,
  options: PictureFolderOptions = {},
  labelsPath?: string,
): Promise<Dataset> {
  assertLabelOptions(options, labelsPath !== undefined);
  const found = await findPictures(path, given.split);
  const { total } = found;
  const leftOut = found.leftOut.filter(
    (name) => labelsPath === undefined || resolve(path, name) !== resolve(labelsPath),
  );
  const listed =
    labelsPath === undefined
      ? undefined
      : await (await import("./picture-labels.js")).readPictureLabels(labelsPath, found, options, given);
  if (labelled && listed === undefined && found.classes === undefined) {
    throw new DatasetError("ERR_DATASET_FORMAT", {
      path,
      expected: "a folder of pictures for each class",
      found: `${grouped(total)} pictures without one`,
      next: "move them into folders named by their classes, name a CSV by --labels, or set --no-labels",
    });
  }
  const classes =
    labelled && listed === undefined
      ? classLabels(found.classes ?? [], given.name, options.classOrder, given.classNames)
      : undefined;
  const files = new PictureFiles(path, found.groups, total);
  const { probes, averageBytes } = await firstPictures(files, total);
  const frame = frameOf(probes, given.name, options);
  const isSampled = !options.verify && (total > WHOLE_PICTURES || averageBytes * total > WHOLE_BYTES);
  const labelOf =
    listed !== undefined
      ? (image: number) => listed.labels[image] ?? 0
      : classes && ((image: number) => classes.labels[files.labelOf(image)]!);
  return datasetOf({
    facts: {
      ...given,
      classNames: given.classNames ?? classes?.names ?? listed?.names,
      labelsPath: labelled ? (labelsPath ?? path) : undefined,
      shape: frame.shape,
      total,
      isDeflated: true,
      ...(isSampled && { isSampled }),
      assumptions: [
        ...(given.assumptions ?? []),
        ...((classes ?? listed)?.assumptions ?? []),
        ...(leftOut.length > 0
          ? [{ subject: "pictures", what: leftOutText(leftOut), source: given.name, option: null } as const]
          : []),
        ...frame.assumptions,
      ],
    },
    parts: [partOf(files, total, frame, labelOf)],
    groups: (by) => folderGroups(path, found, by),
    async sha256() {
      const digest = await files.digest(isSampled);
      // Names in a file that is not of the set decide on these labels.
      const labels = listed?.labels ?? (classes?.isByNames ? Uint8Array.from(classes.labels) : undefined);
      return labels === undefined
        ? digest
        : createHash("sha256").update(`${digest}\n`).update(labels).digest("hex");
    },
  });
}

/** A table states the labels of its pictures; class folders state them by their order. */
function assertLabelOptions({ labelColumn, classOrder }: PictureFolderOptions, hasTable: boolean): void {
  if (labelColumn !== undefined && !hasTable) {
    const problem = "--label-column: expected --labels with a table of pictures and labels, found none";
    throw new UsageError("ERR_USAGE", { problem });
  }
  if (classOrder !== undefined && hasTable) {
    const problem =
      "--class-order: expected class folders, found --labels with a table, which states the labels";
    throw new UsageError("ERR_USAGE", { problem });
  }
}

/** The folder at a level of each picture's path, from 1 for the folders of the set. */
async function* folderGroups(path: string, { folder: root, groups }: FoundPictures, by: GroupsBy) {
  for (const { folder, names } of groups) {
    const name = by === "column" ? undefined : relative(root, folder).split(sep)[by - 1];
    if (!name) {
      throw new DatasetError("ERR_GROUPS_FILE", {
        path,
        expected: by === "column" ? "a table, which has columns" : `${by} folders on the way to each picture`,
        found: by === "column" ? "pictures: set --groups to folder:1" : printable(join(folder, names[0]!)),
      });
    }
    for (const _ of names) yield name;
  }
}

async function firstPictures(
  files: PictureFiles,
  total: number,
): Promise<{ readonly probes: readonly Probe[]; readonly averageBytes: number }> {
  const count = Math.min(PROBES, total);
  const probes: Probe[] = [];
  let sumBytes = 0;
  const memory = smallMemory();
  for (let n = 0; n < count; n++) {
    const index = count === 1 ? 0 : Math.floor((n * (total - 1)) / (count - 1));
    const { path, bytes } = files.read(index, memory);
    probes.push(await probed(bytes, path));
    sumBytes += bytes.length;
  }
  return { probes, averageBytes: sumBytes / count };
}

function partOf(
  files: PictureFiles,
  total: number,
  frame: Frame,
  labelOf: ((image: number) => number) | undefined,
): Part {
  const inputs = imageBytes(frame.shape);
  return {
    count: total,
    async open(first) {
      let index = first;
      let labelIndex = first;
      const memory = smallMemory();
      let turnAt = performance.now() + TURN_MS;
      return {
        images: {
          async read(into) {
            for (let at = 0; at < into.length; at += inputs, index++) {
              const { path, bytes } = files.read(index, memory);
              const slow = frameInto(frame, bytes, path, into, at);
              if (slow !== undefined) await slow;
              if (performance.now() < turnAt) continue;
              await setImmediate();
              assertLoading();
              turnAt = performance.now() + TURN_MS;
            }
          },
          async finish() {},
          async close() {},
        },
        labels: labelOf && {
          async read(into) {
            for (let n = 0; n < into.length; n++) into[n] = labelOf(labelIndex++);
          },
          async finish() {},
          async close() {},
        },
        async finish() {},
      };
    },
  };
}
