/** The package as users get it, what a build leaves behind, and the front page. */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import test from "ava";
import ts from "typescript";
import { atLeast } from "#src/base/errors.js";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { removeStale } from "../scripts/remove-stale.js";
import { someOf } from "./helpers/require.js";
import { temporaryFolder } from "./helpers/temporary.js";

const ROOT = fileURLToPath(PACKAGE_ROOT);
const LIMIT_PACKED_BYTES = 4_000_000;
const LIMIT_UNPACKED_BYTES = 8_500_000;

/** All that may be inside. */
const ALLOWED = [
  /^(package\.json|LICENSE|README(\.ko)?\.md)$/,
  /^bin\/batchwise\.cjs$/,
  /^dist\/src\/([\w-]+\/)*[\w-]+\.(js|d\.ts)$/,
  /^dist\/src\/engines\/simd\/kernel(-relaxed)?\.wasm$/,
  /^dist\/bundle\/[\w-]+\.cjs$/,
  /^dist\/bundle\/(cli|worker)-licences\.txt$/,
  /^dist\/report\/[\w-]+\.(js|css)$/,
  /^schemas\/[\w-]+\.schema\.json$/,
  /^fixtures\/(digits-(images-idx3|labels-idx1)-ubyte\.gz|bundled(-\w+)?\.safetensors|README\.md)$/,
  /^fixtures\/reference\/bundled-summary\.json$/,
];

/** What must be. */
const NEEDED = [
  "bin/batchwise.cjs",
  "dist/src/index.js",
  "dist/src/index.d.ts",
  "dist/src/engines/simd/kernel.wasm",
  "dist/src/engines/simd/kernel-relaxed.wasm",
  "dist/bundle/cli.cjs",
  "dist/bundle/worker.cjs",
  "dist/bundle/cli-licences.txt",
  "dist/bundle/worker-licences.txt",
  "dist/report/page.js",
  "dist/report/page.css",
  "schemas/checks.schema.json",
  "schemas/config.schema.json",
  "schemas/result.schema.json",
  "fixtures/bundled.safetensors",
];

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), "batchwise-package-"));

test.after.always(() => rm(folder, { recursive: true, force: true }));

/** As it was built; building it again would change it under the other tests. */
const packing = pack();
async function pack(): Promise<Packed> {
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const { stdout } = await run("npm", args, { cwd: ROOT });
  const [packed]: readonly [Packed] = JSON.parse(stdout);
  return packed;
}

test("the package holds what users need, and neither tests nor benchmarks nor maps", async (t) => {
  const { files, size, unpackedSize } = await packing;
  const paths = files.map(({ path }) => path);
  t.deepEqual(
    paths.filter((path) => !ALLOWED.some((pattern) => pattern.test(path))),
    [],
  );
  t.deepEqual(
    NEEDED.filter((path) => !paths.includes(path)),
    [],
  );
  t.true(size < LIMIT_PACKED_BYTES, `${size} bytes packed`);
  t.true(unpackedSize < LIMIT_UNPACKED_BYTES, `${unpackedSize} bytes unpacked`);
});

test("nothing is packed whose source is gone", async (t) => {
  const { files } = await packing;
  const sources = files.flatMap(({ path }) => /^dist\/(src\/.+)\.js$/.exec(path)?.[1] ?? []);
  t.true(sources.length > 0);
  t.deepEqual(
    sources.filter((source) => !existsSync(join(ROOT, `${source}.ts`))),
    [],
  );
});

test("a build removes what was compiled from a source that is gone, and nothing else", async (t) => {
  const root = await temporaryFolder(t);
  const put = async (path: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), "");
  };
  const kept = ["src/kept.ts", "test/workers/kept.cts", "dist/src/kept.js", "dist/src/kept.d.ts"];
  const others = [
    "dist/src/kernel.wasm",
    "dist/test/workers/kept.cjs",
    "dist/bundle/cli.cjs",
    "dist/fixtures/data.gz",
  ];
  const gone = [
    "dist/src/a/gone.d.ts",
    "dist/src/a/gone.js",
    "dist/src/a/gone.js.map",
    "dist/test/gone.test.js",
  ];
  for (const path of [...kept, ...others, ...gone]) await put(path);
  t.deepEqual(await removeStale(root), gone);
  const left = await readdir(root, { recursive: true, withFileTypes: true });
  t.is(left.filter((entry) => entry.isFile()).length, kept.length + others.length);
  t.deepEqual(await removeStale(root), []);
});

const installing = install();

/** An empty project with the package, and with what its package.json names. `npm run release` installs it by npm. */
async function install(): Promise<string> {
  const { filename } = await packing;
  const modules = join(folder, "node_modules");
  await mkdir(join(modules, "batchwise"), { recursive: true });
  await run("tar", [
    "-xzf",
    join(folder, filename),
    "-C",
    join(modules, "batchwise"),
    "--strip-components",
    "1",
  ]);
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "empty", type: "module" }));
  const { dependencies } = JSON.parse(await readFile(join(modules, "batchwise", "package.json"), "utf8"));
  for (const name of Object.keys(dependencies)) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(ROOT, "node_modules", name), join(modules, name), "junction");
  }
  return folder;
}

async function runNode(args: readonly string[]): Promise<string> {
  const cwd = await installing;
  return (await run(process.execPath, args, { cwd })).stdout;
}

