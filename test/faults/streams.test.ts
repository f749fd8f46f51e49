/** Standard streams and outputs that fail or are closed. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process, { platform } from "node:process";
import { bash, CLI, PROGRAM, withFaults } from "../helpers/cli.js";
import { isThorough, needs, someOf } from "../helpers/require.js";
import { temporaryFolder } from "../helpers/temporary.js";

const onLinux = needs("linux", platform === "linux");
const withStrace = needs("strace", existsSync("/usr/bin/strace"));
const ACCURACY = /Accuracy : 0\.\d+\n$/;

onLinux("a stderr that fails costs no answer, no file and no exit status", async (t) => {
  const folder = await temporaryFolder(t);
  const streams = ["2> /dev/full", "2> >(exec 0<&-)", "2>&-", "2> >(head -c 1 > /dev/null)"];
  const journal = "--resume j --predictions p.ndjson --log-level debug";
  const cases = [
    ["--limit 500 --output r.json", 0, ["r.json"]],
    [`--limit 500 ${journal} --output r.json`, 0, ["j", "p.ndjson", "r.json"]],
    ["--limit 500 --min-accuracy 1 --output r.json", 100, ["r.json"]],
    ["--weights /nonexistent --output r.json", 3, []],
    ["--nonsense", 2, []],
  ] as const;
  for (const [n, stream] of streams.entries()) {
    for (const [m, [args, expected, names]] of cases.entries()) {
      if (n > 1 && m % 3 !== 0) continue;
      if (!isThorough && n > 0 && m > 0) continue;
      const cwd = join(folder, `${n}-${m}`);
      await mkdir(cwd);
      const { status, stdout } = bash(`${PROGRAM} ${args} ${stream}`, cwd);
      t.is(status, expected, `${args} ${stream}`);
      if (names.length > 0) t.regex(stdout, ACCURACY, `${args} ${stream}`);
      t.deepEqual((await readdir(cwd)).sort(), [...names]);
    }
  }
});

onLinux("a stdout that is full is a fault of the output, and the files are written", async (t) => {
  const folder = await temporaryFolder(t);
  for (const args of [
    "--quiet --limit 100 --output r.json",
    "inspect",
    "--help",
    "--version",
    "doctor --format json",
  ]) {
    const { status, stderr } = bash(`${PROGRAM} ${args} > /dev/full`, folder);
    t.is(status, 6, `${args}: ${stderr}`);
    t.regex(
      stderr,
      /batchwise: ERR_OUTPUT_WRITE: stdout: the output could not be written: no space left on device; .*\n$/,
      args,
    );
  }
  t.deepEqual(await readdir(folder), ["r.json"]);
  const gate = bash(`${PROGRAM} --quiet --limit 100 --min-accuracy 1 > /dev/full`, folder);
  t.is(gate.status, 6);
  t.regex(gate.stderr, /ERR_GATE_ACCURACY: /);
});

onLinux("a stdout that a shell closed is a fault of the output; one that is discarded is none", async (t) => {
  const folder = await temporaryFolder(t);
  // Without a command behind it, bash would become the program.
  const run = (args: string, stream: string) => bash(`${PROGRAM} --quiet ${args} ${stream}; exit $?`, folder);
  for (const args of ["--limit 100 --output r.json", "--version", "--help"]) {
    const closed = run(args, ">&-");
    t.is(closed.status, 6, `${args}: ${closed.stderr}`);
    t.regex(closed.stderr, /batchwise: ERR_OUTPUT_WRITE: stdout: .*: it is closed; .*\n$/, args);
    for (const stream of someOf(["> /dev/null", "<&- > /dev/null", "2>&- > /dev/null"], 1)) {
      t.is(run(args, stream).status, 0, `${args} ${stream}`);
    }
    const ignored = spawnSync(process.execPath, [CLI, "--no-config", ...args.split(" ")], {
      cwd: folder,
      stdio: "ignore",
    });
    t.is(ignored.status, 0, args);
    t.is(
      spawnSync("bash", ["-c", `${PROGRAM} ${args}; exit $?`], { cwd: folder, stdio: "ignore" }).status,
      0,
    );
  }
  t.deepEqual(await readdir(folder), ["r.json"]);
});

onLinux("a file that is opened never takes the place of a closed stream", async (t) => {
  const folder = await temporaryFolder(t);
  const common = "--limit 300 --log-level debug";
  for (const streams of ["<&- 2>&-", "<&- >&- 2>&-"]) {
    for (const outputs of ["--output r.json --predictions p.csv --resume j", "--report r.html"]) {
      bash(`${PROGRAM} ${common} ${outputs} ${streams}; exit $?`, folder);
    }
    t.notThrows(() => JSON.parse(readFileSync(join(folder, "r.json"), "utf8")), streams);
    t.is(readFileSync(join(folder, "p.csv"), "utf8").trimEnd().split("\n").length, 301, streams);
    for (const line of readFileSync(join(folder, "j"), "utf8").trimEnd().split("\n")) {
      t.notThrows(() => JSON.parse(line), streams);
    }
    t.regex(readFileSync(join(folder, "r.html"), "utf8"), /^<!doctype html>/i, streams);
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
  }
});

withStrace(
  "a write that is cut short or fails is a fault of the output, and an older file stays",
  async (t) => {
    const outputs = [
      ["--output r.json", "r.json"],
      ["--predictions p.csv", "p.csv"],
      ["--report r.html", "r.html"],
      ["--resume j --predictions q.csv", "q.csv"],
    ] as const;
    const faults = [
      "pwrite64:retval=700",
      "pwrite64:error=EIO:when=1",
      "pwrite64:error=ENOSPC:when=1",
      "fsync:error=EIO",
    ];
    for (const [args, name] of outputs) {
      const folder = await temporaryFolder(t);
      for (const fault of name === "r.json" ? faults : someOf(faults, 1)) {
        // Its last call would return more bytes than it was given, and Node.js crashes. The next test cuts real writes.
        if (fault === "pwrite64:retval=700" && args.startsWith("--resume")) continue;
        await writeFile(join(folder, name), "old");
        const { status, stdout, stderr } = withFaults(fault, `--limit 200 --threads 0 ${args}`, folder);
        t.is(status, 6, `${args}, ${fault}: ${stderr}`);
        t.regex(stderr, /ERR_OUTPUT_WRITE: /, fault);
        t.regex(stdout, ACCURACY, fault);
        t.is(await readFile(join(folder, name), "utf8"), "old", `${args}, ${fault}`);
      }
    }
  },
);

onLinux("predictions beside a journal that the system cuts are a fault of the output", async (t) => {
  const folder = await temporaryFolder(t);
  const args = "--quiet --threads 0 --resume j --predictions q.csv";
  for (const kibibytes of someOf([1, 5, 17], 2)) {
    await writeFile(join(folder, "q.csv"), "old");
    const { status, stdout, stderr } = bash(`ulimit -f ${kibibytes}; ${PROGRAM} ${args}`, folder);
    t.is(status, 6, `${kibibytes}: ${stderr}`);
    t.regex(stderr, /ERR_OUTPUT_WRITE: /);
    t.regex(stdout, ACCURACY);
    t.is(await readFile(join(folder, "q.csv"), "utf8"), "old");
  }
  const { status, stdout, stderr } = bash(`${PROGRAM} ${args}`, folder);
  t.is(status, 0, stderr);
  t.regex(stdout, ACCURACY);
  const lines = (await readFile(join(folder, "q.csv"), "utf8")).trimEnd().split("\n");
  t.deepEqual(
    lines.slice(1).map((line) => Number.parseInt(line, 10)),
    Array.from({ length: lines.length - 1 }, (_, n) => n),
  );
});

withStrace("a file that cannot be closed counts as not written", async (t) => {
  for (const name of ["j", "q.csv.partial"]) {
    const folder = await temporaryFolder(t);
    const path = join(folder, name);
    await writeFile(join(folder, "j"), "");
    const trace = `-f -qq -o /dev/null -P ${path} -e trace=close -e inject=close:error=EIO`;
    const args = `--quiet --limit 100 --threads 0 --resume ${folder}/j --predictions ${folder}/q.csv`;
    const { status, stdout, stderr } = bash(`strace ${trace} ${PROGRAM} ${args}`, folder);
    t.is(status, 6, `${name}: ${stderr}`);
    t.regex(stderr, /ERR_OUTPUT_WRITE: .*: i\/o error; /);
    t.regex(stdout, ACCURACY);
  }
});
