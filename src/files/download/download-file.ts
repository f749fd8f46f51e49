/** Downloads one file: mirror after mirror, each a few times, until one gives the bytes that the pinned hash names. */
import { setTimeout as delay } from "node:timers/promises";
import { type Log, SILENT } from "#src/base/contracts/log.js";
import type { MirrorFailure } from "#src/base/errors/transfer-codes.js";
import { TransferError } from "#src/base/errors.js";
import { TERMINATED } from "#src/base/incomplete.js";
import type { RemoteFile } from "./catalog-entry.js";
import { MirrorFault } from "./mirror-fault.js";
import { below, shownUrl } from "./mirror-url.js";
import { PartFile } from "./part-file.js";
import { type TransferOptions, transfer } from "./transfer.js";

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
