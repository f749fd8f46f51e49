/** Suites of checks as files. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Checks } from "#src/evaluate/check/suite-schema.js";

/** The path of a suite in the folder; what is no suite is written as it is. */
export async function writeSuite(
  folder: string,
  suite: Checks | readonly Checks["evaluations"][number][] | string,
): Promise<string> {
  const path = join(folder, "checks.json");
  const document = Array.isArray(suite) ? { threads: 0, evaluations: suite } : suite;
  await writeFile(path, typeof document === "string" ? document : JSON.stringify(document));
  return path;
}
