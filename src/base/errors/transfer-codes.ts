/** Codes of downloads: the network (5), the cache folder (6), interruption (130, 143). No fact may hold a credential. */
import { grouped, row } from "./define.js";

/** A mirror as it may be shown, and why it did not give the file. */
export interface MirrorFailure {
  readonly mirror: string;
  readonly reason: string;
}

export const transferCodes = {
  ERR_TRANSFER_FAILED: row(
    5,
    (f: { file: string; failures: readonly MirrorFailure[] }) =>
      `${f.file}: no mirror gave it: ${f.failures.map(({ mirror, reason }) => `${mirror}: ${reason}`).join("; ")}; check the network and the proxy, or name a mirror of your own with --mirror or BATCHWISE_MIRROR`,
  ),
  ERR_TRANSFER_OFFLINE: row(
    5,
    (f: { name: string; folder: string; missing: readonly string[] }) =>
      `${f.name}: expected ${f.missing.join(" and ")} in ${f.folder}, found ${f.missing.length > 1 ? "not all of them" : "no whole one"}, and --offline forbids downloading; run "batchwise fetch ${f.name}" where there is a network`,
  ),
  ERR_PROXY_URL: row(
    5,
    (f: { variable: string }) =>
      `${f.variable}: expected a URL such as http://proxy.example:3128, found another word (not shown, since it may hold a password)`,
  ),
  ERR_CACHE_WRITE: row(
    6,
    (f: { path: string; reason: string }) =>
      `${f.path}: the cache could not be written: ${f.reason}; choose another folder with BATCHWISE_CACHE_DIR`,
  ),
  ERR_TRANSFER_INTERRUPTED: row(130, (f: Stopped) => `${f.file}: interrupted ${soFar(f)}`),
  ERR_TRANSFER_TERMINATED: row(143, (f: Stopped) => `${f.file}: terminated ${soFar(f)}`),
} as const;

export interface Stopped {
  readonly file: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

function soFar({ doneBytes, totalBytes }: Stopped): string {
  return `after ${grouped(doneBytes)} of ${grouped(totalBytes)} bytes; the next run goes on from there`;
}
