/**
 * Pipes: standard input as `-`, process substitution and named pipes. All bytes are read into memory once, since a format is
 * recognized, read and hashed from the start. Later openings of the same pipe get the same bytes.
 */

import { type BigIntStats, closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { getBuiltinModule, stdin } from "node:process";
import { grouped } from "#src/base/errors/define.js";
import { BatchwiseError, FileError, reasonOf } from "#src/base/errors.js";
import { codeOf } from "#src/base/realm.js";

/** Path that means standard input. */
export const STANDARD_INPUT = "-";

const LIMIT_BYTES = 512 * 2 ** 20;
/** Bytes after which the reader of a format is asked whether it can be its own. */
const HEAD_BYTES = 64 * 1024;
/** A program before the pipe may have to start, or to connect. */
const FIRST_BYTE_SECONDS = 10;
const NEXT_BYTE_SECONDS = 60;
const FIRST_READ_BYTES = 64 * 1024;

/** Bytes of pipes by device and inode, for the life of the process. */
const pipes = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();

/** Pipes that are being read. */
const reading = new Set<Source>();

/** When a signal came, in milliseconds; undefined before. */
let stoppedAt: number | undefined;
/** Time that a pipe has after a signal, to get a reader or to take the rest of an answer. */
const LAST_WRITE_MS = 500;

/** Ends the reading of all pipes: their programs may be silent for long. Pipes that are written end soon. */
export function stopPipes(reason: Error): void {
  stoppedAt ??= performance.now();
  for (const stream of reading) stream.destroy(reason);
}

/** Begins a run: no signal has come yet. */
export function allowPipes(): void {
  stoppedAt = undefined;
}

/** Throws if a pipe that no program reads has to be given up because of a signal. */
export function assertPipesAllowed(): void {
  if (stoppedAt !== undefined && performance.now() - stoppedAt > LAST_WRITE_MS) {
    throw new Error("interrupted, and no program reads the pipe");
  }
}

/** Limits of a pipe. */
export interface PipeLimits {
  readonly limitBytes?: number | undefined;
  readonly firstByteSeconds?: number;
  /** Returns whether a file can begin so. If not, no more is read: the reader rejects the beginning as it would the whole. */
  readonly canBegin?: ((head: Uint8Array) => boolean | Promise<boolean>) | undefined;
}

/**
 * Returns the bytes of the pipe at `path`; undefined if there is no pipe. Nothing is awaited then: the question takes
 * microseconds.
 *
 * @param flags of `open`, without waiting for a writer
 * @throws FileError ERR_FILE_READ, also as a rejection: standard input is a terminal or a device, no program writes to the pipe,
 *   no byte comes in time, or more come than the limit; ERR_FILE_EMPTY
 */
export function readPipe(
  path: string,
  flags: number,
  limits: PipeLimits = {},
): Promise<Uint8Array<ArrayBuffer>> | undefined {
  const isInput = path === STANDARD_INPUT;
  const facts = isInput ? inputFacts(path) : statSync(path, { bigint: true, throwIfNoEntry: false });
  if (facts === undefined || !(isInput || facts.isFIFO())) return undefined;
  const key = `${facts.dev} ${facts.ino}`;
  let bytes = pipes.get(key);
  if (bytes === undefined) {
    bytes = isInput ? collected(path, stdin, [], limits) : readNamed(path, flags, limits);
    pipes.set(key, bytes);
    // A pipe that failed may be opened again. Whoever awaits the bytes is told.
    bytes.catch(() => pipes.delete(key));
  }
  return bytes;
}

function inputFacts(path: string): BigIntStats {
  const facts = fstatSync(0, { bigint: true });
  if (facts.isFile() || facts.isFIFO() || facts.isSocket()) return facts;
  throw fault(path, stdin.isTTY ? "standard input is a terminal" : "standard input is a device");
}

/** The first read shows whether any program has the pipe open for writing. */
async function readNamed(path: string, flags: number, limits: PipeLimits): Promise<Uint8Array<ArrayBuffer>> {
  const fd = openSync(path, flags);
  const start = new Uint8Array(FIRST_READ_BYTES);
  let count: number | undefined;
  try {
    count = readSync(fd, start);
    if (count === 0) throw fault(path, "it is a pipe that no program writes to");
  } catch (error) {
    if (codeOf(error) !== "EAGAIN") {
      closeSync(fd);
      throw error;
    }
  }
  // Sockets take milliseconds to load. The program that is compiled ahead has no `import()` of Node's modules.
  const { Socket } = getBuiltinModule("node:net");
  const stream = new Socket({ fd, readable: true, writable: false });
  return collected(path, stream, count === undefined ? [] : [start.subarray(0, count)], limits);
}

interface Source extends AsyncIterable<Uint8Array> {
  destroy(error?: Error): unknown;
}

async function collected(
  path: string,
  stream: Source,
  pieces: Uint8Array[],
  { limitBytes, firstByteSeconds = FIRST_BYTE_SECONDS, canBegin }: PipeLimits,
): Promise<Uint8Array<ArrayBuffer>> {
  const mostBytes = Math.min(limitBytes ?? LIMIT_BYTES, LIMIT_BYTES);
  let isHeadKnown = canBegin === undefined;
  let countBytes = pieces.reduce((sum, { length }) => sum + length, 0);
  let timer: NodeJS.Timeout | undefined;
  const awaitNext = (seconds: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      stream.destroy(fault(path, `it is a pipe from which no byte came within ${seconds} seconds`));
    }, seconds * 1000);
  };
  awaitNext(firstByteSeconds);
  reading.add(stream);
  try {
    for await (const piece of stream) {
      pieces.push(piece);
      countBytes += piece.length;
      if (countBytes > mostBytes) {
        throw fault(path, `expected at most ${grouped(mostBytes)} bytes from a pipe, found more`);
      }
      if (!isHeadKnown && countBytes >= HEAD_BYTES) {
        isHeadKnown = true;
        if (!(await canBegin?.(joined(pieces, countBytes)))) break;
      }
      awaitNext(NEXT_BYTE_SECONDS);
    }
  } catch (error) {
    if (error instanceof BatchwiseError) throw error;
    throw new FileError("ERR_FILE_READ", { path, reason: reasonOf(error) }, { cause: error });
  } finally {
    clearTimeout(timer);
    reading.delete(stream);
  }
  if (countBytes === 0) throw new FileError("ERR_FILE_EMPTY", { path });
  return joined(pieces, countBytes);
}

function joined(pieces: readonly Uint8Array[], countBytes: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(countBytes);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function fault(path: string, reason: string): FileError {
  return new FileError("ERR_FILE_READ", { path, reason });
}
