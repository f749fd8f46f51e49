/** The elements of a gzipped IDX file, inflated on a thread of libuv piece by piece, and verified to the last byte. */
import type { FileHandle } from "node:fs/promises";
import { pipeline, Readable } from "node:stream";
import { crc32, createInflateRaw } from "node:zlib";
import { BatchwiseError, DatasetError } from "#src/base/errors.js";
import { assertTrailer, corrupt, TRAILER_BYTES } from "#src/files/inflate.js";
import { readFault, readInto } from "#src/files/read-file.js";
import type { FileHash } from "./file-hash.js";
import type { Elements, IdxHead } from "./idx-head.js";

/** Read, and unpacked, at once: a message to another thread is then a small part of its work. */
const COMPRESSED_PIECE_BYTES = 64 * 1024;
const CONTENT_PIECE_BYTES = 256 * 1024;

export interface GzipHead extends IdxHead {
  readonly deflateAt: number;
}

export async function gzipElements(
  { path, header, sizeBytes, deflateAt }: GzipHead,
  handle: FileHandle,
  first: number,
  hash: FileHash | undefined,
): Promise<Elements> {
  const inflater = createInflateRaw({ chunkSize: CONTENT_PIECE_BYTES });
  // An error of the file's comes out of the inflater too, where it is read.
  pipeline(Readable.from(compressed(), { objectMode: false }), inflater, () => {});
  const pieces: AsyncIterator<Uint8Array> = inflater[Symbol.asyncIterator]();
  /** Of the content: what was unpacked and not yet read. */
  let piece: Uint8Array = new Uint8Array(0);
  let contentBytes = 0;
  let crc = 0;
  let isEnded = false;

  async function* compressed(): AsyncGenerator<Uint8Array> {
    for (let position = deflateAt; ; ) {
      const bytes = new Uint8Array(COMPRESSED_PIECE_BYTES);
      const found = await readInto(handle, bytes, position).catch((error: unknown) => {
        throw readFault(path, error);
      });
      // The inflater asks for a little more than it needs.
      if (found === 0 || isEnded) return;
      const read = bytes.subarray(0, found);
      await hash?.add(handle, read, position);
      position += found;
      yield read;
    }
  }

  /** False where the content has ended. */
  async function unpackNext(): Promise<boolean> {
    const { value, done } = await pieces.next().catch((error: unknown) => {
      throw error instanceof BatchwiseError ? error : corrupt(path, error);
    });
    if (done === true) return false;
    piece = value;
    contentBytes += piece.length;
    crc = crc32(piece, crc);
    if (contentBytes > header.totalBytes) {
      throw new DatasetError("ERR_IDX_TRAILING", { path, expectedBytes: header.totalBytes });
    }
    return true;
  }

  /** Calls `use` with the next so many bytes, piece by piece, and how many were before. */
  async function take(count: number, use: (bytes: Uint8Array, before: number) => void): Promise<void> {
    for (let done = 0; done < count; ) {
      if (piece.length === 0 && !(await unpackNext())) {
        await verify();
        const facts = { path, expectedBytes: header.totalBytes, actualBytes: contentBytes, inflated: true };
        throw new DatasetError("ERR_IDX_TRUNCATED", facts);
      }
      const bytes = piece.subarray(0, count - done);
      piece = piece.subarray(bytes.length);
      use(bytes, done);
      done += bytes.length;
    }
  }

  async function verify(): Promise<void> {
    isEnded = true;
    const trailer = new Uint8Array(TRAILER_BYTES);
    const trailerAt = deflateAt + inflater.bytesWritten;
    const found = await readInto(handle, trailer, trailerAt).catch((error: unknown) => {
      throw readFault(path, error);
    });
    const trailingBytes = sizeBytes - trailerAt - TRAILER_BYTES;
    assertTrailer(path, trailer.subarray(0, found), { crc, contentBytes, trailingBytes });
  }

  const elements: Elements = {
    read: (into) => take(into.length, (bytes, before) => into.set(bytes, before)),
    async finish() {
      // Nothing is left of the last piece, or it would have been too long.
      while (await unpackNext());
      await verify();
      await hash?.finishFile(handle, sizeBytes);
    },
    async close() {
      inflater.destroy();
      await handle.close();
    },
  };
  try {
    await take(header.headerBytes + first, () => {});
  } catch (error) {
    await elements.close();
    throw error;
  }
  return elements;
}
