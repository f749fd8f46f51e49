/** The elements of an IDX file of bytes, in order, of which memory never holds more than a piece. */
import type { FileHandle } from "node:fs/promises";
import { DatasetError } from "#src/base/errors.js";
import { openRegularFile, readFault, readInto } from "#src/files/read-file.js";
import type { FileHash } from "./file-hash.js";
import type { Elements, IdxHead } from "./idx-head.js";

/**
 * Elements from `first` on. A plain file is read from there; a gzipped one is inflated from its beginning.
 *
 * @param hash is given all bytes of the file as they pass, where nothing is left out
 * @throws FileError and DatasetError as `readIdx`, what is behind the first elements when these are read
 */
export async function openElements(head: IdxHead, first: number, hash?: FileHash): Promise<Elements> {
  const { handle } = await openRegularFile(head.path);
  if (head.deflateAt === undefined) return plainElements(head, handle, first, hash);
  const { gzipElements } = await import("./gzip-elements.js");
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
