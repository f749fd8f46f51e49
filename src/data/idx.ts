/** Reads IDX files of every dtype and rank, gzipped or not (yann.lecun.com/exdb/mnist). */
import { endianness } from "node:os";
import {
  COUNT,
  checkArgument,
  checkedKeys,
  type KindsOf,
  NUMBER,
  TEXT,
  wordOf,
} from "#src/base/arguments.js";
import { IDX_DTYPES, IDX_LIMIT_BYTES, type IdxDtype, readIdxHead } from "./idx-header.js";
import { openIdxElements } from "./stream/idx-elements.js";

/** The array that an element type is read into: `Uint8Array` for u8, `Float64Array` for f64. */
export type IdxData<D extends IdxDtype> = InstanceType<(typeof IDX_DTYPES)[D]["array"]>;

/** Content of an IDX file, discriminated by `dtype`. */
export type IdxFile<D extends IdxDtype = IdxDtype> = D extends IdxDtype
  ? {
      /** Element type: `u8`, `i8`, `i16`, `i32`, `f32` or `f64`. */
      readonly dtype: D;
      /** One to 255 dimensions, none of them 0; their product is `data.length`. */
      readonly shape: readonly number[];
      /** Row-major, in the byte order of this machine. */
      readonly data: IdxData<D>;
    }
  : never;

/** What `readIdx` demands of a file. */
export interface ReadIdxOptions<D extends IdxDtype = IdxDtype> {
  /** Required element type; checked before elements are read. Default: any. */
  readonly dtype?: D | undefined;
  /** Required number of dimensions; checked before elements are read. Default: any. */
  readonly rank?: number | undefined;
  /** Most bytes of the file, and of the content of a gzipped file. Default: 2 GiB. */
  readonly limitBytes?: number | undefined;
}

const OPTIONS: KindsOf<ReadIdxOptions> = {
  dtype: wordOf(Object.keys(IDX_DTYPES)),
  rank: COUNT,
  limitBytes: NUMBER,
};

/**
 * Reads the IDX file at `path`: u8, i8, i16, i32, f32 or f64 of rank 1 to 255, plain or in one gzip member, which
 * is decided by content, not by name. The file's length must be what its header says, to the byte.
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
  const { dtype, rank, limitBytes = IDX_LIMIT_BYTES } = checkedKeys("readIdx", "option", options, OPTIONS);
  const head = await readIdxHead(path, { dtype, rank, limitBytes });
  const { header } = head;
  const content = new Uint8Array(header.totalBytes - header.headerBytes);
  const elements = await openIdxElements(head, 0);
  try {
    await elements.read(content);
    await elements.finish();
  } finally {
    await elements.close();
  }
  const data = nativeArray(header.dtype, content);
  // `data` belongs to `dtype`, and `dtype` is D by `readIdxHead`; TypeScript cannot tie the two together.
  return { dtype: header.dtype, shape: header.shape, data } as IdxFile<D>;
}

/** The same memory in this machine's byte order. */
function nativeArray(dtype: IdxDtype, { buffer }: Uint8Array<ArrayBuffer>): IdxData<IdxDtype> {
  const NativeArray = IDX_DTYPES[dtype].array;
  if (endianness() === "LE") swapBytes(Buffer.from(buffer), NativeArray.BYTES_PER_ELEMENT);
  return new NativeArray(buffer);
}

function swapBytes(bytes: Buffer, elementBytes: number): void {
  if (elementBytes === 1) return;
  if (elementBytes === 2) bytes.swap16();
  else if (elementBytes === 4) bytes.swap32();
  else bytes.swap64();
}
