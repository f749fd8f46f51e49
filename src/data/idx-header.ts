/** The head of an IDX file, checked against what is possible, and read without the rest (yann.lecun.com/exdb/mnist). */

import type { FileStamp } from "#src/base/contracts/dataset.js";
import { grouped } from "#src/base/errors/define.js";
import { DatasetError, FileError } from "#src/base/errors.js";
import {
  assertCanHold,
  inflateFirst,
  isGzip,
  MAX_EXPANSION,
  openGzip,
  TRAILER_BYTES,
} from "#src/files/inflate.js";
import { type OpenFile, readInto, withFile } from "#src/files/read-file.js";

/** Elements by their code in the third byte of the magic; on disk they are big-endian. */
export const IDX_DTYPES = {
  u8: { code: 0x08, array: Uint8Array },
  i8: { code: 0x09, array: Int8Array },
  i16: { code: 0x0b, array: Int16Array },
  i32: { code: 0x0c, array: Int32Array },
  f32: { code: 0x0d, array: Float32Array },
  f64: { code: 0x0e, array: Float64Array },
} as const;
/** Types that an IDX file's elements may have. */
export type IdxDtype = keyof typeof IDX_DTYPES;

/** Most bytes of an IDX file that is read into memory whole, and of its inflated content. */
export const IDX_LIMIT_BYTES = 2 * 2 ** 30;

/** 00 00 dtype rank. */
const MAGIC_BYTES = 4;
/** A dimension is a big-endian u32. */
const DIMENSION_BYTES = 4;
const MAX_RANK = 255;
export const MAX_HEADER_BYTES = MAGIC_BYTES + MAX_RANK * DIMENSION_BYTES;

export interface IdxHeader {
  readonly dtype: IdxDtype;
  /** One to 255 dimensions, none of them zero. */
  readonly shape: readonly number[];
  readonly headerBytes: number;
  /** Length of the file, or of a gzipped file's content: the header and all elements. */
  readonly totalBytes: number;
}

export interface IdxHeaderOptions {
  /** Most bytes that the header may claim. Default: `IDX_LIMIT_BYTES`. */
  readonly limitBytes?: number | undefined;
  /** Whether `bytes` were inflated, for messages. */
  readonly inflated?: boolean | undefined;
}

/**
 * Reads the header from the first bytes of an IDX file; `bytes` must hold all of the header (1,024 bytes always
 * do) or all of the file. Only the header is looked at, and nothing is allocated for what it claims.
 *
 * @throws DatasetError ERR_IDX_MAGIC, ERR_IDX_DTYPE, ERR_IDX_RANK (zero), ERR_IDX_DIMENSIONS (one of them zero,
 *   or their product beyond the limit), ERR_IDX_TRUNCATED (within the header).
 */
export function parseIdxHeader(bytes: Uint8Array, path: string, options: IdxHeaderOptions = {}): IdxHeader {
  const { limitBytes = IDX_LIMIT_BYTES, inflated = false } = options;
  const needBytes = (expectedBytes: number): void => {
    if (bytes.length >= expectedBytes) return;
    throw new DatasetError("ERR_IDX_TRUNCATED", { path, expectedBytes, actualBytes: bytes.length, inflated });
  };

  if (bytes.subarray(0, 2).some((byte) => byte !== 0)) {
    throw new DatasetError("ERR_IDX_MAGIC", { path, found: hex(bytes.subarray(0, MAGIC_BYTES)) });
  }
  needBytes(MAGIC_BYTES);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const dtype = dtypeOf(view.getUint8(2), path);
  const rank = view.getUint8(3);
  if (rank === 0)
    throw new DatasetError("ERR_IDX_RANK", { path, expected: `rank 1 to ${MAX_RANK}`, found: 0 });

  const headerBytes = MAGIC_BYTES + rank * DIMENSION_BYTES;
  needBytes(headerBytes);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(MAGIC_BYTES + i * DIMENSION_BYTES));
  // The product may pass 2^53, and 255 dimensions even Number.MAX_VALUE.
  const elements = shape.reduce((product, dimension) => product * BigInt(dimension), 1n);
  const totalBytes = BigInt(headerBytes) + elements * BigInt(IDX_DTYPES[dtype].array.BYTES_PER_ELEMENT);
  if (elements === 0n || totalBytes > BigInt(limitBytes)) {
    throw new DatasetError("ERR_IDX_DIMENSIONS", { path, dimensions: shape, limitBytes });
  }
  return { dtype, shape, headerBytes, totalBytes: Number(totalBytes) };
}

function dtypeOf(code: number, path: string): IdxDtype {
  const names = Object.keys(IDX_DTYPES) as IdxDtype[];
  const dtype = names.find((name) => IDX_DTYPES[name].code === code);
  if (dtype !== undefined) return dtype;
  const found = `0x${code.toString(16).padStart(2, "0")}`;
  throw new DatasetError("ERR_IDX_DTYPE", { path, expected: names.join(", "), found });
}

