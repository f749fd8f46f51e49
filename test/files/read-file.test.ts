/** Whole files of bounded size. */
import { execFileSync } from "node:child_process";
import { chmod, truncate } from "node:fs/promises";
import { join } from "node:path";
import { getuid, platform } from "node:process";
import test from "ava";
import { FileError } from "#src/base/errors.js";
import { readWholeFile } from "#src/files/read-file.js";
import { temporaryFile, temporaryFolder } from "../helpers/temporary.js";

const LIMIT_BYTES = 100;
const UNIX = platform !== "win32";

test("reads all bytes of a file as long as the limit", async (t) => {
  const bytes = Uint8Array.from({ length: LIMIT_BYTES }, (_, i) => i);
  t.deepEqual(await readWholeFile(await temporaryFile(t, bytes), LIMIT_BYTES), bytes);
});

test("refuses a file one byte longer than the limit", async (t) => {
  const path = await temporaryFile(t, new Uint8Array(LIMIT_BYTES + 1));
  const error = await t.throwsAsync(readWholeFile(path, LIMIT_BYTES), {
    instanceOf: FileError,
    code: "ERR_FILE_READ",
  });
  t.is(error.message, `${path}: cannot be read: expected at most 100 bytes, found 101`);
});

test("refuses a file beyond the limit without reading it", async (t) => {
  const path = await temporaryFile(t, "x");
  await truncate(path, 2 ** 40);
  await t.throwsAsync(readWholeFile(path, 2 ** 31), { code: "ERR_FILE_READ", message: /1,099,511,627,776/ });
});

test("refuses an empty file", async (t) => {
  const path = await temporaryFile(t, "");
  const error = await t.throwsAsync(readWholeFile(path, LIMIT_BYTES), {
    instanceOf: FileError,
    code: "ERR_FILE_EMPTY",
  });
  t.is(error.exitStatus, 3);
});

test("refuses a folder", async (t) => {
  const path = await temporaryFolder(t);
  const error = await t.throwsAsync(readWholeFile(path, LIMIT_BYTES), { code: "ERR_FILE_READ" });
  t.is(error?.message, `${path}: cannot be read: it is a folder, not a file`);
});

test("says why a file that is not there cannot be read", async (t) => {
  const path = join(await temporaryFolder(t), "absent");
  const error = await t.throwsAsync(readWholeFile(path, LIMIT_BYTES), { code: "ERR_FILE_READ" });
  t.is(error?.message, `${path}: cannot be read: no such file or directory`);
});

(UNIX ? test : test.skip)("refuses a named pipe that nobody writes to, instead of waiting", async (t) => {
  const path = join(await temporaryFolder(t), "pipe");
  execFileSync("mkfifo", [path]);
  await t.throwsAsync(readWholeFile(path, LIMIT_BYTES), { code: "ERR_FILE_READ", message: /a pipe/ });
});

(UNIX ? test : test.skip)("refuses a device without end", async (t) => {
  await t.throwsAsync(readWholeFile("/dev/zero", LIMIT_BYTES), {
    code: "ERR_FILE_READ",
    message: /a device/,
  });
});

(UNIX && getuid?.() !== 0 ? test : test.skip)("says when permission is lacking", async (t) => {
  const path = await temporaryFile(t, "secret");
  await chmod(path, 0);
  await t.throwsAsync(readWholeFile(path, LIMIT_BYTES), {
    code: "ERR_FILE_READ",
    message: /permission denied/,
  });
});
