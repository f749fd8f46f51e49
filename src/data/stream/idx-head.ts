/** What an IDX file of bytes says of itself, read without the rest of it. */

import { DatasetError } from "#src/base/errors.js";
import { readHeader } from "#src/data/idx.js";
import { type IdxHeader, MAX_HEADER_BYTES } from "#src/data/idx-header.js";
import { assertCanHold, inflateFirst, isGzip, openGzip, TRAILER_BYTES } from "#src/files/inflate.js";
import { readInto, withFile } from "#src/files/read-file.js";

/** A gzip header that names its file and has the longest of extra fields fits well into this, and an IDX header behind it. */
const HEAD_BYTES = 128 * 1024;

export interface IdxHead {
  readonly path: string;
  readonly header: IdxHeader;
  /** Of the file on disk. */
  readonly sizeBytes: number;
  /** Where the deflate stream begins; undefined where the file is not gzipped. */
  readonly deflateAt: number | undefined;
}

/**
 * The head of an IDX file of u8 and the rank, of any size. A plain file is as long as its header says; of a gzipped one
 * that is seen only when all of it has been inflated.
 *
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY
 * @throws DatasetError as `readIdx`
 */
export function readIdxHead(path: string, rank: number): Promise<IdxHead> {
  return withFile(path, async (handle, sizeBytes) => {
    const start = new Uint8Array(Math.min(HEAD_BYTES, sizeBytes));
    const bytes = start.subarray(0, await readInto(handle, start, 0));
    const demands = { dtype: "u8", rank, limitBytes: Number.MAX_SAFE_INTEGER } as const;
    if (isGzip(bytes)) {
      const gzip = openGzip(bytes, path);
      const header = readHeader(await inflateFirst(gzip, MAX_HEADER_BYTES), path, demands, true);
      const deflateAt = bytes.length - gzip.deflate.length;
      assertCanHold(path, sizeBytes - deflateAt - TRAILER_BYTES, header.totalBytes);
      return { path, header, sizeBytes, deflateAt };
    }
    const header = readHeader(bytes, path, demands, false);
    const expectedBytes = header.totalBytes;
    if (sizeBytes < expectedBytes) {
      throw new DatasetError("ERR_IDX_TRUNCATED", {
        path,
        expectedBytes,
        actualBytes: sizeBytes,
        inflated: false,
      });
    }
    if (sizeBytes > expectedBytes) {
      throw new DatasetError("ERR_IDX_TRAILING", { path, expectedBytes, actualBytes: sizeBytes });
    }
    return { path, header, sizeBytes, deflateAt: undefined };
  });
}

/** The elements of an IDX file in order; memory holds a piece of them. */
export interface Elements {
  /** Fills `into` with the next elements; there must be as many. */
  read(into: Uint8Array): Promise<void>;
  /** After the last: what was read is all that the file holds, and undamaged. */
  finish(): Promise<void>;
  close(): Promise<void>;
}
