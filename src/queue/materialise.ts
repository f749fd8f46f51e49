/** From where a run's file is to a path on this machine: a path, a name of the package's own, a `file:` or an `http(s):` URL. */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "../cache.js";
import type { RemoteFile } from "../download/catalog-entry.js";
import { BatchwiseError, TransferError, UsageError } from "../errors.js";

/** Where in the cache files from anywhere are kept, each in a folder of its hash. */
const FOLDER = "remote";

/** What the coordinator has learnt of a file that hosts will ask for. */
export type RemoteFiles = Readonly<Record<string, RemoteFile>>;

export function isUrl(location: string): boolean {
  return /^(file|https?):\/\//.test(location);
}

function isRemote(location: string): boolean {
  return isUrl(location) && !location.startsWith("file:");
}

/**
 * On a host: what comes over http is kept by its hash, and held against it.
 *
 * @throws TransferError, with any of its codes
 */
export async function materialise(
  location: string,
  files: RemoteFiles,
  signal: AbortSignal,
): Promise<string> {
  if (!isUrl(location)) return location;
  const file = files[location];
  if (file === undefined) return fileURLToPath(location);
  const { fetchEntry } = await import("../download/fetch-entry.js");
  const entry = { name: join(FOLDER, file.sha256), mirrors: [new URL(".", location).href], files: [file] };
  const [{ path }] = await fetchEntry(entry, { signal, verify: "hash" });
  return path;
}

/**
 * On the coordinator, which does not know the file yet: its path here, and what hosts are to hold it against.
 *
 * @throws UsageError where the URL has a password, which hosts would be told; TransferError ERR_TRANSFER_FAILED
 */
export async function learn(
  location: string,
  signal: AbortSignal,
): Promise<{ readonly path: string; readonly file: RemoteFile | undefined }> {
  if (!isUrl(location)) return { path: location, file: undefined };
  if (!isRemote(location)) return { path: fileURLToPath(location), file: undefined };
  const url = new URL(location);
  if (url.username !== "" || url.password !== "" || url.search !== "") {
    const problem = "a URL of data or network may hold no password and no query, since every host is told it";
    throw new UsageError("ERR_USAGE", { problem });
  }
  const name = decodeURIComponent(basename(url.pathname));
  const folder = join(cacheFolder(), FOLDER);
  const part = join(folder, `.${randomUUID()}.part`);
  await mkdir(folder, { recursive: true });
  try {
    const file = { name, ...(await download(url, part, signal)) };
    const path = join(folder, file.sha256, name);
    await mkdir(join(folder, file.sha256), { recursive: true });
    await rename(part, path);
    return { path, file };
  } finally {
    await rm(part, { force: true });
  }
}

async function download(url: URL, path: string, signal: AbortSignal): Promise<Omit<RemoteFile, "name">> {
  const [undici, { withAnswer }, { DEFAULT_LIMITS }, { startClock }, { MirrorFault, mirrorFault }] =
    await Promise.all([
      import("undici"),
      import("../download/http.js"),
      import("../download/limits.js"),
      import("../download/attempt-clock.js"),
      import("../download/mirror-fault.js"),
    ]);
  const clock = startClock(signal, DEFAULT_LIMITS);
  const hash = createHash("sha256");
  let bytes = 0;
  const target = await open(path, "wx");
  try {
    await withAnswer(undici, url, {}, clock.signal, DEFAULT_LIMITS, async ({ status, body }) => {
      if (status !== 200) throw new MirrorFault(`answered ${status}`, status >= 500);
      for await (const chunk of body) {
        clock.touch();
        hash.update(chunk);
        bytes += chunk.length;
        await target.appendFile(chunk);
      }
    });
    return { bytes, sha256: hash.digest("hex") };
  } catch (error) {
    if (error instanceof BatchwiseError || signal.aborted) throw error;
    const failures = [{ mirror: url.origin, reason: mirrorFault(error).message }];
    throw new TransferError(
      "ERR_TRANSFER_FAILED",
      { file: basename(url.pathname), failures },
      { cause: error },
    );
  } finally {
    clock.stop();
    await target.close();
  }
}
