/** The header of a gzip member, field by field (RFC 1952, section 2.3). */

import type { NonSharedBuffer } from "node:buffer";
import { constants, crc32, createInflateRaw, inflateRaw, inflateRawSync } from "node:zlib";
import { grouped } from "#src/base/errors/define.js";
import { DatasetError, reasonOf } from "#src/base/errors.js";
import { slices } from "./read-file.js";

const ID1 = 0x1f;
const ID2 = 0x8b;
const CM_DEFLATE = 8;
/** ID1 ID2 CM FLG, MTIME (4), XFL, OS. */
const FIXED_BYTES = 10;
const FHCRC = 0x02;
const FEXTRA = 0x04;
const FNAME = 0x08;
const FCOMMENT = 0x10;
/** "Reserved FLG bits must be zero." */
const RESERVED = 0xe0;

/** By content, not by name: 1f 8b opens every gzip member, and no IDX file. */
export function isGzip(file: Uint8Array): boolean {
  return file[0] === ID1 && file[1] === ID2;
}

/**
 * Index of the first byte behind the header, where the deflate stream begins.
 *
 * @throws DatasetError ERR_GZIP_CORRUPT when the header is cut, asks for what RFC 1952 does not define, or
 *   fails its own checksum.
 */
export function gzipHeaderBytes(file: Uint8Array, path: string): number {
  const corrupt = (reason: string) => new DatasetError("ERR_GZIP_CORRUPT", { path, reason });
  const byteAt = (at: number): number => {
    const byte = file[at];
    if (byte === undefined) throw corrupt("it ends within its header");
    return byte;
  };
  const uint16At = (at: number): number => byteAt(at) | (byteAt(at + 1) << 8);
  const behindZero = (from: number): number => {
    const zeroAt = file.indexOf(0, from);
    if (zeroAt < 0) throw corrupt("it ends within its header");
    return zeroAt + 1;
  };

  const method = byteAt(2);
  const flags = byteAt(3);
  byteAt(FIXED_BYTES - 1);
  if (method !== CM_DEFLATE) throw corrupt(`compression method ${method} instead of ${CM_DEFLATE}`);
  if (flags & RESERVED) throw corrupt(`reserved header flags 0x${(flags & RESERVED).toString(16)}`);

  let at = FIXED_BYTES;
  if (flags & FEXTRA) at += 2 + uint16At(at);
  if (flags & FNAME) at = behindZero(at);
  if (flags & FCOMMENT) at = behindZero(at);
  if (flags & FHCRC) {
    const found = uint16At(at);
    if (found !== (crc32(file.subarray(0, at)) & 0xffff)) throw corrupt("the header fails its checksum");
    at += 2;
  }
  if (at > file.length) throw corrupt("it ends within its header");
  return at;
}

// Inflates a deflate stream in memory (RFC 1951) to a known length and never beyond. Faults are zlib's own errors.

/** A match yields 258 bytes at most and costs two bits at least, so no byte of deflate yields more than this. */
export const MAX_EXPANSION = 258 * 4;
/** zlib takes no output buffer smaller than this. */
const MIN_CHUNK_BYTES = 64;
/** So much of a stream is unpacked at once, on the calling thread: two megabytes come of it at most. */
const FIRST_BYTES = 2048;

export interface Inflated {
  readonly content: Uint8Array<ArrayBuffer>;
  /** Bytes of input that belong to the deflate stream. */
  readonly deflateBytes: number;
}

/** The first `countBytes` bytes, or all if there are fewer; no more than that, or a little, is unpacked in one go. */
export async function inflateStart(deflate: Uint8Array, countBytes: number): Promise<Uint8Array> {
  // The first bytes nearly always suffice, and to unpack these takes less time than to set up a stream.
  const first = inflateRawSync(deflate.subarray(0, FIRST_BYTES), { finishFlush: constants.Z_SYNC_FLUSH });
  if (first.length >= countBytes) return first.subarray(0, countBytes);
  const inflater = createInflateRaw({ chunkSize: Math.max(countBytes, MIN_CHUNK_BYTES) });
  inflater.end(deflate);
  const chunks: Uint8Array[] = [];
  let foundBytes = 0;
  for await (const chunk of inflater as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    foundBytes += chunk.length;
    if (foundBytes >= countBytes) break; // Leaving the loop destroys the stream.
  }
  return Buffer.concat(chunks, Math.min(foundBytes, countBytes));
}

/**
 * The whole content, of `limitBytes` bytes (one or more) at most, on a thread of libuv; zlib's error where it would be
 * longer has the code that `isTooLong` knows.
 */
export function inflateAtMost(deflate: Uint8Array, limitBytes: number): Promise<Inflated> {
  // One buffer with room for all and one byte more: nothing is copied together, and a byte too many shows.
  const chunkSize = Math.max(limitBytes + 1, MIN_CHUNK_BYTES);
  return new Promise((resolve, reject) => {
    inflateRaw(deflate, { info: true, chunkSize, maxOutputLength: limitBytes }, (error, result) => {
      if (error !== null) return reject(error);
      // With `info`, zlib answers with the engine too, which its types leave out.
      const { buffer, engine } = result as unknown as {
        buffer: NonSharedBuffer;
        engine: { bytesWritten: number };
      };
      resolve({ content: buffer, deflateBytes: engine.bytesWritten });
    });
  });
}

