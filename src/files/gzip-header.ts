/** The header of a gzip member, field by field (RFC 1952, section 2.3). */
import { crc32 } from "node:zlib";
import { DatasetError } from "#src/base/errors.js";

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
