/**
 * Lock of a file that one process holds at a time.
 *
 * Within one machine it is a name that only one process can listen to: an abstract socket on Linux, a named pipe on Windows.
 * Neither is a file, so nothing is left after a SIGKILL. On other systems the name is a socket file, which is taken over when
 * no one answers at it.
 *
 * Containers and machines that share a disk do not share these names. A second lock, the file `FILE.lock`, holds among them. It
 * names its owner, and the owner touches it while it lives. A lock is taken over if its owner has ended, or, if that cannot be
 * seen from here, after half a minute without a touch.
 */

import { createHash, randomUUID } from "node:crypto";
import { type BigIntStats, readFileSync, readlinkSync } from "node:fs";
import { type FileHandle, link, open, realpath, rename, rm, utimes } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import process, { platform } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf } from "#src/base/realm.js";

/**
 * Number of attempts to take the name. A process that another thread is starting holds, for a moment, a copy of every open
 * socket, so a released name can still be taken.
 */
const TRIES = 10;
const BETWEEN_TRIES_MS = 25;

export interface Lock {
  /** False if another process has taken over the lock, because this one stood still for long. */
  isHeld(): Promise<boolean>;
  release(): Promise<void>;
}

/** Takes both locks of the file at `path`. Undefined if another process holds one of them. */
export async function acquireLock(
  path: string,
  stats: Pick<BigIntStats, "dev" | "ino">,
  untouchedMs = UNTOUCHED_MS,
): Promise<Lock | undefined> {
  const name = await acquireName(lockAddress(stats));
  if (name === undefined) return undefined;
  try {
    const file = await acquireLockFile(`${await realpath(path)}.lock`, untouchedMs);
    if (file === undefined) await name.release();
    return (
      file && {
        isHeld: file.isHeld,
        async release() {
          try {
            await file.release();
          } finally {
            await name.release();
          }
        },
      }
    );
  } catch (error) {
    await name.release();
    throw error;
  }
}

/** Time between two touches of a lock file. */
const TOUCH_MS = 1000;
/** A lock that was not touched for so long belongs to a process that has ended: no task holds the event loop for so long. */
const UNTOUCHED_MS = 30_000;
const LOOK_MS = 250;
/** The folder cannot be written: only the name locks the file. */
const READ_ONLY: ReadonlySet<string> = new Set(["EACCES", "EPERM", "EROFS", "ERR_ACCESS_DENIED"]);
const UNLOCKED: Lock = { isHeld: async () => true, release: async () => {} };

async function acquireLockFile(path: string, untouchedMs: number): Promise<Lock | undefined> {
  const own = `${processTag()} ${randomUUID()}\n`;
  for (let tries = 1; tries <= TRIES; tries++) {
    try {
      await createFile(path, own);
      return heldLock(path, own);
    } catch (error) {
      if (READ_ONLY.has(codeOf(error))) return UNLOCKED;
      if (codeOf(error) !== "EEXIST") throw error;
    }
    const found = await readLock(path);
    if (found === undefined) continue;
    if (!(await isLeft(path, found, untouchedMs)) || !(await removeLock(path, found))) return undefined;
  }
  return undefined;
}

/** Creates a file that does not exist yet. A file that cannot be written, on a full disk, is removed. */
async function createFile(path: string, text: string): Promise<void> {
  const file = await open(path, "wx");
  try {
    await file.writeFile(text);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

function heldLock(path: string, own: string): Lock {
  const isHeld = async () => (await readLock(path))?.text === own;
  // A disk that fails shows in the writes of the journal.
  const touch = () => utimes(path, new Date(), new Date()).catch(() => {});
  const timer = setInterval(touch, TOUCH_MS);
  timer.unref();
  return {
    isHeld,
    async release() {
      clearInterval(timer);
      // A lock file that a failing disk keeps is taken over by the next process.
      if (await isHeld().catch(() => false)) await rm(path, { force: true }).catch(() => {});
    },
  };
}

interface FoundLock {
  readonly text: string;
  readonly touchedMs: number;
}

/** Opens the file, because NFS then looks at the server. Undefined if there is none. */
async function readLock(path: string): Promise<FoundLock | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, "r");
    const { mtimeMs } = await file.stat();
    return { text: await file.readFile("utf8"), touchedMs: mtimeMs };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  } finally {
    await file?.close();
  }
}

