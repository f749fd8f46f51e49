/** SHA-256 of files: of all their bytes, of bytes as they are read, and of samples of long files. */

import { createHash } from "node:crypto";
import { assertLoading } from "#src/base/abort.js";
import type { FileStamp } from "#src/base/contracts/dataset.js";
import {
  assertUnchanged,
  type ByteSource,
  openRegularFileNow,
  readFault,
  readInto,
  sourceOf,
} from "#src/files/read-file.js";

/** Files up to this length are hashed whole in a sampled hash. */
const WHOLE_BYTES = 2 ** 20;
/** Pieces of a longer file, at even distances; the first and the last bytes are among them. */
const PIECES = 16;
const PIECE_BYTES = WHOLE_BYTES / PIECES;
/** Bytes read at once to be hashed: few reads, and a piece stays in a core's cache. */
const READ_BYTES = 256 * 1024;

/** Hashes files whose bytes are added in order. Bytes that were not added, such as headers, it reads by itself. */
export class FileHash {
  readonly #hash = createHash("sha256");
  /** Bytes of the current file that are hashed. */
  #doneBytes = 0;
  #piece: Uint8Array | undefined;

  /** Adds the file's bytes from `position` on, which is not before the end of the bytes added before. */
  async add(handle: ByteSource, bytes: Uint8Array, position: number): Promise<void> {
    await this.#catchUp(handle, position);
    this.#hash.update(bytes);
    this.#doneBytes += bytes.length;
  }

  /** Adds all bytes of a file, or a piece of one. */
  addFile(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** Adds the rest of the file; the next bytes belong to another file. `onRead` may end the reading with an error. */
  async finishFile(handle: ByteSource, sizeBytes: number, onRead?: () => void): Promise<void> {
    await this.#catchUp(handle, sizeBytes, onRead);
    this.#doneBytes = 0;
  }

  digest(): string {
    return this.#hash.digest("hex");
  }

  async #catchUp(handle: ByteSource, position: number, onRead = () => {}): Promise<void> {
    while (this.#doneBytes < position) {
      this.#piece ??= new Uint8Array(READ_BYTES);
      const piece = this.#piece.subarray(0, position - this.#doneBytes);
      const found = await readInto(handle, piece, this.#doneBytes);
      // A file that was cut meanwhile has another hash than the whole one.
      if (found === 0) return;
      onRead();
      this.#hash.update(piece.subarray(0, found));
      this.#doneBytes += found;
    }
  }
}

/** A file whose head was read: all its bytes where it is short or a pipe, and its state at that time. */
export interface KnownFile {
  readonly path: string;
  readonly bytes: Uint8Array | undefined;
  readonly stamp: FileStamp;
}

/**
 * SHA-256, hex, of the files' bytes, one file behind the other.
 *
 * If `isSampled`, files are distinguished without reading them whole: a file longer than 1 MiB is represented by its length in
 * bytes, in decimal digits, and 16 pieces of 64 KiB; piece k of 0 to 15 begins at byte ⌊k · (length − 64 KiB) ÷ 15⌋.
 *
 * @throws FileError ERR_FILE_READ, ERR_DATASET_CHANGED
 */
export async function hashOfFiles(files: readonly KnownFile[], isSampled: boolean): Promise<string> {
  const hash = new FileHash();
  for (const file of files) await addKnownFile(hash, file, isSampled);
  return hash.digest();
}

/** Whether the sampled hash of a file has less than its bytes. */
export function isLongerThanSamples(sizeBytes: number): boolean {
  return sizeBytes > WHOLE_BYTES;
}

/** Adds a file: from memory if its bytes are there, since these are evaluated. */
export async function addKnownFile(hash: FileHash, file: KnownFile, isSampled = false): Promise<void> {
  const { path, bytes, stamp } = file;
  if (bytes !== undefined) {
    return isSampled ? addSamples(hash, sourceOf(bytes), bytes.length) : hash.addFile(bytes);
  }
  const handle = openRegularFileNow(path, stamp);
  try {
    const { sizeBytes } = handle;
    await (isSampled
      ? addSamples(hash, handle, sizeBytes)
      : hash.finishFile(handle, sizeBytes, assertLoading));
    assertUnchanged(path, stamp);
  } catch (error) {
    throw readFault(path, error);
  } finally {
    await handle.close();
  }
}

async function addSamples(hash: FileHash, handle: ByteSource, sizeBytes: number): Promise<void> {
  const isWhole = !isLongerThanSamples(sizeBytes);
  if (!isWhole) hash.addFile(Buffer.from(String(sizeBytes)));
  const pieces = isWhole ? 1 : PIECES;
  const piece = new Uint8Array(isWhole ? sizeBytes : PIECE_BYTES);
  for (let k = 0; k < pieces; k++) {
    const position = isWhole ? 0 : Math.floor((k * (sizeBytes - PIECE_BYTES)) / (PIECES - 1));
    hash.addFile(piece.subarray(0, await readInto(handle, piece, position)));
  }
}
