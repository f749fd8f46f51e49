/** A folder of pictures, PNG or JPEG: one folder for each class, as torchvision's ImageFolder and Keras read it, or a flat one without labels. */

import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from "node:fs";
import { join, relative } from "node:path";
import { setImmediate } from "node:timers/promises";
import { assertLoading } from "#src/base/abort.js";
import type { Assumption } from "#src/base/assumptions.js";
import { type ClassOrder, type Dataset, imageBytes } from "#src/base/contracts/dataset.js";
import { grouped } from "#src/base/errors/define.js";
import { DatasetError, FileError } from "#src/base/errors.js";
import { isAbsent, readFault } from "#src/files/read-file.js";
import {
  type FoundPictures,
  findPictures,
  leftOutText,
  type PictureGroup,
} from "./pictures/find-pictures.js";
import { type Frame, frameInto, frameOf, type PictureOptions, type Probe, probed } from "./pictures/frame.js";
import { MAX_PICTURE_BYTES } from "./pictures/read-png.js";
import type { GivenFacts } from "./stream/idx-set.js";
import { datasetOf, type Part } from "./stream/slab-reader.js";

export interface PictureFolderOptions extends PictureOptions {
  readonly classOrder?: ClassOrder | undefined;
  /** Whether every byte of every picture is hashed. */
  readonly verify?: boolean | undefined;
}

/** Pictures at even distances whose headers are read at first. */
const PROBES = 64;
/** Sets of more pictures, or of more bytes by the first ones, are hashed by samples. */
const [WHOLE_PICTURES, WHOLE_BYTES] = [16_384, 16 * 2 ** 20];
const SAMPLES = 1_024;
/** Time of reading after which the event loop gets a turn. */
const TURN_MS = 8;

/**
 * @throws DatasetError ERR_DATASET_SPLIT, ERR_DATASET_FORMAT, ERR_DATASET_SHAPE; PictureError ERR_PICTURE_FORMAT, ERR_PICTURE_SIZE;
 *   FileError ERR_FILE_READ, ERR_FILE_EMPTY. The slabs throw the same, and ERR_DATASET_CHANGED, ERR_PICTURE_BLANK
 */
export async function openPictureFolder(
  path: string,
  given: Omit<GivenFacts, "labelsPath">,
  labelled: boolean,
  options: PictureFolderOptions = {},
): Promise<Dataset> {
  const found = await findPictures(path, given.split);
  const { total, leftOut } = found;
  if (labelled && found.classes === undefined) {
    throw new DatasetError("ERR_DATASET_FORMAT", {
      path,
      expected: "a folder of pictures for each class",
      found: `${grouped(total)} pictures without one`,
      next: "move them into folders named by their classes, or set --no-labels",
    });
  }
  const classes = labelled ? orderedClasses(found, given.name, options.classOrder) : undefined;
  const files = new PictureFiles(path, found.groups, total);
  const { probes, averageBytes } = await firstPictures(files, total);
  const frame = frameOf(probes, given.name, options);
  const isSampled = !options.verify && (total > WHOLE_PICTURES || averageBytes * total > WHOLE_BYTES);
  return datasetOf({
    facts: {
      ...given,
      classNames: given.classNames ?? classes?.names,
      labelsPath: labelled ? path : undefined,
      shape: frame.shape,
      total,
      isDeflated: true,
      ...(isSampled && { isSampled }),
      assumptions: [
        ...(given.assumptions ?? []),
        ...(classes?.assumptions ?? []),
        ...(leftOut.length > 0
          ? [{ subject: "pictures", what: leftOutText(leftOut), source: given.name, option: null } as const]
          : []),
        ...frame.assumptions,
      ],
    },
    parts: [partOf(files, total, frame, classes?.labels)],
    sha256: () => files.digest(isSampled),
  });
}

interface Classes {
  /** Label of each class folder, in text order. */
  readonly labels: readonly number[];
  /** Names by label; undefined where the labels have gaps. */
  readonly names: readonly string[] | undefined;
  readonly assumptions: readonly Assumption[];
}

const NUMBER = /^\d{1,3}$/;
const MOST_LABEL = 255;

function orderedClasses(
  { classes = [] }: FoundPictures,
  source: string,
  order: ClassOrder | undefined,
): Classes {
  const numbers = classes.every((name) => NUMBER.test(name)) ? classes.map(Number) : undefined;
  if (order === "numeric") {
    if (
      numbers === undefined ||
      new Set(numbers).size < numbers.length ||
      Math.max(...numbers) > MOST_LABEL
    ) {
      const found =
        classes.find((name) => !NUMBER.test(name) || Number(name) > MOST_LABEL) ?? "two of one number";
      const next = "set --class-order text";
      throw new DatasetError("ERR_DATASET_FORMAT", {
        path: source,
        expected: "class folders named by numbers, 0 to 255",
        found,
        next,
      });
    }
    const names = numbers.map((_, label) => classes[numbers.indexOf(label)]);
    const isDense = names.every((name) => name !== undefined);
    return { labels: numbers, names: isDense ? names : undefined, assumptions: [] };
  }
  const isSame = numbers?.every((number, label) => number === label) ?? true;
  const other = classes.findIndex((_, label) => numbers?.[label] !== label);
  const what = `class folders in text order, as torchvision and Keras have them: "${classes[other]}" is label ${other}`;
  return {
    labels: classes.map((_, label) => label),
    names: classes,
    assumptions:
      isSame || order !== undefined ? [] : [{ subject: "labels", what, source, option: "--class-order" }],
  };
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
  labels: readonly number[] | undefined,
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
        labels: labels && {
          async read(into) {
            for (let n = 0; n < into.length; n++) into[n] = labels[files.labelOf(labelIndex++)]!;
          },
          async finish() {},
          async close() {},
        },
        async finish() {},
      };
    },
  };
}

