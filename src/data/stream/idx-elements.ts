/** The elements of an IDX file, plain or gzipped. */

import { DatasetError } from "#src/base/errors.js";
import type { IdxHead } from "#src/data/idx-header.js";
import { assertTrailer, corrupt, TRAILER_BYTES } from "#src/files/inflate.js";
import { assertUnchanged, openRegularFileNow, readFault, readInto } from "#src/files/read-file.js";
import {
  type Deflated,
  type Elements,
  elementsOf,
  inflatedElements,
  PACKED_PIECE_BYTES,
} from "./elements.js";
import type { FileHash } from "./file-hash.js";

/**
 * Content of an IDX file from byte `first` on, which counts from the end of the header. A plain file is read from there; a
 * gzipped file is inflated from its beginning.
 *
 * @param hash receives all bytes of the file as they pass, where it is given
 * @throws FileError and DatasetError as `readIdx`; faults behind the first byte are thrown when they are read
 */
export async function openIdxElements(head: IdxHead, first: number, hash?: FileHash): Promise<Elements> {
  const { path, bytes, header, deflateAt, stamp } = head;
  if (bytes !== undefined) {
    hash?.addFile(bytes);
    if (deflateAt === undefined) return elementsOf(bytes, header.headerBytes + first);
    const trailerAt = async (at: number) => bytes.subarray(at, at + TRAILER_BYTES);
    return inflatedElements(
      gzipSource({ ...head, deflateAt }, bytes.subarray(deflateAt), trailerAt),
      header.headerBytes + first,
    );
  }
  const handle = openRegularFileNow(path, stamp);
  if (deflateAt === undefined) return plainElements(head, handle, first, hash);
  return gzipElements({ ...head, deflateAt }, handle, first, hash);
}

type OpenSource = ReturnType<typeof openRegularFileNow>;

/** Each read goes straight into the memory that it is for. */
function plainElements(
  { path, header, sizeBytes, stamp }: IdxHead,
  handle: OpenSource,
  first: number,
  hash: FileHash | undefined,
): Elements {
  let position = header.headerBytes + first;
  return {
    async read(into) {
      try {
        const found = await readInto(handle, into, position);
        if (found < into.length) {
          assertUnchanged(path, stamp);
          const facts = { path, expectedBytes: sizeBytes, actualBytes: position + found, inflated: false };
          throw new DatasetError("ERR_IDX_TRUNCATED", facts);
        }
        await hash?.add(handle, into, position);
        position += into.length;
      } catch (error) {
        throw readFault(path, error);
      }
    },
    async finish() {
      await hash?.finishFile(handle, sizeBytes);
    },
    check: () => assertUnchanged(path, stamp),
    close: () => handle.close(),
  };
}

/** An IDX file's head, where the file is gzipped. */
interface GzipHead extends IdxHead {
  readonly deflateAt: number;
}

/** Content of a gzipped IDX file from byte `first` behind the IDX header on. The handle is closed with the elements. */
async function gzipElements(
  head: GzipHead,
  handle: OpenSource,
  first: number,
  hash: FileHash | undefined,
): Promise<Elements> {
  const { path, header, sizeBytes, deflateAt, stamp } = head;
  const readAt = (into: Uint8Array, position: number): Promise<number> =>
    readInto(handle, into, position).catch((error: unknown) => {
      throw readFault(path, error);
    });

  async function* packed(isEnded: () => boolean): AsyncGenerator<Uint8Array> {
    for (let position = deflateAt; ; ) {
      const bytes = new Uint8Array(PACKED_PIECE_BYTES);
      const found = await readAt(bytes, position);
      // The inflater asks for a little more than it needs.
      if (found === 0 || isEnded()) return;
      const read = bytes.subarray(0, found);
      await hash?.add(handle, read, position);
      position += found;
      yield read;
    }
  }

  const trailerAt = async (position: number): Promise<Uint8Array> => {
    const trailer = new Uint8Array(TRAILER_BYTES);
    return trailer.subarray(0, await readAt(trailer, position));
  };
  try {
    const inflated = await inflatedElements(gzipSource(head, packed, trailerAt), header.headerBytes + first);
    return {
      read: inflated.read,
      async finish() {
        await inflated.finish();
        await hash?.finishFile(handle, sizeBytes);
      },
      check: () => assertUnchanged(path, stamp),
      async close() {
        await inflated.close();
        await handle.close();
      },
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** @param trailerAt the bytes of the trailer, which begins at the given byte of the file; fewer where the file ends */
function gzipSource(
  { path, header: { totalBytes }, sizeBytes, deflateAt }: GzipHead,
  packed: Deflated["packed"],
  trailerAt: (position: number) => Promise<Uint8Array>,
): Deflated {
  return {
    totalBytes,
    packed,
    async verify({ crc, contentBytes, deflateBytes }) {
      const endAt = deflateAt + deflateBytes;
      const trailingBytes = sizeBytes - endAt - TRAILER_BYTES;
      assertTrailer(path, await trailerAt(endAt), { crc, contentBytes, trailingBytes });
    },
    corrupt: (cause) => corrupt(path, cause),
    tooLong: () => new DatasetError("ERR_IDX_TRAILING", { path, expectedBytes: totalBytes }),
    tooShort: (actualBytes) =>
      new DatasetError("ERR_IDX_TRUNCATED", { path, expectedBytes: totalBytes, actualBytes, inflated: true }),
  };
}
