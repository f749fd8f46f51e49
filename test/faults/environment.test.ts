/** Systems that refuse threads, files and folders, odd environments, and what reaches a terminal. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import process, { getuid, platform } from "node:process";
import { fileURLToPath } from "node:url";
import test from "ava";
import { FIXTURES } from "#src/base/package.js";
import { terminalText } from "#src/cli/terminal/paint.js";
import { bash, CLI, PROGRAM, runCli, withFaults } from "../helpers/cli.js";
import { needs, pairsOf, someOf } from "../helpers/require.js";
import { temporaryFolder } from "../helpers/temporary.js";

const onLinux = needs("linux", platform === "linux");
const withStrace = needs("strace", existsSync("/usr/bin/strace"));
const asRoot = needs("root", platform === "linux" && getuid?.() === 0);
const ACCURACY = /Accuracy : 0\.\d+\n$/;

withStrace("too many open files end a run with one line", async (t) => {
  const folder = await temporaryFolder(t);
  // Node.js itself opens about 20 files before the program begins.
  const found = someOf([24, 27, 30, 35, 40, 45, 50], 4).map((n) =>
    withFaults(`openat:error=EMFILE:when=${n}+`, "--limit 100", folder),
  );
  for (const { status, stdout, stderr } of found) {
    if (status === 0) t.regex(stdout, ACCURACY);
    else t.regex(stderr, /batchwise: ERR_(OPEN_FILES|FILE_READ|WORKER_\w+|BATCH_FAILED): [^\n]*\n$/);
    t.notRegex(stderr, /ERR_INTERNAL|node:internal/);
  }
  t.true(found.some(({ stderr }) => stderr.includes("ERR_OPEN_FILES")));
});

test("a thread that cannot be started is one line, and the answer is partial", async (t) => {
  const folder = await temporaryFolder(t);
  const isRenamed = Number(process.versions.node.split(".")[0]) > 22;
  const permission = isRenamed ? "--permission" : "--experimental-permission";
  for (const engine of ["ml-matrix", "reference"]) {
    const args = ["--no-warnings", permission, "--allow-fs-read=*", CLI, "--no-config", "--threads", "2"];
    const run = spawnSync(process.execPath, [...args, "--engine", engine, "--limit", "500"], {
      encoding: "utf8",
      cwd: folder,
    });
    t.is(run.status, 4, run.stderr);
    t.regex(run.stderr, /batchwise: ERR_WORKER_THREAD: a worker thread cannot be started: .*; raise .*\n$/);
    t.regex(run.stdout, /Partial/);
    const alone = spawnSync(
      process.execPath,
      [...args, "--engine", engine, "--limit", "100", "--threads", "0"],
      {
        encoding: "utf8",
      },
    );
    t.is(alone.status, 0, alone.stderr);
  }
});

asRoot("a limit of threads is one line, or a right answer", async (t) => {
  const folder = await temporaryFolder(t);
  for (const limit of someOf([10, 11, 12, 13, 14], 3)) {
    const command = `ulimit -u ${limit}; cd /; ${PROGRAM} --quiet --limit 2000 --threads 2`;
    const run = spawnSync("su", ["nobody", "-s", "/bin/bash", "-c", command], {
      encoding: "utf8",
      cwd: folder,
    });
    // With fewer, the system library of Node.js itself gives up.
    if (run.status === 0) t.regex(run.stdout, ACCURACY, `${limit}`);
    else t.notRegex(run.stderr, /ERR_INTERNAL|Terminating worker thread/, `${limit}`);
  }
});

onLinux("a working folder that was removed is one line", async (t) => {
  const folder = await temporaryFolder(t);
  for (const args of ["--limit 100", "inspect", "doctor", "--limit 100 --output r.json"]) {
    const { status, stderr } = bash(`mkdir gone; cd gone; rmdir ../gone; ${PROGRAM} ${args}`, folder);
    t.is(status, 2, stderr);
    t.regex(stderr, /^batchwise: ERR_WORKING_FOLDER: the working folder cannot be used: .*; change to .*\n$/);
  }
  t.is(bash(`mkdir gone; cd gone; rmdir ../gone; ${PROGRAM} --version`, folder).status, 0);
});

test("without WebAssembly, simd says so, and the other engines work", async (t) => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ["--jitless", CLI, "--no-config", "--limit", "100", ...args], {
      encoding: "utf8",
    });
  for (const threads of ["0", "2"]) {
    const { status, stderr } = run("--engine", "simd", "--warm", "--threads", threads);
    t.is(status, 4, stderr);
    t.regex(
      stderr,
      /batchwise: ERR_ENGINE_WEBASSEMBLY: expected WebAssembly .*--jitless; choose another engine/,
    );
  }
  const fetched = spawnSync(
    process.execPath,
    ["--jitless", CLI, "fetch", "book", "--mirror", "http://127.0.0.1:9"],
    {
      encoding: "utf8",
      env: {
        ...process.env,
        BATCHWISE_CACHE_DIR: await temporaryFolder(t),
        HTTPS_PROXY: "http://127.0.0.1:9",
      },
    },
  );
  t.is(fetched.status, 5, fetched.stderr);
  t.regex(fetched.stderr, /ERR_TRANSFER_FAILED: .*a download needs WebAssembly/);
  for (const engine of ["ml-matrix", "reference"])
    t.regex(run("--engine", engine, "--threads", "1").stdout, ACCURACY);
});

test("marks of direction and controls in names never reach the terminal", (t) => {
  const marks = ["\u202e", "\u2066", "\u200f", "\u0007", "\u009b", "\u2028", "\u00ad", "\u{e0041}"];
  const places = [
    (mark: string) => ["--weights", `/nonexistent/a${mark}b.exe`],
    (mark: string) => ["--dataset", `c${mark}d`],
    (mark: string) => [`--e${mark}f`],
  ];
  for (const [mark, argsWith] of pairsOf(marks, places)) {
    const { stdout, stderr } = spawnSync(process.execPath, [CLI, "--no-config", ...argsWith(mark)], {
      encoding: "utf8",
    });
    t.false(stderr.includes(mark), JSON.stringify(stderr));
    t.regex(stderr, /^batchwise: ERR_[^\n]*\n$/);
    t.is(stdout, "");
  }
});

test("a pattern below a folder whose name has brackets finds its files", async (t) => {
  const folder = await temporaryFolder(t);
  for (const name of ["data (old)", "set [1]", "a {b,c}", "what?"]) {
    const set = join(folder, name, "deep (er)");
    await mkdir(set, { recursive: true });
    for (const file of ["images-idx3", "labels-idx1"]) {
      const from = fileURLToPath(new URL(`digits-${file}-ubyte.gz`, FIXTURES));
      for (const n of [0, 1]) await copyFile(from, join(set, `s${n}-${file}-ubyte.gz`));
    }
    for (const pattern of [
      join(set, "*images*"),
      join(folder, name, "**", "s[01]-images-*"),
      join(set, "s{0,1}-images*"),
    ]) {
      const { status, stdout, stderr } = await runCli(["inspect", "--dataset", pattern, "--format", "json"]);
      t.is(status, 0, `${pattern}: ${stderr}`);
      t.is(JSON.parse(stdout).dataset.images[0], 20_000);
    }
  }
});

test("doctor reports a cache that Node's permission model protects", (t) => {
  const isRenamed = Number(process.versions.node.split(".")[0]) > 22;
  const permission = isRenamed ? "--permission" : "--experimental-permission";
  const args = ["--no-warnings", permission, "--allow-fs-read=*", CLI, "doctor"];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
  t.is(status, 4);
  t.regex(stdout, /^warning +Cache +.*, not writable: /m);
  t.regex(stdout, /^failed +Engine ml-matrix +a worker thread cannot be started/m);
});

test("an answer on a terminal keeps our colours, and escapes all other controls", (t) => {
  const cases = [
    ["plain\ttext\n", "plain\ttext\n"],
    ["\u001b[1mbold\u001b[22m", "\u001b[1mbold\u001b[22m"],
    ["\u001b[38;5;22mgreen", "\u001b[38;5;22mgreen"],
    ["\u001b[2Jgone\u0007", "\\u{1b}[2Jgone\\u{7}"],
    ["\u001b]0;title\u0007", "\\u{1b}]0;title\\u{7}"],
    ["a\u202egpj.exe", "a\\u{202e}gpj.exe"],
    ["\u2066isolate\u2069", "\\u{2066}isolate\\u{2069}"],
    ["\r\u009b31m", "\\u{d}\\u{9b}31m"],
    ["수 Ä ▀", "수 Ä ▀"],
  ] as const;
  for (const [text, shown] of cases) t.is(terminalText(text), shown);
});