const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Memory that files are read into, one after the other. */
interface Memory {
  bytes: Uint8Array;
}
const smallMemory = (): Memory => ({ bytes: new Uint8Array(2 ** 16) });

/** The files of the pictures, by their index. Each must stay as it was when it was first looked at. */
class PictureFiles {
  readonly #root: string;
  readonly #groups: readonly PictureGroup[];
  /** Index of each group's first picture. */
  readonly #starts: readonly number[];
  /** (total) state of each file that was looked at; 0 where it was not. */
  readonly #states: Float64Array;
  /** Group of the last picture: pictures are read in order. */
  #near = 0;

  constructor(root: string, groups: readonly PictureGroup[], total: number) {
    let start = 0;
    this.#root = root;
    this.#groups = groups;
    this.#starts = groups.map(({ names }) => {
      start += names.length;
      return start - names.length;
    });
    this.#states = new Float64Array(total);
  }

  /** Position of the class folder in text order. */
  labelOf(index: number): number {
    return this.#groupOf(index).group.label;
  }

  pathOf(index: number): string {
    const { group, start } = this.#groupOf(index);
    return join(group.folder, group.names[index - start]!);
  }

  #groupOf(index: number): { readonly group: PictureGroup; readonly start: number } {
    if (index < this.#starts[this.#near]!) this.#near = 0;
    while (index >= (this.#starts[this.#near + 1] ?? Number.POSITIVE_INFINITY)) this.#near++;
    return { group: this.#groups[this.#near]!, start: this.#starts[this.#near]! };
  }

  /**
   * The bytes of a picture, on the calling thread, since a small file takes some microseconds. `memory` grows as needed, and is
   * filled again by the next read.
   *
   * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_DATASET_CHANGED
   */
  read(index: number, memory: Memory): { readonly path: string; readonly bytes: Uint8Array } {
    const path = this.pathOf(index);
    try {
      const file = openSync(path, OPEN_FLAGS);
      try {
        const stats = fstatSync(file);
        this.#check(path, index, stats);
        if (stats.size > memory.bytes.length) memory.bytes = new Uint8Array(stats.size);
        const { bytes } = memory;
        let filled = 0;
        for (let found = -1; found !== 0 && filled < stats.size; filled += found) {
          found = readSync(file, bytes, filled, stats.size - filled, filled);
        }
        return { path, bytes: bytes.subarray(0, filled) };
      } finally {
        closeSync(file);
      }
    } catch (error) {
      if (isAbsent(error))
        throw new FileError("ERR_DATASET_CHANGED", { path, found: "none" }, { cause: error });
      throw readFault(path, error);
    }
  }

  #check(path: string, index: number, stats: Stats): void {
    if (!stats.isFile()) throw new FileError("ERR_FILE_READ", { path, reason: "it is no file" });
    if (stats.size === 0) throw new FileError("ERR_FILE_EMPTY", { path });
    if (stats.size > MAX_PICTURE_BYTES) {
      const reason = `it has ${grouped(stats.size)} bytes, more than ${grouped(MAX_PICTURE_BYTES)}`;
      throw new FileError("ERR_FILE_READ", { path, reason });
    }
    // Both numbers of one that is written again differ in the last digits.
    const state = stats.mtimeMs + stats.ctimeMs + stats.size;
    const known = this.#states[index]!;
    if (known !== 0 && known !== state) {
      throw new FileError("ERR_DATASET_CHANGED", { path, found: "another content or another file" });
    }
    this.#states[index] = state;
  }

  /** SHA-256, hex, of each picture's path, length and bytes, in order; if sampled, of the bytes of 1,024 pictures. */
  async digest(isSampled: boolean): Promise<string> {
    const hash = createHash("sha256");
    const memory = smallMemory();
    const total = this.#states.length;
    const step = isSampled ? Math.max(1, Math.floor(total / SAMPLES)) : 1;
    let turnAt = performance.now() + TURN_MS;
    for (let index = 0; index < total; index++) {
      const path = this.pathOf(index);
      const name = relative(this.#root, path);
      if (index % step === 0) {
        const { bytes } = this.read(index, memory);
        hash.update(`${name}\n${bytes.length}\n`).update(bytes);
      } else {
        hash.update(`${name}\n${this.#sizeOf(path, index)}\n`);
      }
      if (performance.now() < turnAt) continue;
      await setImmediate();
      assertLoading();
      turnAt = performance.now() + TURN_MS;
    }
    return hash.digest("hex");
  }

  #sizeOf(path: string, index: number): number {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) throw new FileError("ERR_DATASET_CHANGED", { path, found: "none" });
    this.#check(path, index, stats);
    return stats.size;
  }
}
