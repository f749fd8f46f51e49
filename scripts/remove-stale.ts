/** `node dist/scripts/remove-stale.js`, a step of the build: removes what was compiled from a source that is gone. */
import { access, readdir, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { argv, stdout } from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { PACKAGE_ROOT } from "#src/base/package.js";

/** Folders that tsc compiles, each to a folder of its name below `dist`. */
const COMPILED = ["src", "workers", "fixtures", "test", "benchmarks", "scripts"];
/** What tsc makes of a source, by the source's ending. */
const MADE_OF: Readonly<Record<string, RegExp>> = {
  ".ts": /\.(js|js\.map|d\.ts)$/,
  ".cts": /\.(cjs|cjs\.map|d\.cts)$/,
};

/** Removes compiled files of a package without a source; answers their paths below its root, in order. */
export async function removeStale(root: string): Promise<readonly string[]> {
  const lists = await Promise.all(COMPILED.map((folder) => staleIn(root, folder)));
  const stale = lists.flat().sort();
  await Promise.all(stale.map((path) => rm(join(root, path))));
  return stale;
}

async function staleIn(root: string, folder: string): Promise<readonly string[]> {
  const compiled = join(root, "dist", folder);
  const names = await readdir(compiled, { recursive: true }).catch(() => []);
  const stale: string[] = [];
  for (const name of names) {
    const [ending, made] = Object.entries(MADE_OF).find(([, pattern]) => pattern.test(name)) ?? [];
    if (ending === undefined || made === undefined) continue;
    const source = join(root, folder, name.replace(made, ending));
    const isThere = await access(source).then(
      () => true,
      () => false,
    );
    if (!isThere) stale.push(relative(root, join(compiled, name)));
  }
  return stale;
}

if (import.meta.url === pathToFileURL(argv[1] ?? "").href) {
  for (const path of await removeStale(fileURLToPath(PACKAGE_ROOT))) stdout.write(`removed ${path}\n`);
}
