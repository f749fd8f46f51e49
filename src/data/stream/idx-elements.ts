/** The elements of an IDX file, plain or gzipped. */

import type { FileHandle } from "node:fs/promises";
import { DatasetError } from "#src/base/errors.js";
import type { IdxHead } from "#src/data/idx-header.js";
import { assertTrailer, corrupt, TRAILER_BYTES } from "#src/files/inflate.js";
import { openRegularFile, readFault, readInto } from "#src/files/read-file.js";
import { type Deflated, type Elements, inflatedElements, PACKED_PIECE_BYTES } from "./elements.js";
import type { FileHash } from "./file-hash.js";

/**
 * Content of an IDX file from byte `first` on, which counts from the end of the header. A plain file is read from there; a
 * gzipped file is inflated from its beginning.
 *
 * @param hash receives all bytes of the file as they pass, where it is given
 * @throws FileError and DatasetError as `readIdx`; faults behind the first byte are thrown when they are read
 */
export async function openIdxElements(head: IdxHead, first: number, hash?: FileHash): Promise<Elements> {
  const { handle } = await openRegularFile(head.path);
  if (head.deflateAt === undefined) return plainElements(head, handle, first, hash);
  return gzipElements({ ...head, deflateAt: head.deflateAt }, handle, first, hash);
}

/** Each read goes straight into the memory that it is for. */
function plainElements(
  { path, header, sizeBytes }: IdxHead,
  handle: FileHandle,
  first: number,
  hash: FileHash | undefined,
): Elements {
  let position = header.headerBytes + first;
  return {
    async read(into) {
      try {
        const found = await readInto(handle, into, position);
        if (found < into.length) {
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
    close: () => handle.close(),
  };
}

/** An IDX file's head, where the file is gzipped. */
interface GzipHead extends IdxHead {
  readonly deflateAt: number;
}

/** Content of a gzipped IDX file from byte `first` behind the IDX header on. The handle is closed with the elements. */
async function gzipElements(
  { path, header, sizeBytes, deflateAt }: GzipHead,
  handle: FileHandle,
  first: number,
  hash: FileHash | undefined,
): Promise<Elements> {
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

  const { totalBytes } = header;
  const source: Deflated = {
    totalBytes,
    packed,
    async verify({ crc, contentBytes, deflateBytes }) {
      const trailerAt = deflateAt + deflateBytes;
      const trailer = new Uint8Array(TRAILER_BYTES);
      const found = await readAt(trailer, trailerAt);
      const trailingBytes = sizeBytes - trailerAt - TRAILER_BYTES;
      assertTrailer(path, trailer.subarray(0, found), { crc, contentBytes, trailingBytes });
    },
    corrupt: (cause) => corrupt(path, cause),
    tooLong: () => new DatasetError("ERR_IDX_TRAILING", { path, expectedBytes: totalBytes }),
    tooShort: (actualBytes) =>
      new DatasetError("ERR_IDX_TRUNCATED", { path, expectedBytes: totalBytes, actualBytes, inflated: true }),
  };
  try {
    const inflated = await inflatedElements(source, header.headerBytes + first);
    return {
      read: inflated.read,
      async finish() {
        await inflated.finish();
        await hash?.finishFile(handle, sizeBytes);
      },
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
