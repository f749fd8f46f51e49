/** Files of a catalog's entry in the cache. Files that are missing are downloaded. */

import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { env } from "node:process";
import { TERMINATED } from "#src/base/abort.js";
import { grouped } from "#src/base/errors/define.js";
import type { MirrorFailure } from "#src/base/errors/file-codes.js";
import { reasonOf, TransferError, UsageError } from "#src/base/errors.js";
import { codeOf } from "#src/base/realm.js";
import {
  type CatalogEntry,
  cacheFolder,
  type DownloadOptions,
  folderOf,
  type RemoteFile,
} from "./catalog.js";
import {
  DEFAULT_LIMITS,
  download,
  type Received,
  type TransferLimits,
  type TransferOptions,
} from "./download.js";
import { sha256OfFile } from "./hash.js";
import { MirrorFault, shownUrl, withoutCredentials } from "./mirror-fault.js";
import { releaseTemporary, removeLeftovers, temporaryBeside } from "./write-file.js";

/** Variable that names a mirror to try before all others, for networks without access to the internet. */
export const MIRROR_VARIABLE = "BATCHWISE_MIRROR";

export interface FetchOptions extends DownloadOptions {
  /** Names of the files to fetch; all if absent. */
  readonly wanted?: readonly string[] | undefined;
  /**
   * How a cached file is checked. The size is enough if the reader of the format finds damage by itself (gzip has a
   * CRC) and the content can do no harm.
   */
  readonly verify?: "hash" | "size" | undefined;
  /** Base URL of a mirror to try first. Its files are at `BASE/FOLDER/FILE`, as in the cache. */
  readonly mirror?: string | undefined;
  readonly cache?: string | undefined;
  readonly limits?: Partial<TransferLimits> | undefined;
  /** Whether a URL may be requested; redirects are checked too. Default: any. */
  readonly mayRequest?: ((url: URL) => boolean) | undefined;
  readonly onFile?: ((file: RemoteFile) => void) | undefined;
  readonly onBytes?: ((doneBytes: number) => void) | undefined;
  readonly onFetched?: ((fetched: FetchedFile) => void) | undefined;
}

export interface FetchedFile {
  readonly file: RemoteFile;
  readonly path: string;
  /** Mirror that gave the file; undefined if it was in the cache. */
  readonly mirror: URL | undefined;
}

/**
 * Fetches the wanted files. Returns their paths in the cache, in the catalog's order.
 *
 * @throws TransferError with any of its codes
 * @throws UsageError ERR_OPTION_VALUE if a mirror is not an http or https URL
 */
export async function fetchEntry(entry: CatalogEntry, options: FetchOptions = {}): Promise<FetchedFile[]> {
  const { wanted, signal = new AbortController().signal, onFile, onBytes, onFetched } = options;
  const folder = join(options.cache ?? cacheFolder(), folderOf(entry));
  const files = entry.files.filter(({ name }) => wanted === undefined || wanted.includes(name));
  let mirrors = mirrorsOf(entry, options.mirror);
  await removeLeftovers(folder);
  const missing = await missingOf(files, folder, options.verify ?? "size");
  if (missing.size > 0) await prepare(entry, folder, [...missing], options);

  const fetched: FetchedFile[] = [];
  for (const file of files) {
    onFile?.(file);
    const path = join(folder, file.name);
    const mirror = missing.has(file)
      ? await downloadFile(file, mirrors, path, {
          signal,
          limits: { ...DEFAULT_LIMITS, ...options.limits },
          log: options.log,
          mayRequest: options.mayRequest,
          onBytes: (doneBytes) => onBytes?.(doneBytes),
        })
      : undefined;
    mirrors = triedFirst(mirror, mirrors);
    const one = { file, path, mirror };
    fetched.push(one);
    onFetched?.(one);
  }
  return fetched;
}

async function missingOf(
  files: readonly RemoteFile[],
  folder: string,
  verify: "hash" | "size",
): Promise<Set<RemoteFile>> {
  const missing = new Set<RemoteFile>();
  for (const file of files) {
    const path = join(folder, file.name);
    // A fault of the file system is reported when the file is written or read.
    const stats = await stat(path).catch(() => undefined);
    const whole = stats?.isFile() && stats.size === file.bytes;
    const hash = whole && verify === "hash" ? await sha256OfFile(path).catch(() => undefined) : file.sha256;
    if (!whole || hash !== file.sha256) missing.add(file);
  }
  return missing;
}

