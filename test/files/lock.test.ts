import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { acquireLock, lockAddress } from "#src/files/lock.js";
import { inCase } from "../helpers/in-case.js";
import { temporaryFile, temporaryFolder } from "../helpers/temporary.js";

const MODULE = new URL("../../src/files/lock.js", import.meta.url).href;

/** A process that holds the lock until it is killed. */
async function holder(address: string): Promise<ChildProcess> {
  const script = `
    import { acquireLock } from ${JSON.stringify(MODULE)};
    if ((await acquireLock(${JSON.stringify(address)})) !== undefined) process.stdout.write("held");
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
        t.is(await acquireLock(address), undefined);
        child.kill("SIGKILL");
        await once(child, "exit");
        const lock = await acquireLock(address);
        t.not(lock, undefined);
        t.is(await acquireLock(address), undefined);
        await lock?.release();
        await (await acquireLock(address))?.release();
      },
    );
  }
});

test("a name that is given back within a moment is waited for", async (t) => {
  const address = lockAddress(await stat(await temporaryFile(t, "x"), { bigint: true }));
  const first = await acquireLock(address);
  const second = acquireLock(address);
  await first?.release();
  const lock = await second;
  t.not(lock, undefined);
  await lock?.release();
});
