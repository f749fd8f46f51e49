/**
 * Lock that one process holds at a time. The system releases it when its owner ends, for any reason.
 *
 * The lock is a name that only one process can listen to: an abstract socket on Linux, a named pipe on Windows. Neither is
 * a file, so nothing is left after a SIGKILL. A file with a process id would be less safe: two processes could take it over
 * at once, and ids are reused. On other systems the name is a socket file, which is taken
 * over when no one answers at it.
 *
 * The lock holds within one machine (one network namespace). Machines that share a disk notice each other by the length of
 * the journal: see evaluate/journal/journal.ts.
 */

import { createHash } from "node:crypto";
import { type BigIntStats, readFileSync, readlinkSync } from "node:fs";
import { rm } from "node:fs/promises";
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
  release(): Promise<void>;
}

/** Address of the lock of a file. All paths of one file give the same address. */
export function lockAddress({ dev, ino }: Pick<BigIntStats, "dev" | "ino">, system = platform): string {
  const name = `batchwise-journal-${dev}-${ino}`;
  if (system === "linux") return `\0${name}`;
  if (system === "win32") return `\\\\.\\pipe\\${name}`;
  return join(tmpdir(), `${name}.sock`);
}

/** Takes the lock. Undefined if another process holds it. */
export async function acquireLock(address: string): Promise<Lock | undefined> {
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
