/** The package as users get it: what is in it, and that it works where nothing else of ours is. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import test from "ava";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { inCase } from "./helpers/in-case.js";
import { needs } from "./helpers/require.js";

const ROOT = fileURLToPath(PACKAGE_ROOT);
const LIMIT_PACKED_BYTES = 4_000_000;
const LIMIT_UNPACKED_BYTES = 7_000_000;

/** All that may be inside. */
const ALLOWED = [
  /^(package\.json|LICENSE|README(\.ko)?\.md)$/,
  /^bin\/batchwise\.cjs$/,
  /^dist\/src\/([\w-]+\/)*[\w-]+\.(js|d\.ts)$/,
  /^dist\/src\/engines\/simd\/kernel(-relaxed)?\.wasm$/,
  /^dist\/bundle\/[\w-]+\.cjs$/,
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
// Asked for before the first test is declared: AVA wants all of them in one go.
const hasRegistry = await run("npm", ["view", "fflate", "version"], { cwd: folder, timeout: 20_000 }).then(
  () => true,
  () => false,
);

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

test("nothing is packed whose source is gone: remove dist and build again", async (t) => {
  const { files } = await packing;
  const sources = files.flatMap(({ path }) => /^dist\/(src\/.+)\.js$/.exec(path)?.[1] ?? []);
  t.true(sources.length > 0);
  t.deepEqual(
    sources.filter((source) => !existsSync(join(ROOT, `${source}.ts`))),
    [],
  );
});

const installed = needs("registry", hasRegistry);
const installing = hasRegistry ? install() : undefined;

/** An empty project that has the package and what it depends on. */
async function install(): Promise<string> {
  const { filename } = await packing;
  await writeFile(
    join(folder, "package.json"),
    JSON.stringify({ name: "empty", private: true, type: "module" }),
  );
  const quiet = ["--no-audit", "--no-fund", "--prefer-offline"];
  await run("npm", ["install", ...quiet, join(folder, filename)], { cwd: folder });
  return folder;
}

async function runNode(args: readonly string[]): Promise<string> {
  const cwd = await installing;
  return (await run(process.execPath, args, { cwd })).stdout;
}

installed("installed elsewhere, the command evaluates what the package carries", async (t) => {
  t.timeout(300_000);
  const cwd = await installing;
  const bin = join(folder, "node_modules", ".bin", "batchwise");
  for (const engine of ["ml-matrix", "simd"]) {
    const { stdout } = await run(bin, ["--engine", engine, "--threads", "2", "--no-config"], { cwd });
    t.is(stdout.trimEnd().split("\n").at(-1), "Accuracy : 0.9947");
  }
});

installed("installed elsewhere, the library evaluates, and its workers start", async (t) => {
  t.timeout(300_000);
  const program = `
    import { evaluate } from "batchwise";
    const { result, run } = await evaluate({ threads: 2, limit: 1000 });
    console.log(JSON.stringify([result.total, run.workersStarted]));`;
  t.deepEqual(JSON.parse(await runNode(["--input-type=module", "--eval", program])), [1000, 2]);
});

installed("installed elsewhere, the types resolve under node16 and under bundler", async (t) => {
  for (const [resolution, module] of [
    ["node16", "node16"],
    ["bundler", "esnext"],
  ]) {
    await inCase(t, `installed elsewhere, the types resolve under ${resolution}`, async () => {
      t.timeout(300_000);
      const cwd = await installing;
      const source = `program-${resolution}.ts`;
      await writeFile(
        join(folder, source),
        `import { evaluate, type Evaluation, readIdx } from "batchwise";
       export async function accuracy(): Promise<number> {
         const evaluation: Evaluation = await evaluate({ threads: 0 });
         // @ts-expect-error there is no such option, and so the types are not any
         await evaluate({ thread: 0 });
         const { data } = await readIdx("labels", { dtype: "u8" });
         return evaluation.result.accuracy + data.BYTES_PER_ELEMENT;
       }\n`,
      );
      const options = ["--noEmit", "--strict", "--target", "es2023"];
      const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
      const args = [tsc, ...options, "--moduleResolution", resolution, "--module", module, source];
      await t.notThrowsAsync(
        run(process.execPath, args, { cwd }).catch(({ stdout }) => Promise.reject(stdout)),
      );
    });
  }
});
