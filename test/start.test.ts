/** What the command line loads: a start is as fast as what it leaves out. */
import { cp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import test, { type ExecutionContext } from "ava";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { runProgram, spawnCli } from "./helpers/cli.js";
import { inCase } from "./helpers/in-case.js";
import { projectFolder, temporaryFolder } from "./helpers/temporary.js";

const MOST_BYTES = 370_000;
const ROOT = fileURLToPath(PACKAGE_ROOT);
/** The modules of each chunk of the bundle, as the bundler listed them. */
const CHUNKS: Readonly<Record<string, readonly string[]>> = JSON.parse(
  await readFile(join(ROOT, "dist", "cli-modules.json"), "utf8"),
);

const DEPENDENCIES: readonly string[] = Object.keys(
  JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")).dependencies,
);
/** Commands and options; near misses. */
const ALWAYS = ["commander", "fastest-levenshtein"];

interface Loaded {
  readonly bytes: number;
  /** Our dependencies of which a module was loaded, sorted. */
  readonly packages: readonly string[];
  /** Our own modules, as paths below dist/src. */
  readonly own: readonly string[];
}

/** What the main thread of a run had loaded at its end. Only `config` configures it. */
async function loadedBy(t: ExecutionContext, args: readonly string[], config?: string): Promise<Loaded> {
  // A project, so that a start looks for a configuration as it does anywhere.
  const folder = await projectFolder(t);
  const [hook, list] = [join(folder, "hook.cjs"), join(folder, "loaded.json")];
  await writeFile(
    hook,
    `if (require("node:worker_threads").isMainThread) process.on("exit", () =>
      require("node:fs").writeFileSync(${JSON.stringify(list)}, JSON.stringify(Object.keys(require.cache))));`,
  );
  if (config !== undefined) await writeFile(join(folder, "batchwise.config.json"), config);
  const { status, stderr } = await spawnCli(args, {
    cwd: folder,
    env: { NODE_OPTIONS: `--require ${JSON.stringify(hook)}` },
  });
  t.is(status, 0, stderr);
  const cached: string[] = JSON.parse(await readFile(list, "utf8"));
  const paths = cached.filter((path) => path !== hook);
  const files = await Promise.all(paths.map((path) => readFile(path)));
  const modules = paths.flatMap((path) => CHUNKS[basename(path)] ?? [relative(ROOT, path)]);
  const packages = modules.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []);
  return {
    bytes: files.reduce((sum, { length }) => sum + length, 0),
    packages: DEPENDENCIES.filter((name) => packages.includes(name)).sort(),
    own: modules.flatMap((path) => /^dist\/src\/(.+)\.js$/.exec(path)?.[1] ?? []),
  };
}

test("loads no dependency but two small ones, and little of its own, for --version and for simd", async (t) => {
  for (const args of [["--version"], ["--engine", "simd", "--limit", "500"]]) {
    await inCase(t, args.join(" "), async () => {
      const { bytes, packages, own } = await loadedBy(t, args);
      t.deepEqual(packages, ALWAYS);
      t.true(own.includes("cli/main"), own.join(", "));
      t.true(bytes > 0 && bytes < MOST_BYTES, `${bytes} bytes: ${own.join(", ")}`);
    });
  }
});

test("loads each library only where it is needed", async (t) => {
  const some = ["--limit", "100"];
  const picture = join(ROOT, "fixtures", "pictures", "seven.png");
  for (const [args, added] of [
    [[...some, "--threads", "2"], ["piscina"]],
    [[...some, "--threads", "0"], ["ml-matrix"]],
    [
      [...some, "--threads", "0", "--log-level", "info"],
      ["ml-matrix", "pino"],
    ],
    [
      ["predict", picture],
      ["chalk", "fast-png", "fflate"],
    ],
  ] as const) {
    await inCase(t, args.join(" "), async () => {
      t.deepEqual((await loadedBy(t, args)).packages, [...ALWAYS, ...added].sort());
    });
  }
});

test("loads what probabilities and the bootstrap need only where they are asked for", async (t) => {
  const scores = (own: readonly string[]) => own.filter((path) => /score|bootstrap/.test(path));
  const plain = ["--limit", "100", "--threads", "2"];
  t.deepEqual(scores((await loadedBy(t, plain)).own), []);
  t.not(scores((await loadedBy(t, [...plain, "--top-k", "2", "--bootstrap", "10"])).own).length, 0);
});

test("loads readers of other image sets only for a folder without IDX files", async (t) => {
  const folder = await temporaryFolder(t);
  for (const kind of ["images-idx3", "labels-idx1"]) {
    await cp(join(ROOT, `fixtures/digits-${kind}-ubyte.gz`), join(folder, `t10k-${kind}-ubyte.gz`));
  }
  const { own } = await loadedBy(t, ["--limit", "100", "--threads", "0", "--dataset", folder]);
  t.deepEqual(
    own.filter((path) => /^data\/(formats|[a-z]+-set|picture.*)$/.test(path)),
    [],
  );
});

test("loads what reads configurations only where there is one", async (t) => {
  for (const config of [undefined, "{}"]) {
    const { packages, own } = await loadedBy(t, ["--limit", "100", "--threads", "2"], config);
    t.is(packages.includes("zod"), config !== undefined);
    t.is(own.includes("cli/config/read"), config !== undefined);
  }
});

test("starts from code compiled at build, unless it is of another source, refused by V8 or not there", async (t) => {
  const root = await temporaryFolder(t);
  for (const part of ["bin", "dist/bundle", "dist/src", "package.json"]) {
    await cp(join(ROOT, part), join(root, part), { recursive: true });
  }
  await symlink(join(ROOT, "node_modules"), join(root, "node_modules"), "junction");
  const kept = join(root, "dist/bundle/cli.cjs.v8");
  const built = await readFile(kept);
  const source = (await readFile(join(root, "dist/bundle/cli.cjs"))).length;
  const changed = (at: number) => Buffer.from(built).fill(0x58, at, at + 16);
  for (const content of [built, changed(0), changed(source), built.subarray(0, source), undefined]) {
    if (content === undefined) await rm(kept);
    else await writeFile(kept, content);
    const { status, stdout, stderr } = await runProgram(join(root, "bin/batchwise.cjs"), ["--version"]);
    t.is(status, 0, stderr);
    t.regex(stdout, /^\d+\.\d+\.\d+\n/);
  }
});
