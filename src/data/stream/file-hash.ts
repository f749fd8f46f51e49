/** A SHA-256 of files as they are read, and of what stands in for the longest of them. */
import { createHash, type Hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { readInto, withFile } from "#src/files/read-file.js";

/** Files up to this length are hashed whole. */
const WHOLE_BYTES = 2 ** 20;
/** Of longer ones, so many pieces at even distances, the first and the last bytes among them. */
const PIECES = 16;
const PIECE_BYTES = WHOLE_BYTES / PIECES;

/** Takes a file's bytes in order; those that nobody gave it, such as headers, it reads by itself. */
export class FileHash {
  readonly #hash = createHash("sha256");
  /** Of the file that is being read. */
  #doneBytes = 0;

  /** The file's bytes from `position` on, which is not before the end of those that were added. */
  async add(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
    await this.#catchUp(handle, position);
    this.#hash.update(bytes);
    this.#doneBytes += bytes.length;
  }

  /** The rest of the file; the next bytes are of another. */
  async finishFile(handle: FileHandle, sizeBytes: number): Promise<void> {
    await this.#catchUp(handle, sizeBytes);
    this.#doneBytes = 0;
  }

  digest(): string {
    return this.#hash.digest("hex");
  }

  async #catchUp(handle: FileHandle, position: number): Promise<void> {
    while (this.#doneBytes < position) {
      const piece = new Uint8Array(Math.min(PIECE_BYTES, position - this.#doneBytes));
      const found = await readInto(handle, piece, this.#doneBytes);
      // A file that was cut meanwhile has another hash than the whole one.
      if (found === 0) return;
      this.#hash.update(piece.subarray(0, found));
      this.#doneBytes += found;
    }
  }
}

/**
 * What tells files apart without reading them all: SHA-256, hex, of the files one behind the other, where of a file longer
 * than 1 MiB stand its length in bytes, in decimal digits, and 16 pieces of 64 KiB; piece k of 0 to 15 begins at byte
 * ⌊k · (length − 64 KiB) ÷ 15⌋. Of short files it is the SHA-256 of their bytes.
 *
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY
 */
export async function fingerprint(paths: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const path of paths) await withFile(path, (handle, sizeBytes) => addTo(hash, handle, sizeBytes));
  return hash.digest("hex");
}

async function addTo(hash: Hash, handle: FileHandle, sizeBytes: number): Promise<void> {
  const isWhole = sizeBytes <= WHOLE_BYTES;
  if (!isWhole) hash.update(String(sizeBytes));
  const pieces = isWhole ? 1 : PIECES;
  const piece = new Uint8Array(isWhole ? sizeBytes : PIECE_BYTES);
  for (let k = 0; k < pieces; k++) {
    const position = isWhole ? 0 : Math.floor((k * (sizeBytes - PIECE_BYTES)) / (PIECES - 1));
    hash.update(piece.subarray(0, await readInto(handle, piece, position)));
  }
}