test("installed elsewhere, the command evaluates what the package carries", async (t) => {
  const bin = join("node_modules", "batchwise", "bin", "batchwise.cjs");
  for (const engine of ["ml-matrix", "simd"]) {
    const stdout = await runNode([bin, "--engine", engine, "--threads", "2", "--no-config"]);
    t.is(stdout.trimEnd().split("\n").at(-1), "Accuracy : 0.9947");
  }
});

test("installed elsewhere, the library evaluates, and its workers start", async (t) => {
  const program = `
    import { evaluate } from "batchwise";
    const { result, run } = await evaluate({ threads: 2, limit: 1000 });
    console.log(JSON.stringify([result.total, run.workersStarted]));`;
  t.deepEqual(JSON.parse(await runNode(["--input-type=module", "--eval", program])), [1000, 2]);
});

test("installed elsewhere, the types resolve under node16 and under bundler", async (t) => {
  const path = join(await installing, "program.ts");
  await writeFile(
    path,
    `import { evaluate, type Evaluation, readIdx } from "batchwise";
     export async function accuracy(): Promise<number> {
       const evaluation: Evaluation = await evaluate({ threads: 0 });
       // @ts-expect-error there is no such option, and so the types are not any
       await evaluate({ thread: 0 });
       const { data } = await readIdx("labels", { dtype: "u8" });
       return evaluation.result.accuracy + data.BYTES_PER_ELEMENT;
     }\n`,
  );
  const resolutions = [
    [ts.ModuleResolutionKind.Node16, ts.ModuleKind.Node16],
    [ts.ModuleResolutionKind.Bundler, ts.ModuleKind.ESNext],
  ] as const;
  for (const [moduleResolution, module] of someOf(resolutions, 1)) {
    const options = {
      noEmit: true,
      strict: true,
      skipDefaultLibCheck: true,
      types: [],
      target: ts.ScriptTarget.ES2023,
      moduleResolution,
      module,
    };
    const diagnostics = ts.getPreEmitDiagnostics(ts.createProgram([path], options));
    t.deepEqual(
      diagnostics.map(
        ({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`,
      ),
      [],
    );
  }
});

// The front page: short, the same in both languages as far as a program can see, and without dead links.

const MOST_README_BYTES = 7_000;
const BLOCK = /^```\w*\n[\s\S]*?^```$/gm;

async function partsOf(name: string) {
  const text = await readFile(new URL(name, PACKAGE_ROOT), "utf8");
  const lines = text.replace(BLOCK, "").split("\n");
  return {
    blocks: text.match(BLOCK) ?? [],
    headings: lines.flatMap((line) => /^(#+) /.exec(line)?.[1] ?? []),
    rows: lines.filter((line) => line.startsWith("|")).map((line) => line.split(/(?<!\\)\|/).length),
    links: [...text.matchAll(/\]\(([^)]+)\)/g)]
      .map(([, target = ""]) => target)
      .filter((t) => !/^README/.test(t)),
    text,
  };
}

test("the Korean README has the English one's code, headings, tables and links, in its order", async (t) => {
  const [english, korean] = atLeast(await Promise.all(["README.md", "README.ko.md"].map(partsOf)), 2);
  t.true(english.blocks.length > 0);
  t.deepEqual(korean.blocks, english.blocks);
  t.deepEqual(korean.headings, english.headings);
  t.deepEqual(korean.rows, english.rows);
  t.deepEqual(korean.links, english.links);
});

test("the README has at most 7,000 bytes", async (t) => {
  const { length } = await readFile(new URL("README.md", PACKAGE_ROOT));
  t.true(length > 0 && length <= MOST_README_BYTES, `${length} bytes`);
});

test("links between the pages lead to a file, and where they name a heading, to that heading", async (t) => {
  const folders = ["", "docs/", "benchmarks/", "fixtures/"];
  const names = await Promise.all(folders.map((folder) => readdir(new URL(`./${folder}`, PACKAGE_ROOT))));
  const pages = folders.flatMap((folder, n) => (names[n] ?? []).map((name) => folder + name)).filter(isPage);
  const dead: string[] = [];
  let checked = 0;
  for (const page of pages) {
    for (const target of await linksOf(page)) {
      checked += 1;
      if (!(await leadsSomewhere(target, page))) dead.push(`${page}: ${target}`);
    }
  }
  t.true(checked > 50, `${checked} links`);
  t.deepEqual(dead, []);
});

function isPage(path: string): boolean {
  return path.endsWith(".md");
}

/** Targets of the page's links and pictures, without those that lead to another site. */
async function linksOf(page: string): Promise<string[]> {
  const text = await readFile(new URL(page, PACKAGE_ROOT), "utf8");
  const targets = [...text.replace(BLOCK, "").matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return targets.filter((target) => !/^\w+:/.test(target));
}

async function leadsSomewhere(target: string, page: string): Promise<boolean> {
  const [path = "", heading] = target.split("#");
  const file = new URL(path, new URL(page, PACKAGE_ROOT));
  if (!existsSync(file)) return false;
  return heading === undefined || anchorsOf(await readFile(file, "utf8")).includes(heading);
}

/** GitHub's anchor of a heading: lower case, no punctuation, hyphens for blanks. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
