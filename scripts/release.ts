/**
 * `npm run release [-- VERSION]`: rehearses a release of what is committed, and publishes nothing. It checks the working tree,
 * the version and the changelog, packs a fresh clone, installs the tarball into an empty folder, runs the command and the
 * library there, and prints what a real release does next. Ends with status 1 at the first fault.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process, { stderr, stdout } from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { PACKAGE_ROOT } from "#src/base/package.js";

const run = promisify(execFile);
/** No audit, no funding lines, and no install script: what is installed runs only when it is called. */
const QUIET = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"];
// Semantic Versioning 2.0.0, without build metadata, which npm leaves out.
const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/;
const SMOKE_IMAGES = 1000;
const PROGRAM = `import { evaluate } from "batchwise";
const { result } = await evaluate({ limit: ${SMOKE_IMAGES}, threads: 2 });
console.log(result.total);
`;

/** What is wrong with the version to release, and what to do; undefined where nothing is. */
export function versionFault(version: string, packageVersion: string): string | undefined {
  if (!VERSION.test(version)) return `expected a version such as 1.2.3, found "${version}"`;
  if (version === packageVersion) return undefined;
  return `package.json: expected version ${version}, found ${packageVersion}; run: npm version ${version} --no-git-tag-version`;
}

/** One version's section of the changelog. */
export interface ChangelogSection {
  /** `2026-11-28`; undefined where the version is not dated yet. */
  readonly date: string | undefined;
  /** Without the heading. */
  readonly text: string;
}

/** The section `## [1.2.3] - 2026-11-28`, or `## [Unreleased] 1.2.3`; undefined where there is none with content. */
export function changelogSection(changelog: string, version: string): ChangelogSection | undefined {
  for (const section of changelog.split(/^## /m).slice(1)) {
    const [heading = "", ...lines] = section.split("\n");
    const dated = /^\[([^\]]+)\] - (\d{4}-\d{2}-\d{2})$/.exec(heading.trim());
    const undated = /^\[Unreleased\] (\S+)$/.exec(heading.trim());
    if (version !== (dated?.[1] ?? undated?.[1])) continue;
    const text = lines.join("\n").trim();
    return text === "" ? undefined : { date: dated?.[2], text };
  }
  return undefined;
}

/** What a person does after a rehearsal, in order. */
export function nextSteps(version: string, isDated: boolean): string[] {
  return [
    ...(isDated ? [] : [`CHANGELOG.md: write "## [${version}] - DATE" as the heading, and commit`]),
    ".ci/run",
    `git tag --annotate v${version} --message "Batchwise ${version}"`,
    `git push origin main v${version}`,
    "npm ci && npm pack",
    `npm publish batchwise-${version}.tgz`,
  ];
}

/** Last line of the command's answer. @throws Error where it is not the accuracy. */
export function accuracyLine(answer: string): string {
  const line = answer.trimEnd().split("\n").at(-1) ?? "";
  if (!/^Accuracy : [01](\.\d+)?$/.test(line)) {
    throw new Error(`npx batchwise: expected a last line "Accuracy : …", found "${line}"`);
  }
  return line;
}

/** The checks that need no network: the tree at `root` is committed, the version fits, and the changelog has it. */
export async function checkTree(root: string, asked?: string) {
  const { stdout: changes } = await run("git", ["status", "--porcelain"], { cwd: root });
  if (changes !== "") throw new Error(`expected a clean tree, found changes; commit them first:\n${changes}`);
  const { version: packageVersion }: { version: string } = JSON.parse(
    await readFile(join(root, "package.json"), "utf8"),
  );
  const version = asked ?? packageVersion;
  const fault = versionFault(version, packageVersion);
  if (fault !== undefined) throw new Error(fault);
  const section = changelogSection(await readFile(join(root, "CHANGELOG.md"), "utf8"), version);
  if (section === undefined) {
    throw new Error(
      `CHANGELOG.md: expected a section "## [${version}] - DATE" with content; write what users notice`,
    );
  }
  return { version, section };
}

/** Packs a fresh clone of `root`, so that nothing gets in that is not committed. Path of the tarball in `folder`. */
async function pack(root: string, folder: string): Promise<string> {
  const clone = join(folder, "clone");
  await run("git", ["clone", "--quiet", root, clone]);
  await run("npm", ["ci", ...QUIET], { cwd: clone });
  await run("npm", ["run", "build"], { cwd: clone });
  const packing = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const [{ filename }]: [{ filename: string }] = JSON.parse(
    (await run("npm", packing, { cwd: clone })).stdout,
  );
  return join(folder, filename);
}

/** Installs the tarball into an empty project, and runs the command and a program of three lines. */
async function smoke(tarball: string, folder: string): Promise<string> {
  const cwd = await mkdtemp(join(folder, "project-"));
  await writeFile(join(cwd, "package.json"), JSON.stringify({ private: true, type: "module" }));
  await run("npm", ["install", ...QUIET, tarball], { cwd });
  const command = ["--no-install", "batchwise", "--limit", String(SMOKE_IMAGES), "--no-config"];
  const accuracy = accuracyLine((await run("npx", command, { cwd })).stdout);
  await writeFile(join(cwd, "program.js"), PROGRAM);
  const total = (await run(process.execPath, ["program.js"], { cwd })).stdout.trim();
  if (total !== String(SMOKE_IMAGES)) {
    throw new Error(`the library: expected ${SMOKE_IMAGES} images, found "${total}"`);
  }
  return accuracy;
}

async function rehearse(root: string, asked?: string): Promise<void> {
  const report = (line: string) => stderr.write(`${line}\n`);
  const { version, section } = await checkTree(root, asked);
  report(`tree       clean\nversion    ${version}\nchangelog  ${section.text.split("\n").length} lines`);
  const folder = await mkdtemp(join(tmpdir(), "batchwise-release-"));
  try {
    const tarball = await pack(root, folder);
    report("pack       done, from a fresh clone");
    report(`smoke      ${await smoke(tarball, folder)}; the library evaluates too`);
    stdout.write("Nothing was published. A release does this next:\n");
    const steps = nextSteps(version, section.date !== undefined);
    for (const step of steps) stdout.write(`  ${step}\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await rehearse(fileURLToPath(PACKAGE_ROOT), process.argv[2]).catch((error: Error) => {
    stderr.write(`release: ${error.message}\n`);
    process.exitCode = 1;
  });
}
