/**
 * One process at a time: a lock that the system itself takes back when its owner ends, however it ends.
 *
 * The lock is a name that one process alone can listen to: an abstract socket on Linux, a named pipe on Windows. Neither
 * is a file, so that nothing is left after a SIGKILL, and nobody has to judge whether what is left is alive: a file with a
 * process id in it has to be judged, two judges can take it over at once, and ids are used again. Elsewhere the name is a
 * socket file, which is taken over when nobody answers at it.
 *
 * It holds within one machine (one network namespace). Across machines that share a disk the journal's length tells: see
 * journal.ts.
 */
import type { BigIntStats } from "node:fs";
import { rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { platform } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * A process that another thread is just starting has, for a moment, a copy of every socket that is open here, and so keeps
 * a name taken that was given back.
 */
const TRIES = 10;
const BETWEEN_TRIES_MS = 25;

export interface Lock {
  release(): Promise<void>;
}

/** Of the file itself, whatever paths lead to it. */
export function lockAddress({ dev, ino }: Pick<BigIntStats, "dev" | "ino">, system = platform): string {
  const name = `batchwise-journal-${dev}-${ino}`;
  if (system === "linux") return `\0${name}`;
  if (system === "win32") return `\\\\.\\pipe\\${name}`;
  return join(tmpdir(), `${name}.sock`);
}

/** Undefined where another process has it. */
export async function acquireLock(address: string): Promise<Lock | undefined> {
  let server: Server | undefined;
  for (let tries = 1; server === undefined && tries <= TRIES; tries++) {
    if (tries > 1) await sleep(BETWEEN_TRIES_MS);
    server = (await listen(address)) ?? (await takeOver(address));
  }
  if (server === undefined) return undefined;
  // A run that has ended is not kept by its lock.
  server.unref();
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** Undefined where the name is taken. */
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

/** A socket file outlives its owner; the other kinds of name are never free when they were just taken. */
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
