/** The second half of a build, in a copy of the package with a stand-in for npm. */
import { spawnSync } from "node:child_process";
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { env, execPath } from "node:process";
import { fileURLToPath } from "node:url";
import test from "ava";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { inCase } from "../helpers/in-case.js";
import { temporaryFolder } from "../helpers/temporary.js";

const ROOT = fileURLToPath(PACKAGE_ROOT);
const SCRIPT = "dist/scripts/finish-build.js";
const STEPS = ["build:kernel", "build:schemas", "build:bundle"];
/** Files of the package that steps read. */
const SOURCES = [
  "asconfig.json",
  "rolldown.config.js",
  "package.json",
  "dist/.tsbuildinfo",
  "node_modules/.package-lock.json",
  "page/main.ts",
  "page/base.css",
  "src/engines/simd/kernel/kernel.as.ts",
];
/** Files of the package that steps write. */
const OUTPUTS = [
  "dist/src/engines/simd/kernel.wasm",
  "dist/src/engines/simd/kernel-relaxed.wasm",
  "schemas/result.schema.json",
  "dist/bundle/cli.cjs",
  "dist/bundle/cli.cjs.v8",
  "dist/bundle/worker.cjs",
  "dist/report/page.js",
];

/** Writes the name of its step to `steps`. The step in the variable BROKEN fails. Otherwise it makes the outputs. */
const NPM = `
import { appendFileSync, writeFileSync } from "node:fs";
const [run, step] = process.argv.slice(2);
appendFileSync("steps", run + " " + step + "\\n");
if (step === process.env.BROKEN) process.exit(7);
for (const path of ${JSON.stringify(OUTPUTS)}) writeFileSync(path, "");
`;

test("a build makes kernels, schemas and bundles only after a change, a lost output or a failure", async (t) => {
  const root = await temporaryFolder(t);
  const bin = join(root, "bin");
  const written = async (path: string, content: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  };
  for (const path of SOURCES) await written(path, await readFile(join(ROOT, path), "utf8"));
  for (const path of [SCRIPT, "dist/src/base/package.js"]) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await copyFile(join(ROOT, path), join(root, path));
  }
  for (const path of OUTPUTS) await mkdir(dirname(join(root, path)), { recursive: true });
  await written("bin/npm.mjs", NPM);
  await written("bin/npm", `#!/bin/sh\nexec "${execPath}" "${join(bin, "npm.mjs")}" "$@"\n`);
  await written("bin/npm.cmd", `@"${execPath}" "${join(bin, "npm.mjs")}" %*\r\n`);
  await chmod(join(bin, "npm"), 0o755);

  /** Status of a build, and the steps that it ran. */
  const build = async (broken = "") => {
    await written("steps", "");
    const PATH = `${bin}${delimiter}${env.PATH}`;
    const { status } = spawnSync(execPath, [SCRIPT], { cwd: root, env: { ...env, PATH, BROKEN: broken } });
    return { status, steps: (await readFile(join(root, "steps"), "utf8")).trim().split("\n") };
  };
  const whole = { status: 0, steps: STEPS.map((step) => `run ${step}`) };
  const nothing = { status: 0, steps: [""] };

  t.deepEqual(await build(), whole);
  t.deepEqual(await build(), nothing);
  for (const path of [...SOURCES, "page/new.ts", "src/engines/simd/kernel/new.as.ts"]) {
    await inCase(t, `changed: ${path}`, async () => {
      // A blank at the end leaves JSON as it was, package.json's included.
      await written(path, `${await readFile(join(root, path), "utf8").catch(() => "")} `);
      t.deepEqual(await build(), whole);
    });
  }
  t.deepEqual(await build(), nothing);
  for (const path of OUTPUTS) {
    await inCase(t, `lost: ${path}`, async () => {
      await readFile(join(ROOT, path));
      await rm(join(root, path));
      t.deepEqual(await build(), whole);
    });
  }
  await written("page/main.ts", "");
  t.deepEqual(await build("build:schemas"), { status: 7, steps: ["run build:kernel", "run build:schemas"] });
  t.deepEqual(await build(), whole);
  t.deepEqual(await build(), nothing);
});
