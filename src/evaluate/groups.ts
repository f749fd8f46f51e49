/** Groups of images: from a file, from a column of the set, or from the folders of pictures. */

import type { Dataset } from "#src/base/contracts/dataset.js";
import { DatasetError } from "#src/base/errors.js";
import { SET_GROUPS } from "#src/base/options/answer.js";
import { printable } from "#src/base/text.js";
import { delimitedRows } from "#src/files/delimited.js";
import { readWholeFile } from "#src/files/read-file.js";

/** Most bytes of a file of groups. */
const LIMIT_BYTES = 2 ** 30;
/** Names of a column that counts the images. */
const COUNTING = /^(index|image)$/;
/** Most groups: the answer lists all of them. */
const MOST_GROUPS = 10_000;

/** The group of each image. */
interface Groups {
  readonly path: string;
  /** Names of the groups, sorted by their characters. */
  readonly names: readonly string[];
  /** (images) index of each image's group. */
  readonly groupOf: Uint16Array<ArrayBuffer>;
}

/**
 * Reads the group of each image, in the order of the images: a name per line, or the column `group` of a CSV. A column `index`
 * or `image` beside it must count the images from 0. Other columns may name the images in another order, so they are refused.
 *
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY; DatasetError ERR_GROUPS_FILE
 */
async function readGroups(path: string): Promise<Groups> {
  const bytes = await readWholeFile(path, LIMIT_BYTES);
  const refuse = (expected: string, found: string): never => {
    throw new DatasetError("ERR_GROUPS_FILE", { path, expected, found });
  };
  const coder = new GroupCoder(path);
  let names: readonly string[] | undefined;
  let image = 0;
  const refuseLine = (line: number, expected: string, found: string) =>
    refuse(`${expected} on line ${line}`, found);
  for (const { line, cells } of delimitedRows(bytes, refuseLine)) {
    if (names === undefined) {
      const isHeader = cells.includes("group");
      const other = cells.find((name) => name !== "group" && !COUNTING.test(name));
      if (cells.length > 1 && (!isHeader || other !== undefined)) {
        refuse(
          "a column group, alone or beside index, in the order of the images",
          `"${printable(other ?? "")}"`,
        );
      }
      names = isHeader ? cells : ["group"];
      if (isHeader) continue;
    }
    if (cells.length !== names.length) refuseLine(line, `${names.length} cells`, `${cells.length}`);
    const index = cells[names.findIndex((name) => COUNTING.test(name))];
    if (index !== undefined && index !== `${image}`) refuseLine(line, `image ${image}`, printable(index));
    const name = cells[names.indexOf("group")] ?? "";
    if (name === "") refuseLine(line, "the name of a group", "none");
    coder.add(name);
    image++;
  }
  return coder.groups();
}

/** Numbers the names of groups, image by image. */
class GroupCoder {
  readonly #path: string;
  readonly #indexOf = new Map<string, number>();
  readonly #codes: number[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  add(name: string): void {
    const index = this.#indexOf.get(name) ?? this.#indexOf.size;
    if (index === MOST_GROUPS) {
      const facts = { path: this.#path, expected: `at most ${MOST_GROUPS} groups`, found: "more" };
      throw new DatasetError("ERR_GROUPS_FILE", facts);
    }
    this.#indexOf.set(name, index);
    this.#codes.push(index);
  }

  groups(): Groups {
    const names = [...this.#indexOf.keys()].sort();
    const sorted = new Map(names.map((name, place) => [this.#indexOf.get(name), place]));
    return {
      path: this.#path,
      names,
      groupOf: Uint16Array.from(this.#codes, (code) => sorted.get(code) ?? 0),
    };
  }
}

/** Reads groups once the data set is open. A file of groups was read before. */
export type GroupSource = (dataset: Dataset) => Promise<Groups>;

/** @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY; DatasetError ERR_GROUPS_FILE */
export async function groupSource(rule: string): Promise<GroupSource> {
  const words = SET_GROUPS.exec(rule);
  if (words === null) {
    const groups = await readGroups(rule);
    return async () => groups;
  }
  const by = words[1] === undefined ? Number(words[2]) : "column";
  return async (dataset) => {
    const { name } = dataset.facts;
    const coder = new GroupCoder(name);
    if (dataset.groups === undefined) {
      const expected = by === "column" ? "a CSV table" : "pictures in folders";
      const found = "a set without groups: set --groups to a file";
      throw new DatasetError("ERR_GROUPS_FILE", { path: name, expected, found });
    }
    for await (const group of dataset.groups(by)) coder.add(group);
    return coder.groups();
  };
}