/** `50 4b 03 04`. */
function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** An IDX file of which the header is known. */
export interface IdxHead {
  readonly path: string;
  readonly header: IdxHeader;
  /** Length of the file on disk. */
  readonly sizeBytes: number;
  /** Where the deflate stream begins; undefined where the file is not gzipped. */
  readonly deflateAt: number | undefined;
  /** All bytes of a short file, which is read once; undefined for a longer one. */
  readonly bytes: Uint8Array | undefined;
  /** State of the file when the head was read. */
  readonly stamp: FileStamp;
}

/** What is demanded of an IDX file. */
export interface IdxDemands {
  /** Element type; any by default. */
  readonly dtype?: IdxDtype | undefined;
  /** Number of dimensions; any by default. */
  readonly rank?: number | undefined;
  /** Most bytes of the file, and of the content of a gzipped file. Default: as much as a file of its length can hold. */
  readonly limitBytes?: number | undefined;
}

/** A gzip header with a file name and the longest extra field fits well into this, with an IDX header behind it. */
const HEAD_BYTES = 128 * 1024;
/** A file of at most this length is read whole with its head: MNIST's 10,000 test images are 1.6 MB, gzipped. */
const SHORT_BYTES = 2 * 2 ** 20;

/**
 * Reads the head of an IDX file of any size, plain or in one gzip member; which of both is decided by content. A plain file
 * must be as long as its header says. The length of a gzipped file's content shows only when it is inflated.
 *
 * @throws FileError ERR_FILE_READ, also beyond `limitBytes`; ERR_FILE_EMPTY
 * @throws DatasetError as `parseIdxHeader`; ERR_IDX_TRUNCATED, ERR_IDX_TRAILING, ERR_GZIP_CORRUPT
 */
export function readIdxHead(path: string, demands: IdxDemands = {}): Promise<IdxHead> {
  const read = async (file: OpenFile, statBytes: number): Promise<IdxHead> => {
    const { stamp } = file;
    const { limitBytes = Math.max(IDX_LIMIT_BYTES, statBytes * MAX_EXPANSION) } = demands;
    if (statBytes > limitBytes) {
      const reason = `expected at most ${grouped(limitBytes)} bytes, found ${grouped(statBytes)}`;
      throw new FileError("ERR_FILE_READ", { path, reason });
    }
    const isShort = statBytes <= SHORT_BYTES || file.bytes !== undefined;
    const start = file.bytes ?? new Uint8Array(isShort ? statBytes : HEAD_BYTES);
    const read = file.bytes ?? start.subarray(0, await readInto(file, start, 0));
    // A short file that was cut meanwhile is as long as what was read of it.
    const [bytes, sizeBytes] = isShort ? [read, read.length] : [undefined, statBytes];
    if (isGzip(read)) {
      const gzip = openGzip(read, path);
      // The header is inflated by itself: no memory is allocated for a claim that was not checked.
      const content = await inflateFirst(gzip, MAX_HEADER_BYTES);
      const header = parseDemanded(content, path, demands, { limitBytes, inflated: true });
      const deflateAt = read.length - gzip.deflate.length;
      assertCanHold(path, sizeBytes - deflateAt - TRAILER_BYTES, header.totalBytes);
      return { path, header, sizeBytes, deflateAt, bytes, stamp };
    }
    const header = parseDemanded(read, path, demands, { limitBytes });
    const expectedBytes = header.totalBytes;
    if (sizeBytes < expectedBytes) {
      const facts = { path, expectedBytes, actualBytes: sizeBytes, inflated: false };
      throw new DatasetError("ERR_IDX_TRUNCATED", facts);
    }
    if (sizeBytes > expectedBytes) {
      throw new DatasetError("ERR_IDX_TRAILING", { path, expectedBytes, actualBytes: sizeBytes });
    }
    return { path, header, sizeBytes, deflateAt: undefined, bytes, stamp };
  };
  const canBegin = (head: Uint8Array) => isGzip(head) || (head[0] === 0 && head[1] === 0);
  return withFile(path, read, { limitBytes: demands.limitBytes, canBegin });
}

function parseDemanded(
  bytes: Uint8Array,
  path: string,
  { dtype, rank }: IdxDemands,
  options: IdxHeaderOptions,
): IdxHeader {
  const header = parseIdxHeader(bytes, path, options);
  if (rank !== undefined && header.shape.length !== rank) {
    throw new DatasetError("ERR_IDX_RANK", { path, expected: `rank ${rank}`, found: header.shape.length });
  }
  if (dtype !== undefined && header.dtype !== dtype) {
    throw new DatasetError("ERR_IDX_DTYPE", { path, expected: dtype, found: header.dtype });
  }
  return header;
}
