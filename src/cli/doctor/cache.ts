/** Checks of the folder of downloads: whether it can be written, and what of the catalogue is in it, whole. */
import { access, constants, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CACHE_VARIABLE, cacheFolder } from "#src/files/cache.js";
import { CATALOG } from "#src/files/catalog.js";
import type { CatalogEntry, RemoteFile } from "#src/files/download/catalog-entry.js";
import { sha256OfFile } from "#src/files/download/part-file.js";
import type { Check } from "./check.js";

const MEGABYTE = 1_000_000;

/** The folder, then each entry of the catalogue. */
export async function checkCache(
  folder: string = cacheFolder(),
  catalog: ReadonlyMap<string, CatalogEntry> = CATALOG,
): Promise<Check[]> {
  const entries = [...catalog.values()];
  return Promise.all([
    checkFolder(folder),
    ...entries.map((entry) => checkEntry(entry, join(folder, entry.name))),
  ]);
}

async function checkFolder(folder: string): Promise<Check> {
  const bytes = await bytesIn(folder);
  const size = bytes === undefined ? "not there yet" : `${(bytes / MEGABYTE).toFixed(1)} MB`;
  const row = { name: "Cache", found: `${folder}, ${size}` };
  if (await isWritable(folder)) return { ...row, state: "ok", found: `${row.found}, writable` };
  return {
    ...row,
    // What the package carries is evaluated without it.
    state: "warning",
    found: `${row.found}, not writable`,
    advice: `name another folder in ${CACHE_VARIABLE}`,
  };
}

/** A folder that is not there can be made where the nearest that is there can be written. */
async function isWritable(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.W_OK);
    return (await stat(folder)).isDirectory();
  } catch (error) {
    const isAbsent = (error as NodeJS.ErrnoException).code === "ENOENT" && folder !== dirname(folder);
    return isAbsent && isWritable(dirname(folder));
  }
}

async function bytesIn(folder: string): Promise<number | undefined> {
  const names = await readdir(folder, { recursive: true }).catch(() => undefined);
  if (names === undefined) return undefined;
  const sizes = await Promise.all(
    names.map(async (name) => {
      // Another run may have renamed a part since.
      const stats = await stat(join(folder, name)).catch(() => undefined);
      return stats?.isFile() ? stats.size : 0;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function checkEntry({ name: entry, files }: CatalogEntry, folder: string): Promise<Check> {
  const name = `Download ${entry}`;
  const states = await Promise.all(files.map((file) => stateOf(file, join(folder, file.name))));
  const advice = `batchwise fetch ${entry}`;
  const damaged = files.filter((_, n) => states[n] === "damaged").map((file) => file.name);
  if (damaged.length > 0) return { name, state: "warning", found: `damaged: ${damaged.join(", ")}`, advice };
  const whole = states.filter((state) => state === "whole").length;
  if (whole === 0) return { name, state: "absent", found: "not downloaded", advice };
  const found = `${whole} of ${files.length} files, verified by SHA-256`;
  return { name, state: "ok", found, ...(whole < files.length && { advice }) };
}

async function stateOf({ bytes, sha256 }: RemoteFile, path: string): Promise<"absent" | "whole" | "damaged"> {
  const stats = await stat(path).catch(() => undefined);
  if (stats === undefined) return "absent";
  if (stats.size !== bytes) return "damaged";
  return (await sha256OfFile(path).catch(() => undefined)) === sha256 ? "whole" : "damaged";
}
