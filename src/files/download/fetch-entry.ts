/** Sees that files of a catalog's entry are in the cache, and downloads those that are not. */

import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { env } from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { TERMINATED } from "#src/base/abort.js";
import { type Log, SILENT } from "#src/base/contracts/run.js";
import type { MirrorFailure } from "#src/base/errors/file-codes.js";
import { reasonOf, TransferError } from "#src/base/errors.js";
import { type CatalogEntry, cacheFolder, type DownloadOptions, type RemoteFile } from "#src/files/catalog.js";
import { below, DEFAULT_LIMITS, MirrorFault, shownUrl, type TransferLimits, userMirror } from "./mirror.js";
import { PartFile, sha256OfFile } from "./part-file.js";
import { type TransferOptions, transfer } from "./transfer.js";

/** A mirror that is tried before all others, for networks without a way out. */
const MIRROR_VARIABLE = "BATCHWISE_MIRROR";

export interface FetchOptions extends DownloadOptions {
  /** Which files; all unless given. */
  readonly wanted?: readonly string[] | undefined;
  /**
   * Whether a cached file is held against its hash, or only against its size, as suffices where the readers of its
   * format find damage themselves (gzip has a CRC of its own) and nothing that is read can do harm.
   */
  readonly verify?: "hash" | "size" | undefined;
  /** The base of a mirror to try first: `BASE/NAME/FILE`, the layout of the cache itself. */
  readonly mirror?: string | undefined;
  readonly cache?: string | undefined;
  readonly limits?: Partial<TransferLimits> | undefined;
  readonly onFile?: ((file: RemoteFile) => void) | undefined;
  readonly onBytes?: ((doneBytes: number) => void) | undefined;
  readonly onFetched?: ((fetched: FetchedFile) => void) | undefined;
}

export interface FetchedFile {
  readonly file: RemoteFile;
  readonly path: string;
  /** The mirror that gave it; undefined where the cache had it. */
  readonly mirror: URL | undefined;
}

/**
 * The files' places in the cache, in the catalog's order.
 *
 * @throws TransferError, with any of its codes; UsageError ERR_OPTION_VALUE for a mirror that is no URL.
 */
export async function fetchEntry(entry: CatalogEntry, options: FetchOptions = {}): Promise<FetchedFile[]> {
  const { wanted, signal = new AbortController().signal, onFile, onBytes, onFetched } = options;
  const folder = join(options.cache ?? cacheFolder(), entry.name);
  const files = entry.files.filter(({ name }) => wanted === undefined || wanted.includes(name));
  let mirrors = mirrorsOf(entry, options.mirror);
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
    // Whatever keeps a file from being looked at will be told when it is written or read.
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
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new TransferError("ERR_CACHE_WRITE", { path: folder, reason: reasonOf(error) }, { cause: error });
  }
}

function mirrorsOf({ name, mirrors }: CatalogEntry, given: string | undefined): URL[] {
  const fromEnvironment = env[MIRROR_VARIABLE];
  return [
    ...(given === undefined ? [] : [userMirror("--mirror", given, name)]),
    ...(fromEnvironment ? [userMirror(MIRROR_VARIABLE, fromEnvironment, name)] : []),
    ...mirrors.map((mirror) => new URL(mirror)),
  ];
}

/** A mirror that gave one file is asked first for the next, so that a dead one is waited for once. */
function triedFirst(mirror: URL | undefined, mirrors: readonly URL[]): URL[] {
  return mirror === undefined ? [...mirrors] : [mirror, ...mirrors.filter((other) => other !== mirror)];
}

// Downloads one file: mirror after mirror, each a few times, until one gives the bytes that the pinned hash names.

export interface DownloadFileOptions extends TransferOptions {
  readonly log?: Log | undefined;
}

/**
 * Puts the file at `target`, in a folder that exists: whole, verified and on the disk, or not at all. What came of it
 * before a failure stays beside it, and the next call goes on from there.
 *
 * @returns the mirror that gave it; undefined when an earlier run had left all of its bytes
 * @throws TransferError ERR_TRANSFER_FAILED, ERR_TRANSFER_INTERRUPTED, ERR_TRANSFER_TERMINATED, ERR_CACHE_WRITE,
 *   ERR_PROXY_URL
 */
export async function downloadFile(
  file: RemoteFile,
  mirrors: readonly URL[],
  target: string,
  options: DownloadFileOptions,
): Promise<URL | undefined> {
  const part = await PartFile.claim(target);
  const failures: MirrorFailure[] = [];
  try {
    if (await isWhole(part, file)) {
      await part.commit();
      return undefined;
    }
    for (const mirror of mirrors) {
      const fault = await tryMirror(below(mirror, file.name), file, part, options);
      if (fault === undefined) {
        await part.commit();
        return mirror;
      }
      failures.push({ mirror: shownUrl(mirror), reason: fault.message });
    }
  } catch (error) {
    throw options.signal.aborted ? interruption(options.signal, file, part) : error;
  } finally {
    await part.release();
  }
  throw new TransferError("ERR_TRANSFER_FAILED", { file: file.name, failures });
}

/** A part that is as long as the file, and is the file; one of that length or longer that is not, is given up. */
async function isWhole(part: PartFile, file: RemoteFile): Promise<boolean> {
  if (part.bytes < file.bytes) return false;
  if (part.bytes === file.bytes && (await part.sha256()) === file.sha256) return true;
  await part.clear();
  return false;
}

async function tryMirror(
  url: URL,
  file: RemoteFile,
  part: PartFile,
  options: DownloadFileOptions,
): Promise<MirrorFault | undefined> {
  const { signal, limits, log = SILENT } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      await transfer(url, file, part, options);
      return undefined;
    } catch (error) {
      if (!(error instanceof MirrorFault) || signal.aborted) throw error;
      log.info({ url: shownUrl(url), attempt, reason: error.message }, "a mirror failed");
      if (!error.passing || attempt >= limits.attempts) return error;
      await delay(limits.backoffMs * 2 ** (attempt - 1), undefined, { signal });
    }
  }
}

function interruption(signal: AbortSignal, file: RemoteFile, part: PartFile): TransferError {
  const code = signal.reason === TERMINATED ? "ERR_TRANSFER_TERMINATED" : "ERR_TRANSFER_INTERRUPTED";
  return new TransferError(code, { file: file.name, doneBytes: part.bytes, totalBytes: file.bytes });
}
