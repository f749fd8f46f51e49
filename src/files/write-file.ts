/**
 * Writes files whole or not at all: under a temporary name in the same folder, then renamed. A symbolic link is written
 * through, a file that is replaced keeps its mode, and a pipe or a device is written into.
 */

import { randomUUID } from "node:crypto";
import { constants, rmSync, type Stats } from "node:fs";
import {
  access,
  type FileHandle,
  open,
  readdir,
  readlink,
  realpath,
  rename,
  rm,
  stat,
} from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { grouped } from "#src/base/errors/define.js";
import { BatchwiseError, RunError, reasonOf } from "#src/base/errors.js";
import { codeOf } from "#src/base/realm.js";
import { hasEnded, processTag } from "./lock.js";
import { assertPipesAllowed } from "./pipe.js";

/** Temporary files that have not been renamed yet. */
const unfinished = new Set<string>();

/** File that is being written. Each method can throw RunError ERR_OUTPUT_WRITE; what was written is then removed. */
export interface OutputFile {
  /** Path of the file itself, behind all symbolic links. */
  readonly path: string;
  /** A pipe or a device: it has no temporary name, and what was written stays. */
  readonly isStream: boolean;
  write(bytes: Uint8Array): Promise<void>;
  /** Puts the file at `path`, or beside it under another name. */
  finish(finalPath?: string): Promise<void>;
  /** Removes what was written. */
  discard(): Promise<void>;
}

/** Writes a file. @throws RunError ERR_OUTPUT_WRITE; an older file is then unchanged */
export async function writeFileWhole(path: string, content: string | Uint8Array): Promise<void> {
  const file = await openOutputFile(path);
  await file.write(Buffer.from(content));
  await file.finish();
}

/** Opens a file for writing. @throws RunError ERR_OUTPUT_WRITE */
export async function openOutputFile(named: string): Promise<OutputFile> {
  try {
    const target = await targetOf(named);
    return target.isStream ? await openStream(named) : await openReplacement(named, target);
  } catch (error) {
    throw writeFault(named, error);
  }
}

async function openStream(named: string): Promise<OutputFile> {
  const file = await openWhenRead(named);
  const close = () => file.close().catch(() => {});
  return {
    path: named,
    isStream: true,
    async write(bytes) {
      try {
        await writeInto(file, bytes);
      } catch (error) {
        await close();
        throw writeFault(named, error);
      }
    },
    finish: () =>
      file.close().catch((error: unknown) => {
        throw writeFault(named, error);
      }),
    discard: close,
  };
}

async function openReplacement(named: string, { path, stats }: Target): Promise<OutputFile> {
  await removeLeftovers(dirname(path));
  const temporary = temporaryBeside(path);
  // Nobody else reads it before it has the mode of the file that it replaces.
  const file = await open(temporary, "wx", stats === undefined ? 0o666 : 0o600).catch((error: unknown) => {
    releaseTemporary(temporary);
    throw error;
  });
  let bytesWritten = 0;
  async function discard(): Promise<void> {
    // A fault of the cleaning up would hide the first one.
    await file.close().catch(() => {});
    await rm(temporary, { force: true }).catch(() => {});
    releaseTemporary(temporary);
  }
  async function attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      await discard();
      throw writeFault(named, error);
    }
  }
  return {
    path,
    isStream: false,
    write: (bytes) =>
      attempt(async () => {
        await writeAll(file, bytes, bytesWritten);
        bytesWritten += bytes.length;
      }),
    finish: (finalPath = path) =>
      attempt(async () => {
        if (stats !== undefined) await takeOver(file, stats);
        await file.sync();
        await assertLength(file, bytesWritten);
        await file.close();
        await rename(temporary, finalPath);
        releaseTemporary(temporary);
      }),
    discard,
  };
}

/** Gives the new file the mode of the old one, and its owner where that is allowed. */
export async function takeOver(file: FileHandle, { mode, uid, gid }: Stats): Promise<void> {
  const found = await file.stat();
  if (found.uid !== uid || found.gid !== gid) await file.chown(uid, gid).catch(() => {});
  await file.chmod(mode & 0o7777);
}

/** Bytes of a single write. */
const WRITE_BYTES = 64 * 2 ** 20;

/**
 * Writes all bytes from position `at`. libuv goes on after a write that was cut short (uv__fs_write_all). A sum other than the
 * length comes from a system that is wrong about what it wrote: the file cannot be trusted.
 */
export async function writeAll(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; done += WRITE_BYTES) {
    const count = Math.min(WRITE_BYTES, bytes.length - done);
    const { bytesWritten } = await file.write(bytes, done, count, at + done);
    if (bytesWritten !== count) {
      throw new Error(`expected ${grouped(count)} bytes to be written, found ${grouped(bytesWritten)}`);
    }
  }
}

/** Shows writes that claimed more than they did. */
export async function assertLength(file: FileHandle, expected: number): Promise<void> {
  const { size } = await file.stat();
  if (size !== expected) {
    throw new Error(`expected ${grouped(expected)} bytes in the file, found ${grouped(size)}`);
  }
}

