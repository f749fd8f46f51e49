/** Whole files of bounded size, their fingerprints, JSON that would bloat, and locks. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmod, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { getuid, platform } from "node:process";
import test from "ava";
import { FileError } from "#src/base/errors.js";
import { sha256Of, slices } from "#src/files/hash.js";
import { acquireName, lockAddress } from "#src/files/lock.js";
import { readWholeFile } from "#src/files/read-file.js";
import { jsonBloat } from "#src/files/scan-json.js";
import { inCase } from "../helpers/in-case.js";
import { temporaryFile, temporaryFolder } from "../helpers/temporary.js";

const LIMIT_BYTES = 100;
const UNIX = platform !== "win32";

test("reads a file as long as the limit, and refuses a longer and an empty one", async (t) => {
  await inCase(t, "reads all bytes of a file as long as the limit", async () => {
    const bytes = Uint8Array.from({ length: LIMIT_BYTES }, (_, i) => i);
    t.deepEqual(await readWholeFile(await temporaryFile(t, bytes), LIMIT_BYTES), bytes);
  });

  await inCase(t, "refuses a file one byte longer than the limit", async () => {
    const path = await temporaryFile(t, new Uint8Array(LIMIT_BYTES + 1));
    const error = await t.throwsAsync(readWholeFile(path, LIMIT_BYTES), {
      instanceOf: FileError,
      code: "ERR_FILE_READ",
    });
    t.is(error.message, `${path}: cannot be read: expected at most 100 bytes, found 101; is the path right?`);
  });

  await inCase(t, "refuses a file beyond the limit without reading it", async () => {
    const path = await temporaryFile(t, "x");
    await truncate(path, 2 ** 40);
    await t.throwsAsync(readWholeFile(path, 2 ** 31), {
      code: "ERR_FILE_READ",
      message: /1,099,511,627,776/,
    });
  });

  await inCase(t, "refuses an empty file", async () => {
    const path = await temporaryFile(t, "");
    const error = await t.throwsAsync(readWholeFile(path, LIMIT_BYTES), {
      instanceOf: FileError,
      code: "ERR_FILE_EMPTY",
    });
    t.is(error.exitStatus, 3);
  });
});

test("refuses a folder and a file that is not there, and says why", async (t) => {
  await inCase(t, "refuses a folder", async () => {
    const path = await temporaryFolder(t);
    const error = await t.throwsAsync(readWholeFile(path, LIMIT_BYTES), { code: "ERR_FILE_READ" });
    t.is(error?.message, `${path}: cannot be read: it is a folder, not a file; is the path right?`);
  });

  await inCase(t, "says why a file that is not there cannot be read", async () => {
    const path = join(await temporaryFolder(t), "absent");
    const error = await t.throwsAsync(readWholeFile(path, LIMIT_BYTES), { code: "ERR_FILE_READ" });
    t.is(error?.message, `${path}: cannot be read: no such file or directory; is the path right?`);
  });
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

test("hashes files whole, one behind the other", async (t) => {
  await inCase(t, "hashes files one behind the other", async () => {
    // FIPS 180-2, appendix B.1: the digest of "abc".
    const files = [Buffer.from("a"), Buffer.from("bc")];
    t.is(await sha256Of(files), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });

  await inCase(t, "hashes a file of several slices whole", async () => {
    const bytes = new Uint8Array(9 * 2 ** 20).fill(5);
    t.is(await sha256Of([bytes]), createHash("sha256").update(bytes).digest("hex"));
  });
});

test("gives the event loop a turn between slices", async (t) => {
  let turns = 0;
  const counter = setInterval(() => turns++, 0);
  t.teardown(() => clearInterval(counter));
  let count = 0;
  for await (const slice of slices(new Uint8Array(64 * 2 ** 20))) {
    t.true(slice.length <= 4 * 2 ** 20);
    // Timers fire after a millisecond at the earliest.
    const until = performance.now() + 2;
    while (performance.now() < until);
    count++;
  }
  t.is(count, 16);
  t.true(turns >= 10, `${turns} turns`);
});

const MILLION = 2 ** 20;
const DEEP = "expected nesting at most 32 deep, found deeper";

test("lets documents be whose length is in what they hold", async (t) => {
  await inCase(t, "lets short texts be, whatever they hold", () => {
    t.is(jsonBloat("[".repeat(MILLION)), undefined);
    t.is(jsonBloat("[],".repeat(1_000)), undefined);
  });

  await inCase(t, "lets long lists, and long texts of brackets, be", () => {
    t.is(jsonBloat(`[${"1,".repeat(MILLION)}1]`), undefined);
    t.is(jsonBloat(`["${"[".repeat(MILLION)}"]`), undefined);
    t.is(jsonBloat(`["${'\\"['.repeat(MILLION)}", "${"[".repeat(100)}"]`), undefined);
    t.is(jsonBloat(`"${"[".repeat(MILLION)}`), undefined);
  });

  await inCase(t, "lets a timeline of a million characters be", () => {
    const entry = '{"batch":0,"thread":1,"startMs":0,"elapsedMs":1},';
    t.is(jsonBloat(`{"timeline":[${entry.repeat(30_000)}null]}`), undefined);
  });
});

test("refuses what is nested deeply, and a crowd of lists or objects that hold nothing", (t) => {
  t.is(jsonBloat("[".repeat(MILLION + 1)), DEEP);
  t.is(jsonBloat(`${"[".repeat(33)}${" ".repeat(MILLION)}`), DEEP);
  t.is(jsonBloat(`${"[".repeat(32)}${" ".repeat(MILLION)}`), undefined);
  t.regex(
    jsonBloat(`[${"[],".repeat(MILLION)}1]`) ?? "",
    /^expected at most 196608 lists and objects, found more$/,
  );
  t.regex(jsonBloat(`[${"{},".repeat(MILLION)}1]`) ?? "", /lists and objects/);
});

const MODULE = new URL("../../src/files/lock.js", import.meta.url).href;

/** A process that holds the lock until it is killed. */
async function holder(address: string): Promise<ChildProcess> {
  const script = `
    import { acquireName } from ${JSON.stringify(MODULE)};
    if ((await acquireName(${JSON.stringify(address)})) !== undefined) process.stdout.write("held");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout ?? child, "data");
  return child;
}

test("a file has one lock, whatever paths lead to it, and each system its kind of name", async (t) => {
  const path = await temporaryFile(t, "x");
  const facts = await stat(path, { bigint: true });
  const other = await stat(join(path, "..", ".", "file"), { bigint: true });
  t.is(lockAddress(facts), lockAddress(other));
  t.true(lockAddress(facts, "linux").startsWith("\0"));
  t.true(lockAddress(facts, "win32").startsWith("\\\\.\\pipe\\"));
  t.true(lockAddress(facts, "darwin").endsWith(".sock"));
});

test("a lock is held once, is free when it is released, and does not outlive a SIGKILL of its owner", async (t) => {
  for (const kind of ["name", "socket file"]) {
    await inCase(
      t,
      `a ${kind} is held once, is free when it is released, and does not outlive a SIGKILL of its owner`,
      async () => {
        const facts = await stat(await temporaryFile(t, "x"), { bigint: true });
        const address = kind === "name" ? lockAddress(facts) : join(await temporaryFolder(t), "lock.sock");
        const child = await holder(address);
        t.is(await acquireName(address), undefined);
        child.kill("SIGKILL");
        await once(child, "exit");
        const lock = await acquireName(address);
        t.not(lock, undefined);
        t.is(await acquireName(address), undefined);
        await lock?.release();
        await (await acquireName(address))?.release();
      },
    );
  }
});

test("a name that is given back within a moment is waited for", async (t) => {
  const address = lockAddress(await stat(await temporaryFile(t, "x"), { bigint: true }));
  const first = await acquireName(address);
  const second = acquireName(address);
  await first?.release();
  const lock = await second;
  t.not(lock, undefined);
  await lock?.release();
});