async function prepare(
  { name }: CatalogEntry,
  folder: string,
  missing: readonly RemoteFile[],
  { offline, onDownload }: FetchOptions,
): Promise<void> {
  if (offline) {
    throw new TransferError("ERR_TRANSFER_OFFLINE", {
      name,
      folder,
      missing: missing.map((file) => file.name),
    });
  }
  const bytes = missing.reduce((sum, file) => sum + file.bytes, 0);
  onDownload?.({ name, files: missing.length, bytes, folder });
  try {
    await makeFolder(folder);
  } catch (error) {
    throw new TransferError("ERR_CACHE_WRITE", { path: folder, reason: reasonOf(error) }, { cause: error });
  }
}

/** Makes a folder and those above it. Node's recursive mkdir never ends below a folder such as /proc/1. */
async function makeFolder(folder: string): Promise<void> {
  const stats = await stat(folder).catch(() => undefined);
  if (stats?.isDirectory()) return;
  const above = dirname(folder);
  if (above !== folder) await makeFolder(above);
  await mkdir(folder).catch((error: unknown) => {
    // Another process may have made it.
    if (codeOf(error) !== "EEXIST" || stats !== undefined) throw error;
  });
}

function mirrorsOf(entry: CatalogEntry, given: string | undefined): URL[] {
  const folder = folderOf(entry);
  const fromEnvironment = env[MIRROR_VARIABLE];
  return [
    ...(given === undefined ? [] : [userMirror("--mirror", given, folder)]),
    ...(fromEnvironment ? [userMirror(MIRROR_VARIABLE, fromEnvironment, folder)] : []),
    ...entry.mirrors.map((mirror) => new URL(mirror)),
  ];
}

/** Puts the mirror that gave a file first for the next file, so that a dead mirror costs its time limit only once. */
function triedFirst(mirror: URL | undefined, mirrors: readonly URL[]): URL[] {
  return mirror === undefined ? [...mirrors] : [mirror, ...mirrors.filter((other) => other !== mirror)];
}

/** Base URL of a mirror that the user named. It has the folders of the cache. */
function userMirror(option: string, base: string, folder: string): URL {
  const url = URL.canParse(base) ? new URL(base) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new UsageError("ERR_OPTION_VALUE", {
      option,
      expected: "an http or https URL",
      found: withoutCredentials(base),
    });
  }
  return below(url, `${folder}/`);
}

/** URL of a file in a mirror's folder. A query, which may be an access token, is kept. */
function below(folder: URL, name: string): URL {
  const url = new URL(folder);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/${name}`;
  return url;
}

/**
 * Puts the file at `target`, in a folder that exists: whole, verified and synced to the disk, or not at all. Returns the
 * mirror that gave it.
 *
 * @throws TransferError ERR_TRANSFER_FAILED, ERR_TRANSFER_INTERRUPTED, ERR_TRANSFER_TERMINATED, ERR_CACHE_WRITE,
 *   ERR_PROXY_URL
 */
export async function downloadFile(
  file: RemoteFile,
  mirrors: readonly URL[],
  target: string,
  options: TransferOptions,
): Promise<URL> {
  const { signal } = options;
  const failures: MirrorFailure[] = [];
  let doneBytes = 0;
  const onBytes = (bytes: number) => {
    doneBytes = bytes;
    options.onBytes?.(bytes);
  };
  for (const mirror of mirrors) {
    const temporary = temporaryBeside(target);
    try {
      const found = await download(below(mirror, file.name), temporary, file.bytes, { ...options, onBytes });
      assertIsFile(found, file);
      await rename(temporary, target);
      return mirror;
    } catch (error) {
      if (signal.aborted) throw interruption(signal, file, doneBytes);
      if (error instanceof TransferError) throw error;
      if (!(error instanceof MirrorFault)) {
        throw new TransferError(
          "ERR_CACHE_WRITE",
          { path: target, reason: reasonOf(error) },
          { cause: error },
        );
      }
      failures.push({ mirror: shownUrl(mirror), reason: error.message });
    } finally {
      await rm(temporary, { force: true }).catch(() => {});
      releaseTemporary(temporary);
    }
  }
  throw new TransferError("ERR_TRANSFER_FAILED", { file: file.name, failures });
}

function assertIsFile(found: Received, { bytes, sha256 }: RemoteFile): void {
  if (found.bytes !== bytes) {
    throw new MirrorFault(`expected ${grouped(bytes)} bytes, found ${grouped(found.bytes)}`);
  }
  if (found.sha256 !== sha256) throw new MirrorFault(`expected SHA-256 ${sha256}, found ${found.sha256}`);
}

function interruption(signal: AbortSignal, file: RemoteFile, doneBytes: number): TransferError {
  const code = signal.reason === TERMINATED ? "ERR_TRANSFER_TERMINATED" : "ERR_TRANSFER_INTERRUPTED";
  return new TransferError(code, { file: file.name, doneBytes, totalBytes: file.bytes });
}
