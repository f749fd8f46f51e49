/** Exact gunzip of a file in memory: one member, whole, of the length expected, and nothing behind it. */
import { crc32 } from "node:zlib";
import { grouped } from "#src/base/errors/define.js";
import { DatasetError } from "#src/base/errors.js";
import { gzipHeaderBytes } from "./gzip-header.js";
import { type Inflated, inflateAtMost, inflateStart, isTooLong, MAX_EXPANSION } from "./inflate-raw.js";
import { slices } from "./slices.js";

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

/** `cause`: what zlib threw, or the reason in words. */
export function corrupt(path: string, cause: unknown): DatasetError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new DatasetError("ERR_GZIP_CORRUPT", { path, reason }, { cause });
}
