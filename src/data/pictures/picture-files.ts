/** The files of a folder of pictures, read one after the other. */

import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from "node:fs";
import { join, relative } from "node:path";
import { setImmediate } from "node:timers/promises";
import { assertLoading } from "#src/base/abort.js";
import { grouped } from "#src/base/errors/define.js";
import { FileError } from "#src/base/errors.js";
import { isAbsent, readFault } from "#src/files/read-file.js";
import type { PictureGroup } from "./find-pictures.js";
import { MAX_PICTURE_BYTES } from "./read-png.js";

/** Pictures whose bytes are hashed where a set is hashed by samples. */
const SAMPLES = 1_024;
/** Time of reading after which the event loop gets a turn. */
export const TURN_MS = 8;
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Memory that files are read into, one after the other. */
interface Memory {
  bytes: Uint8Array;
}
export const smallMemory = (): Memory => ({ bytes: new Uint8Array(2 ** 16) });

/** The files of the pictures, by their index. Each must stay as it was when it was first looked at. */
export class PictureFiles {
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
