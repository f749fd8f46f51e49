/**
 * `node dist/scripts/finish-build.js`, the second half of `npm run build`: kernels, schemas and bundles. They take three
 * quarters of a build's time. So they are made only if a source has changed since, or an output is gone.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { PACKAGE_ROOT } from "#src/base/package.js";

const ROOT = fileURLToPath(PACKAGE_ROOT);
/** Hash of the sources of the last build that succeeded. */
const STAMP = join(ROOT, "dist", ".sources");
const STEPS = ["build:kernel", "build:schemas", "build:bundle"];

/** tsc's record has a hash of each source that tsc compiles. npm's record has the version of each installed package. */
const SOURCE_FILES = [
  "dist/.tsbuildinfo",
  "node_modules/.package-lock.json",
  "package.json",
  "asconfig.json",
  "rolldown.config.js",
];
/** Sources that tsc does not compile. */
const SOURCE_FOLDERS = ["page", "src/engines/simd/kernel"];

/** At least one output of each step. */
const OUTPUTS = [
  "dist/src/engines/simd/kernel.wasm",
  "dist/src/engines/simd/kernel-relaxed.wasm",
  "schemas/result.schema.json",
  "dist/bundle/cli.cjs",
  "dist/bundle/cli.cjs.v8",
  "dist/bundle/worker.cjs",
  "dist/report/page.js",
];

const hash = hashOfSources();
const isDone =
  existsSync(STAMP) &&
  readFileSync(STAMP, "utf8") === hash &&
  OUTPUTS.every((path) => existsSync(join(ROOT, path)));
if (!isDone) {
  rmSync(STAMP, { force: true });
  for (const step of STEPS) {
    // Windows starts npm only through a shell.
    const { status } = spawnSync(`npm run ${step}`, { cwd: ROOT, stdio: "inherit", shell: true });
    if (status !== 0) process.exit(status ?? 1);
  }
  writeFileSync(STAMP, hash);
}

function hashOfSources(): string {
  const inFolders = SOURCE_FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort(),
  );
  // V8 keeps compiled code for one version of Node.js.
  const whole = createHash("sha256").update(process.version);
  for (const path of [...SOURCE_FILES.map((name) => join(ROOT, name)), ...inFolders]) {
    whole.update(`\n${path}\n`).update(existsSync(path) ? readFileSync(path) : "absent");
  }
  return whole.digest("hex");
}
