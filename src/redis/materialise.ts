/** Turns the location of a run's file into a path on this machine: a path, a name of the package, a `file:` or an `http(s):` URL. */

import { randomUUID } from "node:crypto";
import { mkdir, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { atLeast, BatchwiseError, RunError, reasonOf, TransferError, UsageError } from "#src/base/errors.js";
import type { RemoteFile } from "#src/files/catalog.js";
import { cacheFolder } from "#src/files/catalog.js";
import { DEFAULT_LIMITS, download } from "#src/files/download.js";
import { fetchEntry } from "#src/files/fetch-entry.js";
import { MirrorFault } from "#src/files/mirror-fault.js";

/** Folder of the cache for files from URLs, each in a folder named by its hash. */
const FOLDER = "remote";
const SHA256 = /^[0-9a-f]{64}$/;

/** Sizes and hashes of files that hosts will download, by URL. */
export type RemoteFiles = Readonly<Record<string, RemoteFile>>;

export function isUrl(location: string): boolean {
  return /^(file|https?):\/\//.test(location);
}

/** URLs that this machine may request. */
export interface Permission {
  permitsUrl(url: URL): boolean;
}

function isRemote(location: string): boolean {
  return isUrl(location) && !location.startsWith("file:");
}

/**
 * Returns the path of a file on a host. A file that comes over HTTP is kept by its hash and checked against it.
 *
 * @throws RunError ERR_HOST_LOCATION; TransferError, with any of its codes; UsageError as `fetchFile`
 */
export async function materialise(
  location: string,
  files: RemoteFiles,
  allowed: Permission,
  signal: AbortSignal,
): Promise<string> {
  if (!isUrl(location)) return location;
  if (!isRemote(location)) return localPath(location);
  const file = Object.hasOwn(files, location) ? files[location] : undefined;
  const mayRequest = (url: URL) => allowed.permitsUrl(url);
  if (!URL.canParse(location) || !allowed.permitsUrl(new URL(location)))
    throw new RunError("ERR_HOST_LOCATION", { location });
  if (file === undefined) throw noFile(location, "the run does not state its hash");
  // These facts come from Redis, into which others can write: they must not lead out of the cache.
  if (!isFileName(file.name) || !SHA256.test(file.sha256)) {
    throw noFile(location, "its name or its hash, as the run has it, is none");
  }
  const entry = { name: join(FOLDER, file.sha256), mirrors: [new URL(".", location).href], files: [file] };
  const [{ path }] = atLeast(await fetchEntry(entry, { signal, verify: "hash", mayRequest }), 1);
  return path;
}

/**
 * Downloads a file on the coordinator. Returns its path, and the facts that hosts check their copy against.
 *
 * @throws UsageError ERR_USAGE where the URL has a password, which hosts would see, or names no file
 * @throws TransferError ERR_TRANSFER_FAILED, ERR_CACHE_WRITE
 */
export async function fetchFile(
  location: string,
  signal: AbortSignal,
): Promise<{ readonly path: string; readonly file: RemoteFile | undefined }> {
  if (!isUrl(location)) return { path: location, file: undefined };
  if (!isRemote(location)) return { path: localPath(location), file: undefined };
  const url = new URL(location);
  if (url.username !== "" || url.password !== "" || url.search !== "") {
    const problem = "a URL of data or network may hold no password and no query, since every host is told it";
    throw new UsageError("ERR_USAGE", { problem });
  }
  const name = fileNameOf(url);
  const folder = join(cacheFolder(), FOLDER);
  const part = join(folder, `.${randomUUID()}.part`);
  try {
    await mkdir(folder, { recursive: true });
    const file = { name, ...(await receive(url, part, signal)) };
    const path = join(folder, file.sha256, name);
    await mkdir(join(folder, file.sha256), { recursive: true });
    await rename(part, path);
    return { path, file };
  } catch (error) {
    if (error instanceof BatchwiseError || signal.aborted) throw error;
    throw new TransferError("ERR_CACHE_WRITE", { path: folder, reason: reasonOf(error) }, { cause: error });
  } finally {
    await rm(part, { force: true }).catch(() => {});
  }
}

function localPath(location: string): string {
  try {
    return fileURLToPath(location);
  } catch (error) {
    throw noFile(location, reasonOf(error));
  }
}

/** Last part of the path: the name in the cache, here and on every host. */
function fileNameOf({ href, pathname }: URL): string {
  const name = decodedName(basename(pathname));
  if (name !== undefined && isFileName(name)) return name;
  throw noFile(href, "its last part is no file's name");
}

function isFileName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !/[/\\\p{Cc}]/u.test(name);
}

function decodedName(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function noFile(location: string, problem: string): UsageError {
  return new UsageError("ERR_USAGE", { problem: `${location}: expected the URL of a file: ${problem}` });
}

/** Downloads a file of unknown length and hash. */
async function receive(url: URL, path: string, signal: AbortSignal): Promise<Omit<RemoteFile, "name">> {
  try {
    return await download(url, path, Number.POSITIVE_INFINITY, { signal, limits: DEFAULT_LIMITS });
  } catch (error) {
    if (!(error instanceof MirrorFault)) throw error;
    const failures = [{ mirror: url.origin, reason: error.message }];
    const file = basename(url.pathname);
    throw new TransferError("ERR_TRANSFER_FAILED", { file, failures }, { cause: error });
  }
}
