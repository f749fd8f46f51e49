/** Turns the location of a run's file into a path on this machine, if the operator of the host permits it. */
import { randomUUID } from "node:crypto";
import { mkdir, readdir, realpath, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { env } from "node:process";
import { fileURLToPath } from "node:url";
import { atLeast, BatchwiseError, RunError, reasonOf, TransferError, UsageError } from "#src/base/errors.js";
import { DATASET_NAMES } from "#src/data/named-sets.js";
import { pairsByPattern, pairsOfManifest } from "#src/data/stream/find-pairs.js";
import { cacheFolder, type RemoteFile } from "#src/files/catalog.js";
import { DEFAULT_LIMITS, download } from "#src/files/download.js";
import { fetchEntry, MIRROR_VARIABLE } from "#src/files/fetch-entry.js";
import { MirrorFault } from "#src/files/mirror-fault.js";
import { pathKind, readFileStart } from "#src/files/read-file.js";
import { NETWORK_NAMES } from "#src/networks/source.js";

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

const PATTERN = /[*?[\]{}]/;

/** The files and URLs that a host may read. */
export class Allowed implements Permission {
  readonly #folders: readonly string[];
  readonly #urls: readonly URL[];

  /** @param given folders and URLs of `--allow` @param targets the TO of each `--map` */
  constructor(given: readonly string[], targets: readonly string[]) {
    const urls = given.filter((each) => /^https?:/i.test(each));
    const folders = given.filter((each) => !urls.includes(each));
    this.#folders = [...folders, ...targets, cacheFolder()].map((each) =>
      each.startsWith("file:") ? fileURLToPath(each) : resolve(each),
    );
    const mirror = env[MIRROR_VARIABLE];
    this.#urls = [...urls, ...(mirror ? [mirror] : [])]
      .filter((each) => URL.canParse(each))
      .map((each) => new URL(each));
  }

  /** Whether a URL has the origin of a permitted one, and its whole segments at the beginning of the path. */
  permitsUrl(url: URL): boolean {
    return this.#urls.some(({ origin, pathname }) => {
      const folder = pathname.replace(/\/$/, "");
      const isBelow = url.pathname === folder || url.pathname.startsWith(`${folder}/`);
      // A server may take an escaped separator or dot for one.
      return origin === url.origin && isBelow && !/%2f|%5c|%2e|\\/i.test(url.pathname);
    });
  }

  /** The real path of a file below a permitted folder. @throws RunError ERR_HOST_LOCATION */
  async path(location: string): Promise<string> {
    const found = await realPathOf(resolve(location));
    for (const folder of this.#folders) {
      const top = await realPathOf(folder);
      if (found === top || found.startsWith(top.endsWith(sep) ? top : `${top}${sep}`)) return found;
    }
    throw new RunError("ERR_HOST_LOCATION", { location });
  }

  /** The data set as it is opened: a name, or a permitted path all of whose files are permitted too. */
  async dataset(location: string, isLabelled: boolean): Promise<string> {
    if (DATASET_NAMES.includes(location)) return location;
    if (PATTERN.test(location) && (await pathKind(location)) === undefined) {
      // A pattern with `..` could leave the folder that it begins in.
      if (location.split(/[\\/{},]/).includes("..")) throw new RunError("ERR_HOST_LOCATION", { location });
      await this.path(patternRoot(location));
      await this.#pairs(await pairsByPattern(location, isLabelled));
      return location;
    }
    const path = await this.#folderOrFile(location);
    if ((await pathKind(path)) === "file" && (await isManifest(path))) {
      await this.#pairs(await pairsOfManifest(path, isLabelled));
    }
    return path;
  }

  async network(location: string): Promise<string> {
    return NETWORK_NAMES.includes(location) ? location : this.#folderOrFile(location);
  }

  /** A permitted path. The links in a folder lead to permitted files too. */
  async #folderOrFile(location: string): Promise<string> {
    const path = await this.path(location);
    if ((await pathKind(path)) !== "folder") return path;
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (entry.isSymbolicLink()) await this.path(join(path, entry.name));
    }
    return path;
  }

  async #pairs(
    pairs: readonly { readonly imagesPath: string; readonly labelsPath?: string | undefined }[],
  ): Promise<void> {
    for (const { imagesPath, labelsPath } of pairs) {
      await this.path(imagesPath);
      if (labelsPath !== undefined) await this.path(labelsPath);
    }
  }
}

/** A manifest of pairs lists files by any path. */
async function isManifest(path: string): Promise<boolean> {
  if (path.endsWith(".json")) return true;
  return Buffer.from(await readFileStart(path, 4))
    .toString("latin1")
    .trimStart()
    .startsWith("[");
}

/** The folder before the first part with a mark of a pattern. */
function patternRoot(pattern: string): string {
  const parts = resolve(pattern).split(sep);
  return (
    parts
      .slice(
        0,
        parts.findIndex((part) => PATTERN.test(part)),
      )
      .join(sep) || sep
  );
}

/** The path without links; of one that does not exist, that of the nearest folder above that does. */
async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const above = dirname(path);
    return above === path ? path : join(await realPathOf(above), basename(path));
  }
}
