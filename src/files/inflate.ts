/**
 * Deflate (RFC 1951) and gzip (RFC 1952), unpacked by node:zlib to a known length and never beyond. zlib itself reads a
 * second gzip member as more content and ignores zeros after the first one. So the header and the trailer of a member are
 * read here, and the bytes between them are unpacked as raw deflate.
 */

import type { NonSharedBuffer } from "node:buffer";
import { constants, crc32, createInflateRaw, inflateRaw, inflateRawSync } from "node:zlib";
import { grouped } from "#src/base/errors/define.js";
import { DatasetError, reasonOf } from "#src/base/errors.js";
import { codeOf } from "#src/base/realm.js";

// Fields of the header: RFC 1952, section 2.3.
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

/** True for the first bytes of a gzip member: 1f 8b. No IDX file begins like that. */
export function isGzip(file: Uint8Array): boolean {
  return file[0] === ID1 && file[1] === ID2;
}

/**
 * Returns the length of the header in bytes; the deflate stream follows it.
 *
 * @throws DatasetError ERR_GZIP_CORRUPT if the header is cut, has fields that RFC 1952 does not define, or fails its
 *   checksum
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

/** Most bytes that a byte of deflate can yield: a match yields at most 258 bytes and takes at least two bits. */
export const MAX_EXPANSION = 258 * 4;
/** Smallest output buffer that zlib accepts. */
const MIN_CHUNK_BYTES = 64;
/** Bytes of a stream that are unpacked at once, on the calling thread. They yield at most 2 MB. */
const FIRST_BYTES = 2048;

export interface Inflated {
  readonly content: Uint8Array<ArrayBuffer>;
  /** Bytes of input that belong to the deflate stream. */
  readonly deflateBytes: number;
}

/** Unpacks the first `countBytes` bytes of a deflate stream, or all if there are fewer. Throws zlib's errors. */
export async function inflateStart(deflate: Uint8Array, countBytes: number): Promise<Uint8Array> {
  // The first bytes nearly always suffice, and unpacking them takes less time than creating a stream.
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
 * Unpacks a whole deflate stream of at most `limitBytes` bytes (one or more), on a thread of libuv. Throws zlib's errors;
 * `isTooLong` recognizes the one for longer content.
 */
export function inflateAtMost(deflate: Uint8Array, limitBytes: number): Promise<Inflated> {
  // One buffer with room for all and one byte more: nothing is copied, and a byte too many is noticed.
  const chunkSize = Math.max(limitBytes + 1, MIN_CHUNK_BYTES);
  return new Promise((resolve, reject) => {
    inflateRaw(deflate, { info: true, chunkSize, maxOutputLength: limitBytes }, (error, result) => {
      if (error !== null) return reject(error);
      // With `info`, the result has the engine too, which the types leave out.
      const { buffer, engine } = result as unknown as {
        buffer: NonSharedBuffer;
        engine: { bytesWritten: number };
      };
      resolve({ content: buffer, deflateBytes: engine.bytesWritten });
    });
  });
}

export function isTooLong(error: unknown): boolean {
  return codeOf(error) === "ERR_BUFFER_TOO_LARGE";
}

/** Length of the trailer: CRC-32 and ISIZE, four bytes each, little-endian (RFC 1952, section 2.3.1). */
export const TRAILER_BYTES = 8;

/** Gzip file in memory, or its beginning, whose header has been read. */
export interface GzipFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** The deflate stream and all bytes after it. */
  readonly deflate: Uint8Array;
}

/** Reads the header of a gzip file. @throws DatasetError ERR_GZIP_CORRUPT if it is damaged */
export function openGzip(bytes: Uint8Array, path: string): GzipFile {
  return { path, bytes, deflate: bytes.subarray(gzipHeaderBytes(bytes, path)) };
}

/**
 * Unpacks the first `countBytes` bytes of the content, or all if there are fewer. Nothing is verified yet.
 *
 * @throws DatasetError ERR_GZIP_CORRUPT if the stream is damaged before that
 */
export async function inflateFirst({ path, deflate }: GzipFile, countBytes: number): Promise<Uint8Array> {
  try {
    return await inflateStart(deflate, countBytes);
  } catch (error) {
    throw corrupt(path, error);
  }
}

/**
 * Unpacks a whole gzip file of at most `limitBytes` bytes of content. Memory is allocated for the length that its trailer
 * states, if the compressed bytes can hold it.
 *
 * @throws DatasetError ERR_GZIP_CORRUPT, ERR_GZIP_TRAILING
 */
export async function inflateGzip(path: string, file: Uint8Array, limitBytes: number): Promise<Uint8Array> {
  const { deflate } = openGzip(file, path);
  const packedBytes = deflate.length - TRAILER_BYTES;
  if (packedBytes < 0) throw corrupt(path, "it ends within its trailer");
  // ISIZE: the length of the content, modulo 2^32 (RFC 1952).
  const sizeBytes = new DataView(file.buffer, file.byteOffset).getUint32(file.length - 4, true);
  if (sizeBytes > limitBytes) throw corrupt(path, `a content of ${grouped(sizeBytes)} bytes`);
  assertCanHold(path, packedBytes, sizeBytes);
  const { content, deflateBytes } = await inflateAtMost(deflate, Math.max(1, sizeBytes)).catch(
    (error: unknown) => {
      throw corrupt(path, error);
    },
  );
  assertTrailer(path, deflate.subarray(deflateBytes, deflateBytes + TRAILER_BYTES), {
    crc: crc32(content),
    contentBytes: content.length,
    trailingBytes: packedBytes - deflateBytes,
  });
  return content;
}

/** Facts of a member that was unpacked. */
export interface UnpackedMember {
  /** CRC-32 of the content. */
  readonly crc: number;
  readonly contentBytes: number;
  /** Bytes of the file after the member. */
  readonly trailingBytes: number;
}

/**
 * Checks that the member agrees with its trailer and that no bytes follow it.
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

/** Rejects a claim that the compressed bytes cannot fulfil. @throws DatasetError ERR_GZIP_CORRUPT */
export function assertCanHold(path: string, deflateBytes: number, expectedBytes: number): void {
  if (expectedBytes <= deflateBytes * MAX_EXPANSION) return;
  throw corrupt(path, `${grouped(deflateBytes)} compressed bytes cannot hold ${grouped(expectedBytes)}`);
}

/** @param cause zlib's error, or the reason in words */
export function corrupt(path: string, cause: unknown): DatasetError {
  return new DatasetError("ERR_GZIP_CORRUPT", { path, reason: reasonOf(cause) }, { cause });
}
