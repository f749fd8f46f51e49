/** What the command line loads: a start is as fast as what it leaves out. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { spawnCli } from "./helpers/cli.js";
import { projectFolder } from "./helpers/temporary.js";

const MOST_BYTES = 310_000;

/** Paths of the CommonJS files that the main thread of a run had loaded at its end. */
async function loadedBy(t: ExecutionContext, args: readonly string[]): Promise<readonly string[]> {
  // A project without a configuration, so that a start looks for one as it does anywhere.
  const folder = await projectFolder(t);
  const [hook, list] = [join(folder, "hook.cjs"), join(folder, "loaded.json")];
  await writeFile(
    hook,
    `if (require("node:worker_threads").isMainThread) process.on("exit", () =>
      require("node:fs").writeFileSync(${JSON.stringify(list)}, JSON.stringify(Object.keys(require.cache))));`,
  );
  const { status, stderr } = await spawnCli(args, {
    cwd: folder,
    env: { NODE_OPTIONS: `--require ${JSON.stringify(hook)}` },
  });
  t.is(status, 0, stderr);
  const loaded: string[] = JSON.parse(await readFile(list, "utf8"));
  return loaded.filter((path) => path !== hook);
}

for (const args of [["--version"], ["--engine", "simd", "--limit", "500"]]) {
  test(`loads no dependency from node_modules, and little of its own, for ${args.join(" ")}`, async (t) => {
    const loaded = await loadedBy(t, args);
    t.deepEqual(
      loaded.filter((path) => path.includes("node_modules")),
      [],
    );
    const files = await Promise.all(loaded.map((path) => readFile(path)));
    const bytes = files.reduce((sum, { length }) => sum + length, 0);
    t.true(bytes > 0 && bytes < MOST_BYTES, `${bytes} bytes: ${loaded.join(", ")}`);
  });
}

test("loads piscina for the default engine, and none of the terminal's or the log's libraries", async (t) => {
  const loaded = await loadedBy(t, ["--limit", "500", "--threads", "2"]);
  t.true(loaded.some((path) => path.includes("piscina")));
  t.deepEqual(
    loaded.filter((path) => /\b(ora|chalk|pino|undici|fast-png|protobufjs)\b/.test(path)),
    [],
  );
});

test("loads what probabilities and the bootstrap need only where they are asked for", async (t) => {
  const scores = (paths: readonly string[]) => paths.filter((path) => /collect-scores|paired/.test(path));
  const plain = ["--limit", "100", "--threads", "2"];
  t.deepEqual(scores(await loadedBy(t, plain)), []);
  t.is(scores(await loadedBy(t, [...plain, "--top-k", "2", "--bootstrap", "10"])).length, 2);
});

test("loads nothing that reads configurations where there is none", async (t) => {
  const loaded = await loadedBy(t, ["--limit", "100", "--threads", "0"]);
  t.deepEqual(
    loaded.filter((path) => /cli-(apply|config|version)|zod/.test(path)),
    [],
  );
});

test("loads pino for a line that is to be logged", async (t) => {
  const loaded = await loadedBy(t, ["--limit", "100", "--threads", "0", "--log-level", "info"]);
  t.true(loaded.some((path) => path.includes("pino")));
});
