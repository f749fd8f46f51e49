/** The list of docs/architecture.md that follows one batch, held against the functions that really run. */
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import test, { type ExecutionContext } from "ava";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { readImportGraph } from "../scripts/import-graph.js";
import { roomOf } from "../scripts/rooms.js";
import { temporaryFolder } from "./helpers/temporary.js";

/** Rooms of which every file that runs is on the list. Of the others, the list has what handles pixels. */
const WHOLE_ROOMS = ["data", "engines", "metrics", "pool", "evaluate", "reports"];
/** Workers run the bundle, in which coverage cannot tell files apart. */
const WORKER = "workers/evaluate.ts";
const MOST_FILES = 50;
const MOST_RETURNS = 15;

interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly functionName: string;
      readonly ranges: readonly { readonly count: number }[];
    }[];
  }[];
}

/** Source files of which at least one named function runs in the process of a default evaluation. */
async function filesRun(t: ExecutionContext, threads: number): Promise<Set<string>> {
  const folder = await temporaryFolder(t);
  const args = ["dist/src/cli/cli.js", "--threads", String(threads), "--limit", "100", "--quiet"];
  await promisify(execFile)(process.execPath, args, {
    cwd: PACKAGE_ROOT,
    env: { ...process.env, NODE_V8_COVERAGE: folder },
  });
  const run = new Set<string>();
  for (const name of await readdir(folder)) {
    const { result }: Coverage = JSON.parse(await readFile(join(folder, name), "utf8"));
    for (const { url, functions } of result) {
      const file = /\/dist\/(src\/.*)\.js$/.exec(url)?.[1];
      const isRun = functions.some(
        ({ functionName, ranges }) => functionName !== "" && (ranges[0]?.count ?? 0) > 0,
      );
      if (file !== undefined && isRun) run.add(`${file}.ts`);
    }
  }
  return run;
}

test("docs/architecture.md follows one batch through every file that runs, and turns back seldom", async (t) => {
  const page = await readFile(new URL("docs/architecture.md", PACKAGE_ROOT), "utf8");
  const listed = [...page.matchAll(/^\d+\. `((?:src|workers)\/[^`]+\.ts)`:/gm)].map(
    (match) => match[1] ?? "",
  );
  t.is(new Set(listed).size, listed.length, "a file is listed twice");
  t.true(listed.length <= MOST_FILES, `${listed.length} files`);

  const coordinator = await filesRun(t, 2);
  // With no worker, the engine runs in this process.
  const engines = [...(await filesRun(t, 0))].filter((file) => roomOf(file) === "engines");
  const run = new Set([...coordinator, ...engines, WORKER]);
  t.deepEqual(
    listed.filter((file) => !run.has(file)),
    [],
    "listed, but not run",
  );
  t.deepEqual(
    [...run].filter((file) => WHOLE_ROOMS.includes(roomOf(file)) && !listed.includes(file)).sort(),
    [],
    "run, but not listed",
  );

  const { imports } = await readImportGraph();
  const edges = new Set(imports.map(({ from, to }) => `${from} ${to}`));
  const returns = listed.slice(1).filter((file, index) => !edges.has(`${listed[index]} ${file}`));
  t.true(returns.length <= MOST_RETURNS, `${returns.length} returns: ${returns.join(", ")}`);
});
