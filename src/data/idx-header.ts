/** The header of an IDX file: what it claims, held against what is possible (yann.lecun.com/exdb/mnist). */
import { DatasetError } from "#src/base/errors.js";

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

/** No IDX file, and no content of a gzipped one, may be longer than this. */
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
  /** Of the whole file when it is not gzipped: the header and all elements. */
  readonly totalBytes: number;
}

export interface IdxHeaderOptions {
  /** Most bytes that the header may claim; `IDX_LIMIT_BYTES` unless told otherwise. */
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
