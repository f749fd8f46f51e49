import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { arch, platform, versions } from "node:process";

/** Where the package stands on disk, for the files that it carries. */

/** Folder of package.json; this module is compiled to dist/src/base/ and bundled into dist/bundle/. */
export const PACKAGE_ROOT = new URL(
  import.meta.url.includes("/dist/bundle/") ? "../../" : "../../../",
  import.meta.url,
);
export const FIXTURES = new URL("fixtures/", PACKAGE_ROOT);

// Versions: ours, and those of what we run on. Loaded only where they are asked for.

/** Set where ml-matrix is bundled in: its version at build, which need not be the one that is installed. */
declare const BUNDLED_ML_MATRIX: string | undefined;

const MANIFEST = new URL("package.json", PACKAGE_ROOT);

/** `0.1.0`, as package.json says. */
export function packageVersion(): string {
  return JSON.parse(readFileSync(MANIFEST, "utf8")).version;
}

/** `20.19`: the oldest Node.js that package.json allows. */
export function requiredNode(): string {
  return JSON.parse(readFileSync(MANIFEST, "utf8")).engines.node.replace(/^>=/, "");
}

/** Version of an installed package, or undefined if there is none. Read from disk: few packages export their package.json. */
export function installedVersion(name: string): string | undefined {
  for (const folder of createRequire(MANIFEST).resolve.paths(name) ?? []) {
    try {
      return JSON.parse(readFileSync(join(folder, name, "package.json"), "utf8")).version;
    } catch {
      // Not in this folder: perhaps in one further up.
    }
  }
  return undefined;
}

/** `2 × AMD EPYC`: how many threads run at once, and on what. */
export function cpuText(): string {
  return `${availableParallelism()} × ${cpus()[0]?.model.trim() || "unknown"}`;
}

/** What `--version` prints. Our version stands alone on the first line, for scripts; what follows is for reports of faults. */
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
