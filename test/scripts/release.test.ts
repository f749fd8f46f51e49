import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { accuracyLine, changelogSection, checkTree, nextSteps, versionFault } from "../../scripts/release.js";
import { temporaryFolder } from "../helpers/temporary.js";

const CHANGELOG = `# Changelog

## [Unreleased] 1.3.0

- New.

## [1.2.0] - 2026-01-31

### Fixed

- Old.

## [1.1.0] - 2026-01-01

## [1.0.0]

- Undated.
`;

/** A repository whose one commit has this version and this changelog. */
async function repository(t: ExecutionContext, version: string): Promise<string> {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "package.json"), JSON.stringify({ version }));
  await writeFile(join(folder, "CHANGELOG.md"), CHANGELOG);
  const who = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"];
  for (const args of [
    ["init", "--quiet"],
    ["add", "."],
    [...who, "commit", "--quiet", "-m", "Begin"],
  ]) {
    execFileSync("git", args, { cwd: folder });
  }
  return folder;
}

test("finds a version's section of the changelog, dated or not, unless it is empty", (t) => {
  t.deepEqual(changelogSection(CHANGELOG, "1.2.0"), { date: "2026-01-31", text: "### Fixed\n\n- Old." });
  t.deepEqual(changelogSection(CHANGELOG, "1.3.0"), { date: undefined, text: "- New." });
  for (const version of ["1.1.0", "1.0.0", "1.2", "2.0.0", ""]) {
    t.is(changelogSection(CHANGELOG, version), undefined, version);
  }
});

test("takes a semantic version that package.json has too", (t) => {
  for (const version of ["0.1.0", "10.20.30", "1.0.0-rc.1"]) t.is(versionFault(version, version), undefined);
  for (const version of ["1.0", "v1.0.0", "01.0.0", "1.0.0 ", "1.0.0-", "latest", ""]) {
    t.regex(versionFault(version, version) ?? "", /^expected a version such as 1\.2\.3, found /, version);
  }
  t.regex(versionFault("1.3.0", "1.2.0") ?? "", /expected version 1\.3\.0, found 1\.2\.0; run: npm version/);
});

test("a tree is fit for release where it is committed, and its changelog has the version", async (t) => {
  const folder = await repository(t, "1.2.0");
  t.like(await checkTree(folder), { version: "1.2.0", section: { date: "2026-01-31" } });
  await t.throwsAsync(checkTree(folder, "1.3.0"), { message: /npm version 1\.3\.0/ });
  await writeFile(join(folder, "stray.txt"), "");
  await t.throwsAsync(checkTree(folder), { message: /expected a clean tree.*stray\.txt/s });
});

test("a version without a section of the changelog is not fit for release", async (t) => {
  const folder = await repository(t, "1.1.0");
  await t.throwsAsync(checkTree(folder), { message: /^CHANGELOG\.md: expected a section "## \[1\.1\.0\]/ });
});

test("refuses an answer of the command that does not end with the accuracy", (t) => {
  t.is(accuracyLine("Data     : x\nAccuracy : 0.994\n"), "Accuracy : 0.994");
  for (const answer of ["", "Accuracy : ", "Accuracy : 0.9\nmore", "Accuracy : NaN"]) {
    t.throws(() => accuracyLine(answer), { message: /expected a last line/ }, answer);
  }
});

test("the next steps end in publishing, and begin with the date where the changelog has none", (t) => {
  t.is(nextSteps("1.2.0", true).at(-1), "npm publish batchwise-1.2.0.tgz");
  t.true(nextSteps("1.2.0", true).every((step) => !step.includes("CHANGELOG")));
  t.regex(nextSteps("1.2.0", false)[0] ?? "", /CHANGELOG\.md.*\[1\.2\.0\] - DATE/);
});
