/** Content of a file piece by piece, plain or from one gzip member. Its length need not be known. */

import { pipeline, Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { crc32, createInflateRaw } from "node:zlib";
import type { FileStamp } from "#src/base/contracts/dataset.js";
import { BatchwiseError } from "#src/base/errors.js";
import { assertTrailer, corrupt, isGzip, openGzip, TRAILER_BYTES } from "./inflate.js";
import type { PipeLimits } from "./pipe.js";
import { type ByteSource, openRegularFileNow, readFault, readInto, sourceOf, withFile } from "./read-file.js";

/** Bytes of a piece: some milliseconds of work between two turns of the event loop. */
const PIECE_BYTES = 2 ** 20;
/** A gzip header with a file name and the longest extra field fits into this. */
const HEAD_BYTES = 128 * 1024;

/** A file whose beginning was read. */
export interface ContentFile {
  readonly path: string;
  /** All bytes of a pipe. */
  readonly bytes: Uint8Array | undefined;
  readonly sizeBytes: number;
  /** Where the deflate stream begins; undefined where the file is not gzipped. */
  readonly deflateAt: number | undefined;
  readonly stamp: FileStamp;
}

/** @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY; DatasetError ERR_GZIP_CORRUPT */
export function openContent(path: string, canBegin: PipeLimits["canBegin"]): Promise<ContentFile> {
  const read = async ({ bytes, stamp, ...file }: Parameters<Parameters<typeof withFile>[1]>[0]) => {
    const { sizeBytes } = file;
    const head = bytes ?? new Uint8Array(Math.min(HEAD_BYTES, sizeBytes));
    if (bytes === undefined) await readInto(file, head, 0);
    const deflateAt = isGzip(head) ? head.length - openGzip(head, path).deflate.length : undefined;
    return { path, bytes, sizeBytes, deflateAt, stamp };
  };
  return withFile(path, read, { canBegin });
}

/**
 * Content from byte `from` on. A gzipped file is unpacked from its beginning, and verified at its end.
 *
 * @throws FileError ERR_FILE_READ, ERR_DATASET_CHANGED; DatasetError ERR_GZIP_CORRUPT, ERR_GZIP_TRAILING
 */
export async function* contentPieces(file: ContentFile, from = 0): AsyncGenerator<Uint8Array> {
  const { path, bytes, stamp, deflateAt } = file;
  const opened = bytes === undefined ? openRegularFileNow(path, stamp) : undefined;
  const source = opened ?? sourceOf(bytes ?? new Uint8Array());
  try {
    if (deflateAt === undefined) {
      yield* plainPieces(source, from);
      return;
    }
    let left = from;
    for await (const piece of inflatedPieces(file, source, deflateAt)) {
      const isWanted = piece.length > left;
      if (isWanted) yield piece.subarray(left);
      left = Math.max(0, left - piece.length);
    }
  } catch (error) {
    throw readFault(path, error);
  } finally {
    await opened?.close();
  }
}

async function* plainPieces(source: ByteSource, from: number): AsyncGenerator<Uint8Array> {
  for (let position = from; ; position += PIECE_BYTES) {
    const piece = new Uint8Array(PIECE_BYTES);
    const found = await readInto(source, piece, position);
    if (found > 0) yield piece.subarray(0, found);
    if (found < PIECE_BYTES) return;
    // Bytes in memory are read without a turn.
    await setImmediate();
  }
}

async function* inflatedPieces(
  { path, sizeBytes }: ContentFile,
  source: ByteSource,
  deflateAt: number,
): AsyncGenerator<Uint8Array> {
  const inflater = createInflateRaw({ chunkSize: PIECE_BYTES });
  let isEnded = false;
  async function* packed(): AsyncGenerator<Uint8Array> {
    for (let position = deflateAt; !isEnded; position += PIECE_BYTES) {
      const bytes = new Uint8Array(PIECE_BYTES);
      const found = await readInto(source, bytes, position);
      if (found === 0) return;
      yield bytes.subarray(0, found);
    }
  }
  inflater.once("end", () => {
    isEnded = true;
  });
  // An error of the source comes out of the inflater too.
  pipeline(Readable.from(packed(), { objectMode: false }), inflater, () => {});
  let [crc, contentBytes] = [0, 0];
  try {
    for await (const piece of inflater as AsyncIterable<Uint8Array>) {
      crc = crc32(piece, crc);
      contentBytes += piece.length;
      yield piece;
    }
  } catch (error) {
    throw error instanceof BatchwiseError ? error : corrupt(path, error);
  }
  const trailer = new Uint8Array(TRAILER_BYTES);
  const endAt = deflateAt + inflater.bytesWritten;
  const read = trailer.subarray(0, await readInto(source, trailer, endAt));
  assertTrailer(path, read, { crc, contentBytes, trailingBytes: sizeBytes - endAt - TRAILER_BYTES });
}