/** Returns whether the owner has ended. One in another container or machine is watched. */
async function isLeft(path: string, found: FoundLock, untouchedMs: number): Promise<boolean> {
  const [tag = ""] = found.text.split(" ");
  // This process has the name, so a lock of its number is one of an earlier process.
  if (tag === processTag()) return true;
  const ended = hasEnded(tag);
  if (ended !== undefined) return ended;
  for (const beganAt = performance.now(); performance.now() - beganAt < untouchedMs; ) {
    await sleep(LOOK_MS);
    const now = await readLock(path);
    if (now === undefined) return true;
    if (now.text !== found.text || now.touchedMs !== found.touchedMs) return false;
  }
  return true;
}

/** Removes the lock of a process that has ended. False if it was another's: two may take it over at once. */
async function removeLock(path: string, { text }: FoundLock): Promise<boolean> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    // Another process was faster. The next try meets its lock.
    if (codeOf(error) === "ENOENT") return true;
    throw error;
  }
  const isFound = (await readLock(aside))?.text === text;
  if (!isFound) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
  return isFound;
}

/** Address of the lock of a file. All paths of one file give the same address. */
export function lockAddress({ dev, ino }: Pick<BigIntStats, "dev" | "ino">, system = platform): string {
  const name = `batchwise-journal-${dev}-${ino}`;
  if (system === "linux") return `\0${name}`;
  if (system === "win32") return `\\\\.\\pipe\\${name}`;
  return join(tmpdir(), `${name}.sock`);
}

/** Takes the name. Undefined if another process has it. */
export async function acquireName(address: string): Promise<Pick<Lock, "release"> | undefined> {
  let server: Server | undefined;
  for (let tries = 1; server === undefined && tries <= TRIES; tries++) {
    if (tries > 1) await sleep(BETWEEN_TRIES_MS);
    server = (await listen(address)) ?? (await takeOver(address));
  }
  if (server === undefined) return undefined;
  // The lock does not keep the process alive.
  server.unref();
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** Listens to the name. Undefined if it is taken. */
function listen(address: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(undefined);
      else reject(error);
    });
    server.listen(address, () => resolve(server));
  });
}

/** Takes over a socket file whose owner has ended. The other kinds of name end with their owner. */
async function takeOver(address: string): Promise<Server | undefined> {
  const isFile = !address.startsWith("\0") && !address.startsWith("\\\\");
  if (!isFile || (await isAnswered(address))) return undefined;
  await rm(address, { force: true });
  return listen(address);
}

function isAnswered(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

let machineTag: string | undefined;

/**
 * Names this process, among all that may share a disk: a machine that has booted once, seen from one container, and the
 * number of the process there. `3f2a90c1b7de-4711`.
 */
export function processTag(): string {
  machineTag ??= createHash("sha256")
    .update([hostname(), textOf(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8"))].join("\n"))
    .update(textOf(() => readlinkSync("/proc/self/ns/pid")))
    .digest("hex")
    .slice(0, 12);
  return `${machineTag}-${process.pid}`;
}

/** Returns whether the process of this tag has ended; undefined for one of another machine or container. */
export function hasEnded(tag: string): boolean | undefined {
  const [machine, pid] = tag.split("-");
  if (machine === undefined || pid === undefined || !processTag().startsWith(`${machine}-`)) return undefined;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    // A process of another user may not be signalled.
    return codeOf(error) === "ESRCH";
  }
}

/** Only Linux has these files. */
function textOf(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}
