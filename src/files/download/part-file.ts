/**
 * A download under way, beside its target. While it is written it has a name that no other process uses,
 * `NAME.PID-UUID.part`, so that two downloads of one file never meet; at rest it is `NAME.part`. Whoever begins takes
 * over what rests there, or what a dead process left, by renaming it: of several only one succeeds.
 */
import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { kill, pid } from "node:process";
import { pipeline } from "node:stream/promises";
import { reasonOf, TransferError } from "#src/base/errors.js";
import { writeChunk } from "#src/files/write-file.js";

export class PartFile {
  readonly #target: string;
  readonly #path: string;
  readonly #handle: FileHandle;
  #bytes: number;
  #settled = false;

  private constructor(target: string, path: string, handle: FileHandle, bytes: number) {
    this.#target = target;
    this.#path = path;
    this.#handle = handle;
    this.#bytes = bytes;
  }

  /** @throws TransferError ERR_CACHE_WRITE, as do all methods. */
  static claim(target: string): Promise<PartFile> {
    return writing(target, async () => {
      const path = `${target}.${pid}-${randomUUID()}.part`;
      const adopted = await adopt(target, path);
      const handle = await open(path, adopted ? "r+" : "wx+");
      return new PartFile(target, path, handle, (await handle.stat()).size);
    });
  }

  /** What there is so far, from the file's beginning. */
  get bytes(): number {
    return this.#bytes;
  }

  append(chunk: Uint8Array): Promise<void> {
    return writing(this.#path, () =>
      writeChunk(this.#handle, chunk, this.#bytes, (written) => {
        this.#bytes += written;
      }),
    );
  }

  clear(): Promise<void> {
    return writing(this.#path, async () => {
      await this.#handle.truncate(0);
      this.#bytes = 0;
    });
  }

  /** SHA-256, hex, of the bytes as they stand on disk, whoever wrote them. */
  sha256(): Promise<string> {
    return writing(this.#path, () => sha256OfFile(this.#path));
  }

  /** Gives the file its final name, once its bytes are on the disk. */
  commit(): Promise<void> {
    return writing(this.#target, async () => {
      await this.#handle.sync();
      await this.#handle.close();
      await rename(this.#path, this.#target);
      this.#settled = true;
    });
  }

  /** Leaves what has come for a later run, under `NAME.part`; nothing where nothing came or `commit` was called. */
  async release(): Promise<void> {
    if (this.#settled) return;
    this.#settled = true;
    await writing(this.#path, async () => {
      await this.#handle.close();
      if (this.#bytes === 0) await rm(this.#path, { force: true });
      else await rename(this.#path, `${this.#target}.part`);
    });
  }
}

export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** Takes over one part that no living process writes, and removes the others. */
async function adopt(target: string, path: string): Promise<boolean> {
  const folder = dirname(target);
  const name = basename(target);
  let adopted = false;
  for (const entry of await readdir(folder)) {
    if (!isLeftOver(entry, name)) continue;
    if (adopted) await rm(join(folder, entry), { force: true });
    else adopted = await renamed(join(folder, entry), path);
  }
  return adopted;
}

function isLeftOver(entry: string, name: string): boolean {
  if (!entry.startsWith(`${name}.`) || !entry.endsWith(".part")) return false;
  const middle = entry.slice(name.length, -"part".length);
  const [, owner] = /^\.(\d+)-[0-9a-f-]+\.$/.exec(middle) ?? [];
  return middle === "." || (owner !== undefined && !isAlive(Number(owner)));
}

function isAlive(process: number): boolean {
  try {
    kill(process, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and is another user's.
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new TransferError("ERR_CACHE_WRITE", { path, reason: reasonOf(error) }, { cause: error });
  }
}
