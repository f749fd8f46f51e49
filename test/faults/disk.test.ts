/** A disk that fills while something is written, and a journal of which the disk holds no more. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getuid, platform } from "node:process";
import type { ExecutionContext } from "ava";
import { runCli } from "../helpers/cli.js";
import { recordFault } from "../helpers/fault-table.js";
import { needs } from "../helpers/require.js";
import { temporaryFolder } from "../helpers/temporary.js";

const OLD = "what stood there before";

/** Mounts a file system of so little room; whether that is allowed. */
function mountSmall(folder: string, kibibytes: number): boolean {
  const options = ["-t", "tmpfs", "-o", `size=${kibibytes}k`, "tmpfs", folder];
  return spawnSync("mount", options, { stdio: "ignore" }).status === 0;
}

/** Tried, since a container's root may not mount. */
function canMount(): boolean {
  if (platform !== "linux" || getuid?.() !== 0) return false;
  const folder = mkdtempSync(join(tmpdir(), "batchwise-mount-"));
  const isMounted = mountSmall(folder, 4);
  if (isMounted) spawnSync("umount", ["--lazy", folder]);
  rmSync(folder, { recursive: true });
  return isMounted;
}

const withSmallDisk = needs("tmpfs", canMount());

async function smallDisk(t: ExecutionContext, kibibytes: number): Promise<string> {
  const folder = join(await temporaryFolder(t), "small");
  await mkdir(folder);
  t.true(mountSmall(folder, kibibytes));
  t.teardown(() => void spawnSync("umount", ["--lazy", folder]));
  return folder;
}

/** What is written, and the option that asks for it. */
const OUTPUTS = [
  ["a report", "--report", "report.html"],
  ["predictions", "--predictions", "p.ndjson"],
  ["the answer", "--output", "answer.csv"],
] as const;
withSmallDisk("a disk that fills while we write: the old file stays, the answer is given", async (t) => {
  for (const [what, option, name] of OUTPUTS) {
    const folder = await smallDisk(t, name === "answer.csv" ? 4 : 64);
    const path = join(folder, name);
    await writeFile(path, OLD);
    const { status, stdout, stderr } = await runCli(["--threads", "0", option, path]);
    t.is(status, 6, stderr);
    t.regex(
      stderr,
      /batchwise: ERR_OUTPUT_WRITE: .*: the output could not be written: (no space left on device|expected [\d,]+ bytes to be written, found [\d,]+); check .*\n/,
    );
    t.regex(stdout, /Accuracy : 0\.\d+\n$/);
    t.is(await readFile(path, "utf8"), OLD);
    t.deepEqual(await readdir(folder), [name]);
    await recordFault({
      fault: `disk full while writing ${what}`,
      status,
      line: (stderr.split("\n").find((line) => line.startsWith("batchwise:")) ?? "").replace(/ \S*\//, " "),
      kept: "the old file, and the answer on stdout",
    });
  }
});

withSmallDisk(
  "a disk that fills under a journal: the answer is given, and the journal goes on when there is room",
  async (t) => {
    const folder = await smallDisk(t, 12);
    const journal = join(folder, "run.journal");
    // A page for the lock and one for the journal: the header and a line or two.
    await writeFile(join(folder, "ballast"), new Uint8Array(4096));
    const args = ["--engine", "reference", "--threads", "1", "--batch-size", "10", "--calibration"];
    const full = await runCli([...args, "--resume", journal, "--format", "json"]);
    t.is(full.status, 6, full.stderr);
    t.regex(
      full.stderr,
      /ERR_OUTPUT_WRITE: .*run\.journal: the output could not be written: (no space left|only \d+ of \d+ bytes)/,
    );
    const expected = JSON.parse(full.stdout).result;
    t.true(expected.complete);
    spawnSync("mount", ["-o", "remount,size=1m", folder]);
    const again = await runCli([...args, "--resume", journal, "--format", "json"]);
    t.is(again.status, 0, again.stderr);
    t.deepEqual(JSON.parse(again.stdout).result, expected);
    await recordFault({
      fault: "disk full under a journal",
      status: full.status,
      line: "ERR_OUTPUT_WRITE naming the journal",
      kept: "the answer, and all whole lines",
    });
  },
);

withSmallDisk("a disk without room for a journal's first line keeps neither it nor its lock", async (t) => {
  for (const freeKibibytes of [0, 4]) {
    const folder = await smallDisk(t, 8);
    await writeFile(join(folder, "ballast"), new Uint8Array(8192 - 1024 * freeKibibytes));
    const { status, stderr } = await runCli(["--limit", "100", "--resume", join(folder, "run.journal")]);
    t.is(status, 6, stderr);
    t.regex(stderr, /batchwise: ERR_OUTPUT_WRITE: .*: the output could not be written: /);
    t.deepEqual(await readdir(folder), ["ballast"]);
  }
});
