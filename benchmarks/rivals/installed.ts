/** Rivals come from benchmarks/node_modules, which the package itself does without; libraries of its own from its own. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { PACKAGE_ROOT } from "../../src/base/package.js";
import type { Bench } from "../question.js";

export const BENCHMARKS = new URL("benchmarks/", PACKAGE_ROOT);
const requireRival = createRequire(new URL("package.json", BENCHMARKS));

/** The module, or undefined, said aloud, where it is not installed. Its caller knows what it exports. */
export function loadRival(bench: Bench, name: string): unknown {
  try {
    bench.uses(name, versionOf(name));
  } catch {
    bench.skip(name, "not installed: npm ci --prefix benchmarks");
    return undefined;
  }
  return requireRival(name);
}

export function rivalFile(path: string): string {
  return requireRival.resolve(path);
}

/** Read from disk, since few packages export their package.json. Throws where the package is in neither place. */
export function versionOf(name: string): string {
  const file = [BENCHMARKS, PACKAGE_ROOT]
    .map((root) => new URL(`node_modules/${name}/package.json`, root))
    .find((candidate) => existsSync(candidate));
  if (file === undefined) throw new Error(`${name} is not installed`);
  const { version }: { version: string } = JSON.parse(readFileSync(file, "utf8"));
  return version;
}
