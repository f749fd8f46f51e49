/** What can be downloaded, and how that is told of. */
import type { Log } from "#src/base/contracts/log.js";

export interface RemoteFile {
  readonly name: string;
  /** Exact size: a body of any other is refused before its end. */
  readonly bytes: number;
  /** SHA-256, hex. */
  readonly sha256: string;
}

/** Files that are cached together, in a folder of the entry's name. */
export interface CatalogEntry {
  readonly name: string;
  /** Folders to try, in this order; a file's URL is the folder's and the file's name. */
  readonly mirrors: readonly string[];
  readonly files: readonly RemoteFile[];
}

/** Files that are about to be downloaded. */
export interface DownloadNotice {
  /** As it was asked for: `mnist`. */
  readonly name: string;
  /** How many are not in the cache. */
  readonly files: number;
  /** Of all of them together. */
  readonly bytes: number;
  /** The folder of the cache that they will lie in. */
  readonly folder: string;
}

/** How a caller steers downloads that opening something by name may need, and hears of them. */
export interface DownloadOptions {
  /** Refuse to download: what is not in the cache is then an error. */
  readonly offline?: boolean | undefined;
  /** Aborting keeps what has come, for a later run. */
  readonly signal?: AbortSignal | undefined;
  /** Default silent. */
  readonly log?: Log | undefined;
  /** Called once, before the first byte is asked for. */
  readonly onDownload?: ((notice: DownloadNotice) => void) | undefined;
}
