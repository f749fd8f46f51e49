/** Files are written whole: mode, links, pipes and devices stay what they are, and leftovers of dead runs go. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  chmod,
  lstat,
  readdir,
  readFile,
  readlink,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { platform } from "node:process";
import test from "ava";
import { processTag } from "#src/files/lock.js";
import { writeFileWhole } from "#src/files/write-file.js";
import { bash, PROGRAM, spawnCli } from "../helpers/cli.js";
import { needs } from "../helpers/require.js";
import { temporaryFolder } from "../helpers/temporary.js";

const onPosix = needs("posix", platform !== "win32");
const FEW = ["--quiet", "--limit", "20", "--threads", "0"];

onPosix("a file that is replaced keeps its mode, and a link leads to what was written", async (t) => {
  const folder = await temporaryFolder(t);
  const real = join(folder, "real.json");
  const named = ["link.json", "link-to-link.json", "new-through-link.json"].map((name) => join(folder, name));
  await symlink("real.json", join(folder, "link.json"));
  await symlink("link.json", join(folder, "link-to-link.json"));
  await symlink("new.json", join(folder, "new-through-link.json"));
  for (const mode of [0o600, 0o640, 0o444, 0o777]) {
    for (const path of [real, ...named]) {
      await writeFile(real, "old").catch(() => {});
      await chmod(real, mode);
      await writeFileWhole(path, `new ${mode} ${path}`);
      t.is(await readFile(path, "utf8"), `new ${mode} ${path}`);
      t.is((await stat(real)).mode & 0o7777, mode);
    }
  }
  for (const path of named) t.true((await lstat(path)).isSymbolicLink());
  t.is(await readlink(join(folder, "link.json")), "real.json");
  const names = ["link-to-link.json", "link.json", "new-through-link.json", "new.json", "real.json"];
  t.deepEqual((await readdir(folder)).sort(), names);
});

onPosix("every output keeps the mode of the file that it replaces, and writes through a link", async (t) => {
  const folder = await temporaryFolder(t);
  const outputs = [
    ["--output", "answer.json"],
    ["--predictions", "p.csv"],
    ["--report", "report.html"],
    ["--resume", "run.journal", "--predictions", "q.ndjson"],
  ];
  for (const words of outputs) {
    const name = words.at(-1) ?? "";
    await writeFile(join(folder, `real-${name}`), "old", { mode: 0o600 });
    await symlink(`real-${name}`, join(folder, name));
    const args = words.map((word) => (word.startsWith("--") ? word : join(folder, word)));
    const { status, stderr } = await spawnCli([...FEW, ...args]);
    t.is(status, 0, stderr);
    t.true((await lstat(join(folder, name))).isSymbolicLink(), name);
    t.is((await stat(join(folder, `real-${name}`))).mode & 0o7777, 0o600, name);
    t.true((await stat(join(folder, `real-${name}`))).size > 3, name);
  }
});

onPosix("a named pipe or a device is written into, and stays", async (t) => {
  const folder = await temporaryFolder(t);
  for (const [option, name, beginning] of [
    ["--output", "answer.json", /^\{/],
    ["--output", "no-ending", /^Data/],
    ["--predictions", "p.csv", /^index,/],
    ["--report", "page.html", /^<!doctype/i],
  ] as const) {
    const pipe = join(folder, name);
    execFileSync("mkfifo", [pipe]);
    const reader = spawn("cat", [pipe]);
    let text = "";
    reader.stdout.on("data", (chunk) => {
      text += chunk;
    });
    const ended = new Promise((resolve) => reader.once("close", resolve));
    const { status, stderr } = await spawnCli([...FEW, option, pipe]);
    t.is(status, 0, stderr);
    await ended;
    t.regex(text, beginning, name);
    t.true((await lstat(pipe)).isFIFO(), name);
  }
  const null2 = ["--output", "/dev/null", "--output", "/dev/null", "--predictions", "/dev/null"];
  const twice = await spawnCli([...FEW, ...null2]);
  t.is(twice.status, 0, twice.stderr);
  t.true((await stat("/dev/null")).isCharacterDevice());
  const refused = await spawnCli([
    ...FEW,
    "--resume",
    join(folder, "j"),
    "--predictions",
    join(folder, "p.csv"),
  ]);
  t.is(refused.status, 6, refused.stderr);
  t.regex(refused.stderr, /ERR_OUTPUT_WRITE: .*p\.csv: .*: a pipe or a device cannot be continued/);
  const journal = await spawnCli([...FEW, "--resume", join(folder, "no-ending")]);
  t.is(journal.status, 3, journal.stderr);
  t.regex(journal.stderr, /ERR_JOURNAL_KIND: /);
});

onPosix("a signal ends the wait for a program that reads a pipe", async (t) => {
  const folder = await temporaryFolder(t);
  const pipe = join(folder, "p");
  execFileSync("mkfifo", [pipe]);
  // A reader that takes nothing: the pipe is full after 64 KiB.
  const stalled = () => spawn("bash", ["-c", `exec 3< "${pipe}"; sleep 60`], { stdio: "ignore" });
  for (const [args, reader] of [
    ["--limit 20 --threads 0 --output", undefined],
    ["--limit 20 --threads 0 --predictions", undefined],
    ["--predictions", stalled],
  ] as const) {
    const program = reader?.();
    const script = `${PROGRAM} ${args} ${pipe} & sleep 2; kill -INT $!; wait $!`;
    const { status, stderr } = bash(script, folder);
    t.true(status === 6 || status === 130, `${args}: ${status} ${stderr}`);
    t.regex(stderr, /ERR_OUTPUT_WRITE: .*: interrupted, and no program reads the pipe; /, args);
    program?.kill();
  }
});

test("temporary files of dead runs are removed by the next run, and those of others stay", async (t) => {
  const folder = await temporaryFolder(t);
  const uuid = crypto.randomUUID();
  const [machine] = processTag().split("-");
  const { pid: dead } = spawnSync(process.execPath, ["--version"]);
  const stays = [
    `.p.csv.${processTag()}-${uuid}.tmp`,
    `.p.csv.0123456789ab-${dead}-${uuid}.tmp`,
    `.p.csv.${uuid}.tmp`,
    ".p.csv.tmp",
    `p.csv.${uuid}.tmp`,
  ];
  const goes = [`.p.csv.${machine}-${dead}-${uuid}.tmp`, `.other.${machine}-${dead}-${uuid}.tmp`];
  const old = [`.q.csv.${uuid}.tmp`, `.q.csv.0123456789ab-1-${uuid}.tmp`];
  for (const name of [...stays, ...goes, ...old]) await writeFile(join(folder, name), "left");
  const longAgo = new Date(Date.now() - 8 * 24 * 3600 * 1000);
  for (const name of old) await utimes(join(folder, name), longAgo, longAgo);
  await writeFileWhole(join(folder, "answer.json"), "{}");
  t.deepEqual((await readdir(folder)).sort(), [...stays, "answer.json"].sort());
});
