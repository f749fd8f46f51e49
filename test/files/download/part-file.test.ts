/** Parts on disk: who owns them, and what becomes of those that nobody owns. */
import { spawnSync } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execPath, pid } from "node:process";
import test from "ava";
import { TransferError } from "#src/base/errors.js";
import { PartFile } from "#src/files/download/part-file.js";
import { temporaryFolder } from "../../helpers/temporary.js";

const BYTES = Buffer.from("one two three");

test("keeps what was appended for the next owner, under NAME.part", async (t) => {
  const folder = await temporaryFolder(t);
  const first = await PartFile.claim(join(folder, "a"));
  await first.append(BYTES.subarray(0, 4));
  await first.append(BYTES.subarray(4, 7));
  t.is(first.bytes, 7);
  await first.release();
  t.deepEqual(await readdir(folder), ["a.part"]);

  const second = await PartFile.claim(join(folder, "a"));
  t.is(second.bytes, 7);
  await second.append(BYTES.subarray(7));
  t.is(await second.sha256(), createHash("sha256").update(BYTES).digest("hex"));
  await second.commit();
  await second.release();
  t.deepEqual(await readdir(folder), ["a"]);
  t.deepEqual(await readFile(join(folder, "a")), BYTES);
});

test("leaves nothing where nothing came", async (t) => {
  const folder = await temporaryFolder(t);
  const part = await PartFile.claim(join(folder, "a"));
  await part.append(BYTES);
  await part.clear();
  t.is(part.bytes, 0);
  await part.release();
  t.deepEqual(await readdir(folder), []);
});

test("gives two owners at once parts of their own", async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "a.part"), BYTES);
  const owners = await Promise.all([PartFile.claim(join(folder, "a")), PartFile.claim(join(folder, "a"))]);
  t.deepEqual(owners.map(({ bytes }) => bytes).sort(), [0, BYTES.length].sort());
  const names = await readdir(folder);
  t.is(names.length, 2);
  t.true(names.every((name) => name.startsWith(`a.${pid}-`)));
  for (const owner of owners) await owner.release();
});

test("takes over what a dead process left, and removes the rest", async (t) => {
  const folder = await temporaryFolder(t);
  const dead = spawnSync(execPath, ["--version"]).pid;
  for (let i = 0; i < 2; i++) await writeFile(join(folder, `a.${dead}-${randomUUID()}.part`), BYTES);
  const part = await PartFile.claim(join(folder, "a"));
  t.is(part.bytes, BYTES.length);
  await part.release();
  t.deepEqual(await readdir(folder), ["a.part"]);
});

test("leaves alone what a living process writes, and files of other names", async (t) => {
  const folder = await temporaryFolder(t);
  const others = [
    `a.${pid}-${randomUUID()}.part`,
    `a.1-${randomUUID()}.part`,
    "a.b.part",
    "a.b",
    "b.part",
    "a.gz.part",
  ];
  for (const name of others) await writeFile(join(folder, name), BYTES);
  const part = await PartFile.claim(join(folder, "a"));
  t.is(part.bytes, 0);
  await part.release();
  t.deepEqual((await readdir(folder)).sort(), [...others].sort());
});

test("replaces a file that stood under the final name", async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "a"), "damaged");
  const part = await PartFile.claim(join(folder, "a"));
  await part.append(BYTES);
  await part.commit();
  t.deepEqual(await readFile(join(folder, "a")), BYTES);
});

test("refuses a folder that is not there", async (t) => {
  const error = await t.throwsAsync(PartFile.claim(join(await temporaryFolder(t), "absent", "a")), {
    instanceOf: TransferError,
    code: "ERR_CACHE_WRITE",
  });
  t.regex(error.message, /no such file or directory; choose another folder with BATCHWISE_CACHE_DIR$/);
});

test("writes a chunk of any length, and counts its bytes", async (t) => {
  const target = join(await temporaryFolder(t), "a.bin");
  const part = await PartFile.claim(target);
  // The second is longer than what is written without waiting for the disk.
  const chunks = [3, 20 * 2 ** 20, 5].map((length, n) => new Uint8Array(length).fill(n + 1));
  for (const chunk of chunks) await part.append(chunk);
  t.is(part.bytes, 20 * 2 ** 20 + 8);
  await part.commit();
  t.is(Buffer.compare(await readFile(target), Buffer.concat(chunks)), 0);
});