export function isTooLong(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
}

// Exact gunzip of a file in memory: one member, whole, of the length expected, and nothing behind it.

/** CRC-32 and ISIZE, four bytes each, little-endian (RFC 1952, section 2.3.1). */
export const TRAILER_BYTES = 8;

/** A gzip file in memory whose header has been read. */
export interface GzipFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** The deflate stream, and all that follows it. */
  readonly deflate: Uint8Array;
}

/** @throws DatasetError ERR_GZIP_CORRUPT when the gzip header is damaged. */
export function openGzip(bytes: Uint8Array, path: string): GzipFile {
  return { path, bytes, deflate: bytes.subarray(gzipHeaderBytes(bytes, path)) };
}

/**
 * The first `countBytes` bytes of the content, or all of it if there are fewer; no more than that is unpacked
 * in one go, and nothing is verified yet.
 *
 * @throws DatasetError ERR_GZIP_CORRUPT when the stream is damaged before that.
 */
export async function inflateFirst({ path, deflate }: GzipFile, countBytes: number): Promise<Uint8Array> {
  try {
    return await inflateStart(deflate, countBytes);
  } catch (error) {
    throw corrupt(path, error);
  }
}

/**
 * The whole content, which must have `expectedBytes` bytes exactly (one or more); CRC-32 and length are verified. Inflating
 * runs on a thread of libuv, and stops at the first byte too many.
 *
 * @throws DatasetError ERR_IDX_TRUNCATED or ERR_IDX_TRAILING when the content is shorter or longer;
 *   ERR_GZIP_CORRUPT when it is damaged; ERR_GZIP_TRAILING when anything follows the member.
 */
export async function inflateExactly(
  file: GzipFile,
  expectedBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const { path, deflate } = file;
  assertCanHold(path, deflate.length, expectedBytes);
  const { content, deflateBytes } = await inflateContent(file, expectedBytes);
  await verifyTrailer(file, deflateBytes, content);
  if (content.length < expectedBytes) {
    const actualBytes = content.length;
    throw new DatasetError("ERR_IDX_TRUNCATED", { path, expectedBytes, actualBytes, inflated: true });
  }
  return content;
}

async function inflateContent({ path, deflate }: GzipFile, expectedBytes: number): Promise<Inflated> {
  try {
    return await inflateAtMost(deflate, expectedBytes);
  } catch (error) {
    if (!isTooLong(error)) throw corrupt(path, error);
    throw new DatasetError("ERR_IDX_TRAILING", { path, expectedBytes }, { cause: error });
  }
}

async function verifyTrailer(file: GzipFile, deflateBytes: number, content: Uint8Array): Promise<void> {
  const { path, deflate } = file;
  let crc = 0;
  for await (const slice of slices(content)) crc = crc32(slice, crc);
  assertTrailer(path, deflate.subarray(deflateBytes, deflateBytes + TRAILER_BYTES), {
    crc,
    contentBytes: content.length,
    trailingBytes: deflate.length - deflateBytes - TRAILER_BYTES,
  });
}

export interface UnpackedMember {
  /** CRC-32 of the content. */
  readonly crc: number;
  readonly contentBytes: number;
  /** Of the file, behind the member. */
  readonly trailingBytes: number;
}

/**
 * The member is what its trailer says, and nothing follows it.
 *
 * @throws DatasetError ERR_GZIP_CORRUPT, ERR_GZIP_TRAILING
 */
export function assertTrailer(
  path: string,
  trailer: Uint8Array,
  { crc, contentBytes, trailingBytes }: UnpackedMember,
): void {
  if (trailer.length < TRAILER_BYTES) throw corrupt(path, "it ends within its trailer");
  const view = new DataView(trailer.buffer, trailer.byteOffset, TRAILER_BYTES);
  if (view.getUint32(0, true) !== crc) throw corrupt(path, "the content fails its CRC-32");
  // ISIZE is the length modulo 2^32.
  if (view.getUint32(4, true) !== contentBytes % 2 ** 32) throw corrupt(path, "its length field disagrees");
  if (trailingBytes > 0) throw new DatasetError("ERR_GZIP_TRAILING", { path, trailingBytes });
}

/** No stream of so many bytes, compressed, holds more than it can. @throws DatasetError ERR_GZIP_CORRUPT */
export function assertCanHold(path: string, deflateBytes: number, expectedBytes: number): void {
  if (expectedBytes <= deflateBytes * MAX_EXPANSION) return;
  throw corrupt(path, `${grouped(deflateBytes)} compressed bytes cannot hold ${grouped(expectedBytes)}`);
}

/** @param cause zlib's error, or the reason in words */
export function corrupt(path: string, cause: unknown): DatasetError {
  return new DatasetError("ERR_GZIP_CORRUPT", { path, reason: reasonOf(cause) }, { cause });
}
