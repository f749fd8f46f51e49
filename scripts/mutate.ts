/**
 * Mutation testing of what must never be wrong in silence, the merge and the IDX reader: one operator of the compiled code is
 * changed at a time, in a copy of the package, and the tests that concern it are run. A mutant that they pass has survived.
 * Prints one line a survivor and the score. `--minutes N` ends it after so many (default 10), and says what was left out.
 */
import { spawn } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stdout } from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { type Mutant, mutantsOf } from "./mutants.js";

interface Target {
  readonly file: string;
  /** Names of the functions that are changed; without it, all of the file. */
  readonly within?: readonly string[];
  readonly tests: readonly string[];
}

const READER_TESTS = ["datasets/idx.test.js", "datasets/idx-malformed.test.js", "datasets/inflate.test.js"];
const TARGETS: readonly Target[] = [
  { file: "metrics/tally.js", tests: ["metrics/metrics.test.js", "evaluate.test.js"] },
  {
    file: "run-batches.js",
    within: ["merge"],
    tests: ["run-batches.test.js", "evaluate.test.js", "executors/several-networks.test.js"],
  },
  { file: "datasets/idx-header.js", tests: READER_TESTS },
  { file: "datasets/idx.js", tests: READER_TESTS },
];
/** A mutant may loop for ever; the tests themselves take some seconds. */
const TIMEOUT_MS = 60_000;

const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" } } });
const endsAt = performance.now() + Number(values.minutes) * 60_000;
const folder = await mkdtemp(join(tmpdir(), "batchwise-mutants-"));
try {
  await copyPackage();
  let killed = 0;
  let survived = 0;
  let left = 0;
  for (const target of TARGETS) {
    const path = join(folder, "dist", "src", target.file);
    const original = await readFile(path, "utf8");
    if (!(await passes(target.tests))) throw new Error(`${target.file}: its tests fail without a change`);
    for (const mutant of mutantsOf(original, target.within)) {
      if (performance.now() > endsAt) {
        left++;
        continue;
      }
      await writeFile(path, mutant.text);
      if (await passes(target.tests)) {
        survived++;
        stdout.write(`survived: ${lineOf(target, mutant)}\n`);
      } else {
        killed++;
      }
    }
    await writeFile(path, original);
  }
  const tried = killed + survived;
  const score = ((100 * killed) / Math.max(1, tried)).toFixed(1);
  stdout.write(
    `${killed} of ${tried} mutants were noticed: ${score} %; ${left} were left out for lack of time\n`,
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}

function lineOf({ file }: Target, { line, change, source }: Mutant): string {
  return `dist/src/${file}:${line}: ${change} in: ${source}`;
}

/** Its own dist; everything else is the package's. */
async function copyPackage(): Promise<void> {
  const root = fileURLToPath(PACKAGE_ROOT);
  for (const name of await readdir(root)) {
    if (name === ".git") continue;
    // AVA finds its configuration and its files only where they really are.
    if (name === "dist" || name === "package.json")
      await cp(join(root, name), join(folder, name), { recursive: true });
    else await symlink(join(root, name), join(folder, name));
  }
}

function passes(tests: readonly string[]): Promise<boolean> {
  const ava = join(folder, "node_modules", "ava", "entrypoints", "cli.mjs");
  const files = tests.map((name) => `dist/test/${name}`);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [ava, "--fail-fast", ...files], {
      cwd: folder,
      stdio: "ignore",
      timeout: TIMEOUT_MS,
      killSignal: "SIGKILL",
    });
    child.once("error", reject);
    child.once("close", (status) => resolve(status === 0));
  });
}
