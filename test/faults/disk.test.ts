/** A disk that fills while something is written, and a journal of which the disk holds no more. */
import { spawnSync } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { getuid, platform } from "node:process";
import type { ExecutionContext } from "ava";
import { spawnCli } from "../helpers/cli.js";
import { recordFault } from "../helpers/fault-table.js";
import { needs } from "../helpers/require.js";
import { temporaryFolder } from "../helpers/temporary.js";

const OLD = "what stood there before";

/** A file system of so little room, unmounted when the test ends; undefined where we may not mount. */
function mountSmall(folder: string, kibibytes: number): boolean {
  const options = ["-t", "tmpfs", "-o", `size=${kibibytes}k`, "tmpfs", folder];
  return spawnSync("mount", options).status === 0;
}

const canMount = platform === "linux" && getuid?.() === 0;
const withSmallDisk = needs("tmpfs", canMount);

async function smallDisk(t: ExecutionContext, kibibytes: number): Promise<string | undefined> {
  const folder = join(await temporaryFolder(t), "small");
  await mkdir(folder);
  if (!mountSmall(folder, kibibytes)) {
    t.log("skipped: mounting a tmpfs is not allowed here");
    t.pass();
    return undefined;
  }
  t.teardown(() => void spawnSync("umount", ["--lazy", folder]));
  return folder;
}

/** What is written, and the option that asks for it. */
const OUTPUTS = [
  ["a report", "--report", "report.html"],
  ["predictions", "--predictions", "p.ndjson"],
  ["the answer", "--output", "answer.csv"],
] as const;
for (const [what, option, name] of OUTPUTS) {
  withSmallDisk(
    `a disk that fills while we write ${what}: the old file stays, the answer is given`,
    async (t) => {
      const folder = await smallDisk(t, name === "answer.csv" ? 4 : 64);
      if (folder === undefined) return;
      const path = join(folder, name);
      await writeFile(path, OLD);
      const { status, stdout, stderr } = await spawnCli(["--threads", "0", option, path]);
      t.is(status, 6, stderr);
      t.regex(
        stderr,
        /batchwise: ERR_OUTPUT_WRITE: .*: the output could not be written: no space left on device\n/,
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
    },
  );
}

withSmallDisk(
  "a disk that fills under a journal: the answer is given, and the journal goes on when there is room",
  async (t) => {
    const folder = await smallDisk(t, 8);
    if (folder === undefined) return;
    const journal = join(folder, "run.journal");
    // A page for the journal, and none beyond it: the header and a line or two.
    await writeFile(join(folder, "ballast"), new Uint8Array(4096));
    const args = ["--engine", "reference", "--threads", "1", "--batch-size", "10", "--calibration"];
    const full = await spawnCli([...args, "--resume", journal, "--format", "json"]);
    t.is(full.status, 6, full.stderr);
    t.regex(full.stderr, /ERR_OUTPUT_WRITE: .*run\.journal: the output could not be written: no space left/);
    const expected = JSON.parse(full.stdout).result;
    t.true(expected.complete);
    spawnSync("mount", ["-o", "remount,size=1m", folder]);
    const again = await spawnCli([...args, "--resume", journal, "--format", "json"]);
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
