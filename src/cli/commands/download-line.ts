/** What commands say, and how they download, when a name is first used. */

import { grouped } from "#src/base/errors/define.js";
import type { DownloadNotice, DownloadOptions } from "#src/files/download/catalog-entry.js";
import type { Context } from "./context.js";

/** `downloading mnist to ~/.cache/batchwise/mnist: 2 files, 1,653,419 bytes` */
export function downloadLine({ name, files, bytes, folder }: DownloadNotice): string {
  return `downloading ${name} to ${folder}: ${files} file${files === 1 ? "" : "s"}, ${grouped(bytes)} bytes`;
}

export function downloadOptions({ signal, log, note }: Context): DownloadOptions {
  return { signal, log, onDownload: (notice) => note(downloadLine(notice)) };
}
