/** The library inside other tools: test runners that give modules a realm of their own, node:vm, another worker thread. */
import { execFile } from "node:child_process";
import { getEventListeners, getMaxListeners, once, setMaxListeners } from "node:events";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import test, { type ExecutionContext } from "ava";
import { evaluate } from "#src/index.js";
import { inCase } from "../helpers/in-case.js";
import { isThorough, needs } from "../helpers/require.js";
import { temporaryFolder } from "../helpers/temporary.js";
import { answerAll, CALLS } from "./calls.js";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const CALLS_FILE = here("calls.js");

/** Folder of an installed tool, or undefined. */
function folderOf(tool: string): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${tool}/package.json`));
  } catch {
    return undefined;
  }
}

const jest = folderOf("jest");
const vitest = folderOf("vitest");

/** Answers to all calls outside any tool. */
const expected = await (async () => {
  const undo: (() => unknown)[] = [];
  const answers = await answerAll(await temporaryFolder({ teardown: (end) => undo.push(end) }));
  for (const end of undo) await end();
  return answers;
})();

const run = promisify(execFile);

interface Found {
  readonly answers: Record<string, unknown>;
  /** Whether Node's errors are no instances of the tool's Error. */
  readonly isOtherRealm: boolean;
}

/** Runs all calls within a test of the tool, in a project of its own. */
async function answersIn(
  t: ExecutionContext,
  imports: string,
  start: (folder: string) => Promise<unknown>,
): Promise<Found> {
  const folder = await temporaryFolder(t);
  const found = join(folder, "found.json");
  const lines = [
    imports,
    'import { readFileSync, writeFileSync } from "node:fs";',
    `import { answerAll } from ${JSON.stringify(CALLS_FILE)};`,
    'test("answers", async () => {',
    `  const answers = await answerAll(${JSON.stringify(folder)});`,
    "  let isOtherRealm;",
    '  try { readFileSync("absent"); } catch (error) { isOtherRealm = !(error instanceof Error); }',
    `  writeFileSync(${JSON.stringify(found)}, JSON.stringify({ answers, isOtherRealm }));`,
    "}, 100_000);",
  ];
  await writeFile(join(folder, "inside.test.mjs"), lines.join("\n"));
  await writeFile(
    join(folder, "package.json"),
    JSON.stringify({ type: "module", jest: { transform: {}, testMatch: ["**/inside.test.mjs"] } }),
  );
  await start(folder);
  return JSON.parse(await readFile(found, "utf8"));
}

needs("jest", jest !== undefined)("answers inside Jest as it does outside", async (t) => {
  const { answers, isOtherRealm } = await answersIn(t, "", (cwd) =>
    run(process.execPath, ["--experimental-vm-modules", join(jest!, "bin/jest.js"), "--rootDir", cwd], {
      cwd,
    }),
  );
  t.true(isOtherRealm);
  t.deepEqual(answers, expected);
});

needs("vitest", vitest !== undefined)("answers inside each pool of Vitest as it does outside", async (t) => {
  for (const pool of ["vmThreads", "vmForks", "threads", "forks"]) {
    await inCase(t, pool, async () => {
      const { answers, isOtherRealm } = await answersIn(t, 'import { test } from "vitest";', async (cwd) => {
        await mkdir(join(cwd, "node_modules"));
        await symlink(vitest!, join(cwd, "node_modules/vitest"));
        // As a package in node_modules is: loaded by Node, not transformed.
        const config = { test: { include: ["inside.test.mjs"], server: { deps: { external: ["/dist/"] } } } };
        await writeFile(join(cwd, "vitest.config.mjs"), `export default ${JSON.stringify(config)};`);
        await run(process.execPath, [join(vitest!, "vitest.mjs"), "run", `--pool=${pool}`], { cwd });
      });
      t.is(isOtherRealm, pool.startsWith("vm"));
      t.deepEqual(answers, expected);
    });
  }
});

test("answers in another worker thread as it does on the main one", async (t) => {
  const folder = await temporaryFolder(t);
  const code = `import { parentPort, workerData } from "node:worker_threads";
    const { answerAll } = await import(workerData.file);
    parentPort.postMessage(await answerAll(workerData.folder));`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
    workerData: { file: new URL("calls.js", import.meta.url).href, folder },
  });
  const [answers] = await once(worker, "message");
  t.deepEqual(answers, expected);
});

test("answers in a context of node:vm as it does outside", async (t) => {
  const folder = await temporaryFolder(t);
  const args = ["--experimental-vm-modules", "--no-warnings", here("realm-child.js"), CALLS_FILE, folder];
  const { stdout } = await run(process.execPath, args);
  const { answers, isOtherRealm }: Found = JSON.parse(stdout);
  t.true(isOtherRealm);
  t.deepEqual(answers, expected);
});

test("the calls answer as their titles say, none with a fault of ours", (t) => {
  t.deepEqual(Object.keys(expected), Object.keys(CALLS));
  t.notRegex(JSON.stringify(expected), /ERR_INTERNAL|threw|Error:/);
  t.is(expected["overflow to NaN on a thread"], "ERR_LOGITS_NAN");
  t.is(expected["interrupt a run"], "ERR_INTERRUPTED");
  t.deepEqual(expected["name what is absent"], [
    "ERR_NETWORK_UNKNOWN",
    "ERR_DATASET_UNKNOWN",
    "ERR_FILE_READ",
  ]);
  t.deepEqual(expected["run a suite"], [
    ["bundled", "passed"],
    ["absent", "error"],
  ]);
});

test.serial("many evaluations at once leave the caller's signal as it was", async (t) => {
  const warnings: string[] = [];
  const onWarning = ({ name }: Error) => warnings.push(name);
  process.on("warning", onWarning);
  const { signal } = new AbortController();
  setMaxListeners(1, signal);
  const runs = Array.from({ length: isThorough ? 50 : 12 }, (_, n) =>
    evaluate({ threads: n % 3, limit: 200 }, { signal }),
  );
  const during = getEventListeners(signal, "abort").length;
  for (const { result } of await Promise.all(runs)) t.is(result.total, 200);
  t.deepEqual([during, getEventListeners(signal, "abort").length, getMaxListeners(signal)], [0, 0, 1]);
  // Warnings are told in the next turn.
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", onWarning);
  t.deepEqual(warnings, []);
});
