/** Bytes of a file or of an archive's entry, read in order: from memory, or inflated piece by piece and verified. */

import { pipeline, Readable, type TransformOptions } from "node:stream";
import { crc32, createInflateRaw, type InflateRaw, type ZlibOptions } from "node:zlib";
import { BatchwiseError } from "#src/base/errors.js";
import { isError, isUint8Array } from "#src/base/realm.js";
import { inflateAtMost } from "#src/files/inflate.js";
import { assertUnchanged, openRegularFileNow, readFault, readInto } from "#src/files/read-file.js";
import type { KnownFile } from "./file-hash.js";

/** Most content that is inflated in one piece, where the deflate stream is in memory: a thread of libuv needs no turn of ours. */
const WHOLE_BYTES = 16 * 2 ** 20;
/** Bytes of longer content inflated at once, in some 3 ms: a small part of that is lost in the turns of the event loop. */
const PIECE_BYTES = 2 ** 20;
/** Bytes of a deflate stream handed to the inflater at once. */
export const PACKED_PIECE_BYTES = 2 ** 20;

/** An open file, or part of a file, that is read as bytes. */
export interface Elements {
  /** Fills `into` with the next bytes. Throws where fewer are left. */
  read(into: Uint8Array): Promise<void>;
  /** To be called after the last byte: the file holds no more, and its checksums agree. */
  finish(): Promise<void>;
  /** To be called after the last read. Throws if the file is not the one that was opened. Absent where bytes are in memory. */
  check?(): void;
  close(): Promise<void>;
}

/** Bytes in memory, from `first` on. */
export function elementsOf(bytes: Uint8Array, first: number, finish = async () => {}): Elements {
  let at = first;
  return {
    async read(into) {
      into.set(bytes.subarray(at, at + into.length));
      at += into.length;
    },
    finish,
    async close() {},
  };
}

/** Bytes of a plain file from `first` on. */
export function fileElements({ path, bytes, stamp }: KnownFile, first: number): Elements {
  if (bytes !== undefined) return elementsOf(bytes, first);
  const handle = openRegularFileNow(path, stamp);
  let position = first;
  return {
    async read(into) {
      try {
        const found = await readInto(handle, into, position);
        position += into.length;
        if (found === into.length) return;
        assertUnchanged(path, stamp);
        throw new Error("it ended before its last element");
      } catch (error) {
        throw readFault(path, error);
      }
    },
    async finish() {},
    check: () => assertUnchanged(path, stamp),
    close: () => handle.close(),
  };
}

/** Inflated pieces that may wait for their reader, so that the inflater does not. */
const PIECES_AHEAD = 4;

/** A deflate stream of known length, and the errors of its container. */
export interface Deflated {
  /** Length of the content. */
  readonly totalBytes: number;
  /**
   * The deflate stream from its first byte, in memory or in pieces; what follows it may come too. `isEnded` answers
   * whether more is of use.
   */
  readonly packed: Uint8Array | ((isEnded: () => boolean) => AsyncGenerator<Uint8Array>);
  /** Throws where the content is not what the container says. The content may be shorter than `totalBytes`. */
  verify(member: InflatedMember): void | Promise<void>;
  corrupt(cause: unknown): Error;
  tooLong(): Error;
  tooShort(contentBytes: number): Error;
}

/** What was inflated. */
export interface InflatedMember {
  /** CRC-32 of the content. */
  readonly crc: number;
  readonly contentBytes: number;
  /** Length of the deflate stream. */
  readonly deflateBytes: number;
}

/** Content of a deflate stream from byte `first` on. */
export async function inflatedElements(source: Deflated, first: number): Promise<Elements> {
  const { packed, totalBytes } = source;
  if (!isUint8Array(packed)) return streamedElements(source, packed, first);
  const whole = totalBytes <= WHOLE_BYTES ? await wholeElements(source, packed, first) : undefined;
  // What is before the damage is content all the same.
  return whole ?? streamedElements(source, (isEnded) => inPieces(packed, isEnded), first);
}

async function* inPieces(packed: Uint8Array, isEnded: () => boolean): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < packed.length && !isEnded(); at += PACKED_PIECE_BYTES) {
    yield packed.subarray(at, at + PACKED_PIECE_BYTES);
  }
}

