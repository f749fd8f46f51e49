import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { UsageError } from "#src/base/errors.js";
import { CONFIG_NAME, configFor, findConfig } from "#src/cli/config/find.js";
import { projectFolder } from "../../helpers/temporary.js";

test("finds the nearest configuration, upward", async (t) => {
  const project = await projectFolder(t);
  const deep = join(project, "a", "b");
  await mkdir(deep, { recursive: true });
  t.is(findConfig(deep), undefined);
  await writeFile(join(project, CONFIG_NAME), "{}");
  t.is(findConfig(deep), join(project, CONFIG_NAME));
  await writeFile(join(project, "a", CONFIG_NAME), "{}");
  t.is(findConfig(deep), join(project, "a", CONFIG_NAME));
});

test("does not look beyond a folder with .git, be it a folder or a worktree's file, nor beyond the home folder", async (t) => {
  const outer = await projectFolder(t);
  await writeFile(join(outer, CONFIG_NAME), "{}");
  const [project, worktree, home] = ["project", "worktree", "home"].map((name) => join(outer, name));
  for (const folder of [project, worktree, home]) await mkdir(join(folder, "sub"), { recursive: true });
  await mkdir(join(project, ".git"));
  await writeFile(join(worktree, ".git"), "gitdir: elsewhere\n");
  t.is(findConfig(join(project, "sub")), undefined);
  t.is(findConfig(join(worktree, "sub")), undefined);
  t.is(findConfig(join(home, "sub"), home), undefined);
  t.is(findConfig(join(home, "sub")), join(outer, CONFIG_NAME));
});

test("takes no folder for a configuration, and ends at the root", async (t) => {
  const project = await projectFolder(t);
  await mkdir(join(project, CONFIG_NAME));
  t.is(findConfig(project), undefined);
  t.notThrows(() => findConfig("/", "elsewhere"));
});

test("passes over what cannot be looked at", async (t) => {
  const project = await projectFolder(t);
  const folder = join(project, "a");
  await mkdir(folder);
  await writeFile(join(project, CONFIG_NAME), "{}");
  // A link that leads to itself is refused by the system, as is a folder that is closed to all but root.
  await symlink(CONFIG_NAME, join(folder, CONFIG_NAME));
  t.is(findConfig(folder), join(project, CONFIG_NAME));
});

test("a file that is named is taken as it is, false switches the search off, and some commands take none", (t) => {
  t.is(configFor("evaluate", "other.json"), "other.json");
  t.is(configFor("show", false), undefined);
  t.is(configFor("fetch", undefined), undefined);
  const error = t.throws(() => configFor("fetch", "other.json"), { instanceOf: UsageError });
  t.is(error.code, "ERR_USAGE");
  t.true(error.message.includes("other.json") && error.message.includes("fetch"));
});