/** Time in which a reader must open a named pipe. */
const READER_WAIT_MS = 10_000;
const BETWEEN_TRIES_MS = 10;

/** Opens a pipe or a device. Without O_NONBLOCK, a pipe without a reader would hold a thread, which no signal ends. */
async function openWhenRead(path: string): Promise<FileHandle> {
  const flags = constants.O_WRONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);
  const isPipe = (await stat(path)).isFIFO();
  for (const beganAt = performance.now(); ; ) {
    try {
      return await open(path, flags);
    } catch (error) {
      if (!isPipe || codeOf(error) !== "ENXIO") throw error;
      if (performance.now() - beganAt > READER_WAIT_MS) {
        throw new Error(`no program opened the pipe for reading within ${READER_WAIT_MS / 1000} s`);
      }
      assertPipesAllowed();
      await sleep(BETWEEN_TRIES_MS);
    }
  }
}

/** A pipe takes as many bytes as it has room for. */
async function writeInto(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += (await file.write(bytes, done)).bytesWritten;
    } catch (error) {
      if (codeOf(error) !== "EAGAIN") throw error;
      assertPipesAllowed();
      await sleep(BETWEEN_TRIES_MS);
    }
  }
}

export function writeFault(path: string, error: unknown): BatchwiseError {
  if (error instanceof BatchwiseError) return error;
  return new RunError("ERR_OUTPUT_WRITE", { path, reason: reasonOf(error) }, { cause: error });
}

/** File to which a path leads. */
export interface Target {
  /** Behind all symbolic links; the path as given for a pipe or a device. */
  readonly path: string;
  readonly isStream: boolean;
  /** Undefined if there is no file yet. */
  readonly stats: Stats | undefined;
}

/** Finds the file to which a path leads, also if it does not exist yet. */
export async function targetOf(path: string): Promise<Target> {
  const stats = await statsOf(path);
  // The real path of a pipe such as /dev/stdout is no path.
  if (stats !== undefined && !stats.isFile() && !stats.isDirectory()) return { path, isStream: true, stats };
  return {
    path: stats === undefined ? await absentPath(path) : await realpath(path),
    isStream: false,
    stats,
  };
}

/** Path of a file that does not exist yet; `path` may be a link that leads to it. */
async function absentPath(path: string): Promise<string> {
  const folder = await realpath(dirname(path));
  const link = await readlink(path).catch(() => undefined);
  return link === undefined ? join(folder, basename(path)) : absentPath(resolve(folder, link));
}

async function statsOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Longest part of a name that a temporary name repeats: a name has 255 bytes at most. */
const REPEATED_NAME = 40;

/**
 * Returns a unique name in the folder of `path`, from which a file can be renamed to `path`. The caller releases it. If the
 * process exits before that, for example at a second signal, the file is removed.
 */
export function temporaryBeside(path: string): string {
  const name = `.${basename(path).slice(0, REPEATED_NAME)}.${processTag()}-${randomUUID()}.tmp`;
  const temporary = join(dirname(path), name);
  if (unfinished.size === 0) process.once("exit", removeUnfinished);
  unfinished.add(temporary);
  return temporary;
}

/** Releases a temporary name after its file was renamed or removed. */
export function releaseTemporary(temporary: string): void {
  unfinished.delete(temporary);
  if (unfinished.size === 0) process.off("exit", removeUnfinished);
}

function removeUnfinished(): void {
  for (const temporary of unfinished) rmSync(temporary, { force: true });
}

const UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
/** Our temporary files, those without a process too, and the parts of downloads, which earlier versions wrote. */
const TEMPORARY = new RegExp(
  String.raw`^\..+\.(?:([0-9a-f]{12}-\d+)-)?${UUID}\.tmp$|^.+\.\d+-${UUID}\.part$`,
);
/** Age from which a temporary file of an unknown process is a leftover: no run is silent for so long. */
const LEFTOVER_MS = 7 * 24 * 3600 * 1000;

/** Removes the temporary files in `folder` whose processes have ended. */
export async function removeLeftovers(folder: string): Promise<void> {
  // A folder that cannot be listed can still be written.
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const match = TEMPORARY.exec(name);
    if (match === null) continue;
    const path = join(folder, name);
    const ended = match[1] === undefined ? undefined : hasEnded(match[1]);
    if (ended ?? (await isOld(path))) await rm(path, { force: true }).catch(() => {});
  }
}

async function isOld(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats !== undefined && Date.now() - stats.mtimeMs > LEFTOVER_MS;
}

/** Rejects a path that cannot be written, before any work is done. @throws RunError ERR_OUTPUT_WRITE */
export async function assertWritable(path: string): Promise<void> {
  try {
    const target = await targetOf(path);
    if (target.stats?.isDirectory()) throw new Error("it is a folder");
    await access(target.isStream ? path : dirname(target.path), constants.W_OK);
  } catch (error) {
    throw writeFault(path, error);
  }
}
