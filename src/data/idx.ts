/** Reads IDX files of every dtype and rank, gzipped or not (yann.lecun.com/exdb/mnist). */
import { endianness } from "node:os";
import {
  COUNT,
  checkArgument,
  checkedKeys,
  FUNCTION,
  type KindsOf,
  NUMBER,
  TEXT,
  wordOf,
} from "#src/base/arguments.js";
import { DatasetError } from "#src/base/errors.js";
import { inflateExactly, inflateFirst, isGzip, openGzip } from "#src/files/inflate.js";
import { readWholeFile } from "#src/files/read-file.js";
import {
  IDX_DTYPES,
  IDX_LIMIT_BYTES,
  type IdxDtype,
  type IdxHeader,
  MAX_HEADER_BYTES,
  parseIdxHeader,
} from "./idx-header.js";

/** The array that an element type is read into: `Uint8Array` for u8, `Float64Array` for f64. */
export type IdxData<D extends IdxDtype> = InstanceType<(typeof IDX_DTYPES)[D]["array"]>;

/** The content of an IDX file; tell apart by `dtype`. */
export type IdxFile<D extends IdxDtype = IdxDtype> = D extends IdxDtype
  ? {
      /** Of the elements: `u8`, `i8`, `i16`, `i32`, `f32` or `f64`. */
      readonly dtype: D;
      /** One to 255 dimensions, none of them 0; their product is `data.length`. */
      readonly shape: readonly number[];
      /** Row-major, in the byte order of this machine; it may be a view of a larger buffer. */
      readonly data: IdxData<D>;
      /** The file as it stands on disk, for checksums. */
      readonly fileBytes: Uint8Array;
    }
  : never;

/** What `readIdx` demands of a file, and tells while it reads. */
export interface ReadIdxOptions<D extends IdxDtype = IdxDtype> {
  /** Refuse elements of any other type, before they are read. */
  readonly dtype?: D | undefined;
  /** Refuse any other number of dimensions, before they are read. */
  readonly rank?: number | undefined;
  /** Refuse a file, or the content of a gzipped one, that is longer; 2 GiB unless told otherwise. */
  readonly limitBytes?: number | undefined;
  /** Of a gzipped file: called with the shape once the header has been checked, while the elements are being unpacked. */
  readonly onShape?: ((shape: readonly number[]) => void) | undefined;
}

const OPTIONS: KindsOf<ReadIdxOptions> = {
  dtype: wordOf(Object.keys(IDX_DTYPES)),
  rank: COUNT,
  limitBytes: NUMBER,
  onShape: FUNCTION,
};

/**
 * Reads the IDX file at `path`: u8, i8, i16, i32, f32 or f64 of rank 1 to 255, plain or in one gzip member, which
 * is told by content and not by name. The file's length must be what its header says, to the byte.
 *
 * Format: bytes 00 00, dtype, rank; a big-endian u32 for each dimension; the elements, row-major and big-endian
 * (yann.lecun.com/exdb/mnist, "The IDX file format"). Gzip: RFC 1952.
 *
 * @throws FileError ERR_FILE_READ, also for a file beyond `limitBytes`; ERR_FILE_EMPTY.
 * @throws DatasetError ERR_IDX_MAGIC, ERR_IDX_DTYPE, ERR_IDX_RANK, ERR_IDX_DIMENSIONS, ERR_IDX_TRUNCATED,
 *   ERR_IDX_TRAILING, ERR_GZIP_CORRUPT, ERR_GZIP_TRAILING.
 */
export async function readIdx<D extends IdxDtype = IdxDtype>(
  path: string,
  options: ReadIdxOptions<D> = {},
): Promise<IdxFile<D>> {
  checkArgument("readIdx", "path", path, TEXT);
  checkedKeys("readIdx", "option", options, OPTIONS);
  const fileBytes = await readWholeFile(path, options.limitBytes ?? IDX_LIMIT_BYTES);
  const { header, content } = isGzip(fileBytes)
    ? await readGzipped(fileBytes, path, options)
    : readPlain(fileBytes, path, options);
  const data = nativeArray(header.dtype, content.subarray(header.headerBytes));
  // `data` belongs to `dtype`, and `dtype` is D by readHeader; TypeScript cannot tie the two together.
  return { dtype: header.dtype, shape: header.shape, data, fileBytes } as IdxFile<D>;
}

interface Content {
  readonly header: IdxHeader;
  /** Header and elements: `header.totalBytes` bytes. */
  readonly content: Uint8Array<ArrayBuffer>;
}

function readPlain(fileBytes: Uint8Array<ArrayBuffer>, path: string, options: ReadIdxOptions): Content {
  const header = readHeader(fileBytes, path, options, false);
  const expectedBytes = header.totalBytes;
  const actualBytes = fileBytes.length;
  if (actualBytes < expectedBytes) {
    throw new DatasetError("ERR_IDX_TRUNCATED", { path, expectedBytes, actualBytes, inflated: false });
  }
  if (actualBytes > expectedBytes) {
    throw new DatasetError("ERR_IDX_TRAILING", { path, expectedBytes, actualBytes });
  }
  return { header, content: fileBytes };
}

async function readGzipped(fileBytes: Uint8Array, path: string, options: ReadIdxOptions): Promise<Content> {
  const gzip = openGzip(fileBytes, path);
  // The header is unpacked first and by itself: no memory is asked for on the word of an unchecked claim.
  const header = readHeader(await inflateFirst(gzip, MAX_HEADER_BYTES), path, options, true);
  const inflating = inflateExactly(gzip, header.totalBytes);
  options.onShape?.(header.shape);
  return { header, content: await inflating };
}

/** The header, held against what the options demand of it; `bytes` as for `parseIdxHeader`. */
export function readHeader(
  bytes: Uint8Array,
  path: string,
  options: ReadIdxOptions,
  inflated: boolean,
): IdxHeader {
  const header = parseIdxHeader(bytes, path, { limitBytes: options.limitBytes, inflated });
  const { dtype = header.dtype, rank = header.shape.length } = options;
  if (header.shape.length !== rank) {
    throw new DatasetError("ERR_IDX_RANK", { path, expected: `rank ${rank}`, found: header.shape.length });
  }
  if (header.dtype !== dtype) {
    throw new DatasetError("ERR_IDX_DTYPE", { path, expected: dtype, found: header.dtype });
  }
  return header;
}

/** Bytes are viewed where they lie; wider elements are copied, since they may lie unaligned, and turned round. */
function nativeArray(dtype: IdxDtype, bigEndian: Uint8Array<ArrayBuffer>): IdxData<IdxDtype> {
  const NativeArray = IDX_DTYPES[dtype].array;
  if (NativeArray.BYTES_PER_ELEMENT === 1) {
    return new NativeArray(bigEndian.buffer, bigEndian.byteOffset, bigEndian.length);
  }
  const { buffer } = new Uint8Array(bigEndian);
  if (endianness() === "LE") swapBytes(Buffer.from(buffer), NativeArray.BYTES_PER_ELEMENT);
  return new NativeArray(buffer);
}

function swapBytes(bytes: Buffer, elementBytes: number): void {
  if (elementBytes === 2) bytes.swap16();
  else if (elementBytes === 4) bytes.swap32();
  else bytes.swap64();
}