/** Undefined where the stream is damaged, or has more or less content than it should. */
async function wholeElements(
  { totalBytes, verify }: Deflated,
  packed: Uint8Array,
  first: number,
): Promise<Elements | undefined> {
  const inflated = await inflateAtMost(packed, totalBytes).catch(() => undefined);
  if (inflated?.content.length !== totalBytes) return undefined;
  const { content, deflateBytes } = inflated;
  return elementsOf(content, first, async () => {
    await verify({ crc: crc32(content), contentBytes: content.length, deflateBytes });
  });
}

async function streamedElements(
  source: Deflated,
  packedFrom: (isEnded: () => boolean) => AsyncGenerator<Uint8Array>,
  first: number,
): Promise<Elements> {
  const options: ZlibOptions & TransformOptions = {
    chunkSize: PIECE_BYTES,
    readableHighWaterMark: PIECES_AHEAD * PIECE_BYTES,
  };
  const inflater = createInflateRaw(options);
  let isEnded = false;
  const pieces = piecesOf(inflater);
  // An error of the source comes out of the inflater too, where it is read.
  const packed = Readable.from(
    packedFrom(() => isEnded),
    { objectMode: false },
  );
  pipeline(packed, inflater, () => {});
  /** Content that was inflated and not yet read. */
  let piece: Uint8Array = new Uint8Array(0);
  let contentBytes = 0;
  let crc = 0;

  /** False where the content has ended. */
  async function inflateNext(): Promise<boolean> {
    const next = pieces.take() ?? (await pieces.next());
    if (isError(next)) throw next instanceof BatchwiseError ? next : source.corrupt(next);
    if (next === undefined) return false;
    piece = next;
    contentBytes += piece.length;
    crc = crc32(piece, crc);
    if (contentBytes > source.totalBytes) throw source.tooLong();
    return true;
  }

  /** Calls `use` with the next `count` bytes, piece by piece, and the number of bytes before each. */
  async function take(count: number, use: (bytes: Uint8Array, before: number) => void): Promise<void> {
    for (let done = 0; done < count; ) {
      if (piece.length === 0 && !(await inflateNext())) {
        await verify();
        throw source.tooShort(contentBytes);
      }
      const bytes = piece.subarray(0, count - done);
      piece = piece.subarray(bytes.length);
      use(bytes, done);
      done += bytes.length;
    }
  }

  async function verify(): Promise<void> {
    isEnded = true;
    await source.verify({ crc, contentBytes, deflateBytes: inflater.bytesWritten });
  }

  const elements: Elements = {
    read: (into) => take(into.length, (bytes, before) => into.set(bytes, before)),
    async finish() {
      // Nothing is left of the last piece, or it would have been too long.
      while (await inflateNext());
      await verify();
    },
    async close() {
      inflater.destroy();
    },
  };
  try {
    await take(first, () => {});
  } catch (error) {
    await elements.close();
    throw error;
  }
  return elements;
}

interface Pieces {
  /** The next piece, if it is there already. */
  take(): Uint8Array | undefined;
  /** The next piece; undefined at the end; the error at a fault. */
  next(): Promise<Uint8Array | Error | undefined>;
}

/** A queue of pieces: an asynchronous iteration of the inflater costs as much again as its work. */
function piecesOf(inflater: InflateRaw): Pieces {
  const queue: Uint8Array[] = [];
  let end: { readonly error: Error | undefined } | undefined;
  let wake = () => {};
  inflater.on("data", (piece: Uint8Array) => {
    queue.push(piece);
    if (queue.length >= PIECES_AHEAD) inflater.pause();
    wake();
  });
  const close = (error?: Error) => {
    end ??= { error };
    wake();
  };
  inflater.once("end", close);
  inflater.once("error", close);
  inflater.once("close", close);

  function take(): Uint8Array | undefined {
    const piece = queue.shift();
    if (queue.length < PIECES_AHEAD / 2 && inflater.isPaused()) inflater.resume();
    return piece;
  }

  return {
    take,
    async next() {
      for (;;) {
        const piece = take();
        if (piece !== undefined) return piece;
        if (end !== undefined) return end.error;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
