/** Folder and manifest of the package, and versions of the package, Node.js and dependencies. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { arch, platform, versions } from "node:process";

/** Folder of package.json. This module is compiled to dist/src/base/ and bundled into dist/bundle/. */
export const PACKAGE_ROOT = new URL(
  import.meta.url.includes("/dist/bundle/") ? "../../" : "../../../",
  import.meta.url,
);
/** Folder of the bundled data set and network. */
export const FIXTURES = new URL("fixtures/", PACKAGE_ROOT);

/** Version of the bundled ml-matrix. It may differ from the installed one. Undefined outside the bundle. */
declare const BUNDLED_ML_MATRIX: string | undefined;

const MANIFEST = new URL("package.json", PACKAGE_ROOT);

/** Version in package.json: `0.1.0`. */
export function packageVersion(): string {
  return JSON.parse(readFileSync(MANIFEST, "utf8")).version;
}

/** Oldest Node.js that package.json allows: `20.19`. */
export function requiredNode(): string {
  return JSON.parse(readFileSync(MANIFEST, "utf8")).engines.node.replace(/^>=/, "");
}

/** Version of an installed package, or undefined. Read from disk, because few packages export their package.json. */
export function installedVersion(name: string): string | undefined {
  for (const folder of createRequire(MANIFEST).resolve.paths(name) ?? []) {
    try {
      return JSON.parse(readFileSync(join(folder, name, "package.json"), "utf8")).version;
    } catch {
      // Not in this folder: try its parent.
    }
  }
  return undefined;
}

/** Number of threads that run at once, and the CPU: `2 × AMD EPYC`. */
export function cpuText(): string {
  return `${availableParallelism()} × ${cpus()[0]?.model.trim() || "unknown"}`;
}

/** Output of `--version`. The first line is only our version, for scripts. The other lines are for bug reports. */
export function versionText(): string {
  const mlMatrix = typeof BUNDLED_ML_MATRIX === "string" ? BUNDLED_ML_MATRIX : installedVersion("ml-matrix");
  const rows: readonly (readonly [name: string, value: string])[] = [
    ["Node.js", `${versions.node}, V8 ${versions.v8}`],
    ["Platform", `${platform} ${arch}`],
    ["CPU", cpuText()],
    ["piscina", installedVersion("piscina") ?? "not installed"],
    ["ml-matrix", mlMatrix ?? "not installed"],
  ];
  return [packageVersion(), ...rows.map(([name, value]) => `${name.padEnd(9)} ${value}`)].join("\n");
}
