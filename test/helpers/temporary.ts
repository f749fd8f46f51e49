/** Files that live as long as a test. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What is left to do at an end: a test's, or a file's. */
export interface Teardown {
  teardown(end: () => unknown): void;
}

/** A new empty folder, removed when the test ends. */
export async function temporaryFolder(t: Teardown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "batchwise-test-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A new empty folder that counts as a project's: nothing above it configures a run in it. */
export async function projectFolder(t: Teardown): Promise<string> {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, ".git"));
  return folder;
}

/** A file of these bytes in a folder of its own; its path. */
export async function temporaryFile(t: Teardown, bytes: string | Uint8Array, name = "file"): Promise<string> {
  const path = join(await temporaryFolder(t), name);
  await writeFile(path, bytes);
  return path;
}
