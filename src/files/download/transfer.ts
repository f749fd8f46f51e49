/** One attempt at one file from one mirror: goes on from what the part holds, and leaves it whole and verified. */

import { grouped } from "#src/base/errors/define.js";
import { BatchwiseError } from "#src/base/errors.js";
import type { RemoteFile } from "#src/files/catalog.js";
import { type HttpAnswer, MirrorFault, mirrorFault, type TransferLimits, withAnswer } from "./mirror.js";
import type { PartFile } from "./part-file.js";

export interface TransferOptions {
  readonly signal: AbortSignal;
  readonly limits: TransferLimits;
  /** Called with the bytes of the file that there are by now. */
  readonly onBytes: (doneBytes: number) => void;
}

const OK = 200;
const PARTIAL_CONTENT = 206;

/**
 * No validator is kept between runs, nor sent as If-Range (RFC 9110, 13.1.5): the pinned hash tells whether old and
 * new bytes belong together, whichever mirror they came from. Where they do not, all of them are asked for again.
 *
 * @throws MirrorFault where the mirror is at fault; what came is then still in the part, unless it is known to be wrong
 * @throws TransferError where the disk is, or the proxy's address
 */
export async function transfer(
  url: URL,
  file: RemoteFile,
  part: PartFile,
  options: TransferOptions,
): Promise<void> {
  const resumedBytes = part.bytes;
  await receive(url, file, part, options);
  const found = await part.sha256();
  if (found === file.sha256) return;
  await part.clear();
  if (resumedBytes > 0) return transfer(url, file, part, options);
  throw new MirrorFault(`expected SHA-256 ${file.sha256}, found ${found}`, false);
}

async function receive(
  url: URL,
  file: RemoteFile,
  part: PartFile,
  { signal, limits, onBytes }: TransferOptions,
): Promise<void> {
  const range: Record<string, string> = part.bytes > 0 ? { range: `bytes=${part.bytes}-` } : {};
  const undici = await import("undici");
  const clock = startClock(signal, limits);
  let begun = false;
  try {
    await withAnswer(undici, url, range, clock.signal, limits, async (answer) => {
      await prepare(answer, file, part);
      begun = true;
      await receiveBody(answer, file, part, clock, onBytes);
    });
  } catch (error) {
    if (error instanceof BatchwiseError || signal.aborted) throw error;
    const progress = ` after ${grouped(part.bytes)} of ${grouped(file.bytes)} bytes`;
    throw mirrorFault(error, begun ? progress : "");
  } finally {
    clock.stop();
  }
}

/** Sees that the answer's body is what the part lacks, before any byte of the part is given up. */
async function prepare(answer: HttpAnswer, file: RemoteFile, part: PartFile): Promise<void> {
  const { status } = answer;
  if (status !== OK && status !== PARTIAL_CONTENT) throw new MirrorFault(`answered ${status}`, status >= 500);
  const firstByte = status === OK ? 0 : part.bytes;
  if (status === PARTIAL_CONTENT) assertRange(answer.header("content-range") ?? "", firstByte, file.bytes);
  const announced = answer.header("content-length");
  if (announced !== undefined && Number(announced) !== file.bytes - firstByte) {
    throw new MirrorFault(
      `expected ${grouped(file.bytes - firstByte)} bytes, found ${announced} announced`,
      false,
    );
  }
  // The mirror does not know ranges, or did not want this one.
  if (firstByte === 0 && part.bytes > 0) await part.clear();
}

/** RFC 9110, 14.4: `bytes FIRST-LAST/LENGTH`, where an unknown length is `*`. */
function assertRange(found: string, firstByte: number, totalBytes: number): void {
  const range = `bytes ${firstByte}-${totalBytes - 1}`;
  if (found === `${range}/${totalBytes}` || found === `${range}/*`) return;
  throw new MirrorFault(`expected Content-Range "${range}/${totalBytes}", found "${found}"`, false);
}

async function receiveBody(
  { body }: HttpAnswer,
  file: RemoteFile,
  part: PartFile,
  clock: AttemptClock,
  onBytes: (doneBytes: number) => void,
): Promise<void> {
  for await (const chunk of body) {
    clock.touch();
    if (part.bytes + chunk.length > file.bytes) {
      await part.clear();
      throw new MirrorFault(`expected ${grouped(file.bytes)} bytes, found more`, false);
    }
    await part.append(chunk);
    onBytes(part.bytes);
  }
  if (part.bytes < file.bytes) {
    throw new MirrorFault(
      `the body ended after ${grouped(part.bytes)} of ${grouped(file.bytes)} bytes`,
      true,
    );
  }
}

// The time limits of one attempt, as a signal that also follows the run's.

export interface AttemptClock {
  /** Aborted with a MirrorFault when time is up, with the run's own reason when the run is aborted. */
  readonly signal: AbortSignal;
  /** To be called whenever bytes have come. */
  touch(): void;
  stop(): void;
}

export function startClock(
  run: AbortSignal,
  { idleMs, totalMs }: Pick<TransferLimits, "idleMs" | "totalMs">,
): AttemptClock {
  const expired = new AbortController();
  const expire = (reason: string) => () => expired.abort(new MirrorFault(reason, true));
  const total = setTimeout(expire(`not done within ${totalMs / 1000} s`), totalMs);
  const idle = setTimeout(expire(`nothing came for ${idleMs / 1000} s`), idleMs);
  return {
    signal: AbortSignal.any([run, expired.signal]),
    touch() {
      idle.refresh();
    },
    stop() {
      clearTimeout(total);
      clearTimeout(idle);
    },
  };
}
