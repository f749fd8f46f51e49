/** The lock of a journal holds across containers that share a disk, and ends with its owner. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process, { getuid, platform } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { acquireLock, processTag } from "#src/files/lock.js";
import { CLI, signalled, signalledWhen, spawnCli } from "../helpers/cli.js";
import { repeatedSet } from "../helpers/repeated-set.js";
import { needs } from "../helpers/require.js";
import { temporaryFile } from "../helpers/temporary.js";

const SHORT_MS = 600;
const [MACHINE] = processTag().split("-");
const FOREIGN = "0123456789ab-1";

async function take(path: string) {
  return acquireLock(path, await stat(path, { bigint: true }), SHORT_MS);
}

test("a lock is held once, and leaves nothing", async (t) => {
  const path = await temporaryFile(t, "journal", "run.journal");
  const lock = await take(path);
  t.true(await lock?.isHeld());
  t.true((await readFile(`${path}.lock`, "utf8")).startsWith(`${processTag()} `));
  t.is(await take(path), undefined);
  await lock?.release();
  t.deepEqual(await readdir(join(path, "..")), ["run.journal"]);
  const again = await take(path);
  t.true(await again?.isHeld());
  await again?.release();
});

test("the lock of a process that has ended is taken over, and that of one that lives is not", async (t) => {
  const { pid: dead } = spawnSync(process.execPath, ["--version"]);
  const cases = [
    ["a dead process here", `${MACHINE}-${dead} x\n`, true],
    ["an earlier process of our number", `${processTag()} x\n`, true],
    ["another container, untouched", `${FOREIGN} x\n`, true],
    ["a lock that was torn", "", true],
    ["a live process here", `${MACHINE}-${process.ppid} x\n`, false],
  ] as const;
  for (const [what, text, isTaken] of cases) {
    const path = await temporaryFile(t, "journal");
    await writeFile(`${path}.lock`, text);
    const lock = await take(path);
    t.is(lock !== undefined, isTaken, what);
    await lock?.release();
    if (!isTaken) t.is(await readFile(`${path}.lock`, "utf8"), text);
  }
});

test("the lock of another container that is touched is respected, and so is one that changes hands", async (t) => {
  for (const change of ["touch", "replace"]) {
    const path = await temporaryFile(t, "journal");
    await writeFile(`${path}.lock`, `${FOREIGN} x\n`);
    const taken = take(path);
    await sleep(SHORT_MS / 3);
    if (change === "touch") await utimes(`${path}.lock`, new Date(), new Date());
    else await writeFile(`${path}.lock`, `${FOREIGN} y\n`);
    t.is(await taken, undefined, change);
  }
});

test("an owner whose lock was taken over notices it, and does not remove the new one", async (t) => {
  const path = await temporaryFile(t, "journal");
  const lock = await take(path);
  await writeFile(`${path}.lock`, `${FOREIGN} y\n`);
  t.false(await lock?.isHeld());
  await lock?.release();
  t.is(await readFile(`${path}.lock`, "utf8"), `${FOREIGN} y\n`);
});

const canUnshare = platform === "linux" && getuid?.() === 0 && existsSync("/usr/bin/unshare");
const withNamespaces = needs(
  "unshare",
  canUnshare && spawnSync("unshare", ["-n", "-p", "-f", "true"]).status === 0,
);

interface Ended {
  readonly status: number | null;
  readonly stderr: string;
}

function inNamespace(options: readonly string[], args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn("unshare", [...options, process.execPath, CLI, "--no-config", ...args]);
    let stderr = "";
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    child.once("close", (status) => resolve({ status, stderr }));
  });
}

async function slowRun(t: ExecutionContext): Promise<readonly string[]> {
  return ["--threads", "1", "--engine", "reference", ...(await repeatedSet(t, 10))];
}

withNamespaces("of two containers that share a journal one runs, and the journal goes on", async (t) => {
  const set = await slowRun(t);
  for (const options of [["-n"], ["-n", "-p", "-f"], ["-n", "-u", "-p", "-f"]]) {
    const path = await temporaryFile(t, "", "predictions.csv");
    const args = [...set, "--resume", `${path}.journal`, "--predictions", path];
    let second: Ended | undefined;
    // The first run is long, and ends when the second has ended.
    const first = await spawnCli(
      args,
      signalledWhen("SIGINT", async () => {
        if (existsSync(`${path}.journal.lock`)) second ??= await inNamespace(options, args);
        return second !== undefined;
      }),
    );
    t.is(first.status, 130, first.stderr);
    t.is(second?.status, 4, second?.stderr);
    t.regex(second?.stderr ?? "", /ERR_JOURNAL_LOCKED: /);
    // Images that the first run has done are not done again.
    const again = await spawnCli(args, signalled("SIGINT"));
    t.regex(again.stderr, /^evaluating [\d,]+ of 100,000 images/);
  }
});
