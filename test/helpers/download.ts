/** Downloads one small file from mirrors of the test's own, and looks at what is left. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { TransferError } from "#src/base/errors.js";
import type { TransferLimits } from "#src/files/download.js";
import { downloadFile } from "#src/files/fetch-entry.js";
import { type Answer, BODY, type Mirror, QUICK, remoteFile, startMirror } from "./mirror.js";
import { temporaryFolder } from "./temporary.js";

export interface Given {
  readonly limits?: Partial<TransferLimits>;
  readonly folder?: string;
  readonly signal?: AbortSignal;
}

export async function download(t: ExecutionContext, mirrors: readonly Mirror[], given: Given = {}) {
  const folder = given.folder ?? (await temporaryFolder(t));
  return {
    folder,
    mirror: await downloadFile(
      remoteFile(),
      mirrors.map(({ url }) => url),
      join(folder, "data.bin"),
      {
        signal: given.signal ?? new AbortController().signal,
        limits: { ...QUICK, ...given.limits },
        onBytes() {},
      },
    ),
  };
}

export async function failure(t: ExecutionContext, answers: readonly Answer[], given: Given = {}) {
  const folder = given.folder ?? (await temporaryFolder(t));
  const mirrors = await Promise.all(answers.map((answer) => startMirror(t, answer)));
  const error = await t.throwsAsync(download(t, mirrors, { ...given, folder }), {
    instanceOf: TransferError,
  });
  t.is(error.code, "ERR_TRANSFER_FAILED");
  t.is(error.exitStatus, 5);
  const names = await readdir(folder);
  t.false(names.includes("data.bin"), "nothing stands under the final name");
  return { error, mirrors, names, folder };
}

export async function assertWhole(t: ExecutionContext, folder: string): Promise<void> {
  t.deepEqual(await readdir(folder), ["data.bin"]);
  t.true((await readFile(join(folder, "data.bin"))).equals(BODY));
}
