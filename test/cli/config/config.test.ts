/** The configuration file: the command line goes before it, and it before the defaults. */
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import test, { type ExecutionContext } from "ava";
import { atLeast, type ErrorCode, UsageError } from "#src/base/errors.js";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { evaluateCommand } from "#src/cli/commands/evaluate.js";
import { TableOption } from "#src/cli/commands/options.js";
import { CONFIG_NAME, configFor, findConfig } from "#src/cli/config/find.js";
import { CONFIG_KEYS, PATH_KEYS, readConfig, SUBJECT_KEYS } from "#src/cli/config/read.js";
import { runCli, spawnCli } from "../../helpers/cli.js";
import { validate } from "../../helpers/published-schemas.js";
import { projectFolder, temporaryFile, temporaryFolder } from "../../helpers/temporary.js";

async function configured(t: ExecutionContext, config: unknown): Promise<string> {
  const folder = await projectFolder(t);
  await writeFile(join(folder, CONFIG_NAME), JSON.stringify(config));
  return folder;
}

test("takes options from the file that is found, in a folder below it too", async (t) => {
  const folder = await configured(t, { limit: 120, threads: 0, batchSize: 50, format: "json", quiet: true });
  const below = join(folder, "below");
  await mkdir(below);
  for (const cwd of [folder, below]) {
    const { status, stdout, stderr } = await runCli([], { cwd });
    t.is(status, 0, stderr);
    t.is(stderr, "");
    const { run, result } = JSON.parse(stdout);
    t.deepEqual([result.total, run.threads, run.batchSize], [120, 0, 50]);
  }
});

test("the command line wins over the file, also where it says the default", async (t) => {
  const cwd = await configured(t, { limit: 120, threads: 0, batchSize: 50, format: "json" });
  const { run } = JSON.parse((await runCli(["--batch-size", "100"], { cwd })).stdout);
  t.is(run.batchSize, 100);
  t.regex((await runCli(["--format", "text"], { cwd })).stdout, /\nAccuracy : /);
});

test("--no-config switches it off, and --config names another", async (t) => {
  const cwd = await configured(t, { thread: 1 });
  t.is((await runCli(["--quiet", "--limit", "100"], { cwd })).status, 2);
  t.is((await runCli(["--quiet", "--limit", "100", "--no-config"], { cwd })).status, 0);
  await writeFile(join(cwd, "other.json"), JSON.stringify({ limit: 70, format: "json" }));
  const { stdout } = await runCli(["--config", "other.json"], { cwd });
  t.is(JSON.parse(stdout).result.total, 70);
});

test("gates and outputs of the file hold, outputs in the file's folder", async (t) => {
  const folder = await configured(t, { limit: 100, threads: 0, expectAccuracy: 0.5, output: ["out.json"] });
  const below = join(folder, "below");
  await mkdir(below);
  const { status, stderr } = await runCli(["--quiet"], { cwd: below });
  t.is(status, 100);
  t.regex(stderr, /^batchwise: ERR_GATE_ACCURACY: --expect-accuracy: /);
  t.true((await readdir(folder)).includes("out.json"));
  t.deepEqual(await readdir(below), []);
});

test("other commands take what says data and network, and nothing else", async (t) => {
  const cwd = await configured(t, { weights: "bundled-whiten", labels: false, format: "json", limit: 5 });
  const { status, stdout, stderr } = await runCli(["inspect"], { cwd });
  t.is(status, 0, stderr);
  t.regex(stdout, /network +bundled-whiten/);
  t.is((await runCli(["show", "7"], { cwd })).status, 0);
});

test("a folder that is called as a data set stays a folder", async (t) => {
  const cwd = await configured(t, { dataset: "./mnist", offline: true });
  await mkdir(join(cwd, "mnist"));
  const { stderr } = await runCli(["--quiet"], { cwd });
  t.regex(stderr, /^batchwise: ERR_DATASET_FILES: /);
});

test("tells at debug which file is used, and at other levels nothing", async (t) => {
  const cwd = await configured(t, { limit: 100, threads: 0, quiet: true });
  const lines = (await spawnCli(["--log-level", "debug"], { cwd })).stderr.trim().split("\n");
  t.true(lines.some((line) => JSON.parse(line).path === join(cwd, CONFIG_NAME)));
  t.is((await runCli([], { cwd })).stderr, "");
});

test("an empty --config is refused, as a variable of a script that is not set", async (t) => {
  for (const command of [[], ["convert", "bundled", "x.npz"]]) {
    const { status, stderr } = await runCli([...command, "--config", ""], { cwd: await projectFolder(t) });
    t.is(status, 2);
    t.is(stderr, 'batchwise: ERR_OPTION_VALUE: --config: expected a file, found ""\n');
  }
});

test("refuses --config where a command takes none", async (t) => {
  const { status, stderr } = await runCli(["convert", "bundled", "x.npz", "--config", "x.json"], {
    cwd: await projectFolder(t),
  });
  t.is(status, 2);
  t.regex(stderr, /^batchwise: ERR_USAGE: --config x\.json: convert takes no configuration file/);
});

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
  const [project, worktree, home] = atLeast(
    ["project", "worktree", "home"].map((name) => join(outer, name)),
    3,
  );
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

const fileOf = (t: ExecutionContext, content: unknown) =>
  temporaryFile(t, typeof content === "string" ? content : JSON.stringify(content), "batchwise.config.json");

async function refuses(t: ExecutionContext, content: unknown, code: ErrorCode, ...parts: string[]) {
  const path = await fileOf(t, content);
  const error = await t.throwsAsync(readConfig(path), { instanceOf: UsageError });
  t.is(error.code, code);
  t.is(error.exitStatus, 2);
  for (const part of [path, ...parts]) t.true(error.message.includes(part), error.message);
}

test("answers the options as they stand, numbers as numbers", async (t) => {
  const options = { threads: 0, batchSize: 10, warm: true, labels: false, minAccuracy: 0.93, engine: "simd" };
  t.deepEqual(await readConfig(await fileOf(t, options)), options);
  t.deepEqual(await readConfig(await fileOf(t, "\ufeff{}")), {});
});

test("reads relative paths from the file's folder, and leaves names and absolute paths alone", async (t) => {
  const path = await fileOf(t, {
    dataset: "data",
    labels: "data/labels.gz",
    classes: "../classes.txt",
    weights: "bundled",
    output: ["a.json", resolve("/b.xml")],
  });
  const from = (name: string) => relative(process.cwd(), join(path, "..", name));
  t.deepEqual(await readConfig(path), {
    dataset: from("data"),
    labels: from("data/labels.gz"),
    classes: from("../classes.txt"),
    weights: "bundled",
    output: [from("a.json"), resolve("/b.xml")],
  });
});

test("refuses an option that there is none of, and suggests the nearest", async (t) => {
  await refuses(t, { thread: 8 }, "ERR_CONFIG_KEY", '"thread"', 'did you mean "threads"?');
  await refuses(t, { "batch-size": 8 }, "ERR_CONFIG_KEY", 'did you mean "batchSize"?');
  await refuses(t, { xyzzyxyzzy: 8 }, "ERR_CONFIG_KEY", "expected one of");
});

const BAD_VALUES: readonly [content: unknown, ...parts: string[]][] = [
  [{ threads: "8" }, "threads: expected a whole number from 0 to 1024", 'found "8"'],
  [{ threads: 1025 }, "from 0 to 1024", "found 1025"],
  [{ batchSize: 1.5 }, "batchSize: expected a whole number from 1 to", "found 1.5"],
  [{ timeout: 0 }, "timeout: expected a number of seconds from 0.001", "found 0"],
  [{ minAccuracy: 93 }, "minAccuracy: expected a number from 0 to 1", "found 93"],
  [{ engine: "simdd" }, "engine: expected one of ml-matrix, simd, onnx, reference", 'found "simdd"'],
  [{ labels: true }, "labels: expected the path of a file, or false", "found true"],
  [{ warm: "yes" }, "warm: expected true or false", 'found "yes"'],
  [{ dataset: "" }, "dataset: expected a text that is not empty", 'found ""'],
  [{ output: "a.json" }, "output: expected a list of paths", 'found "a.json"'],
  [{ output: ["a.json", 5] }, "output[1]: expected a text", "found 5"],
  [[1], "expected an object of options", "found [1]"],
  ["null", "expected an object of options", "found null"],
];
test("refuses a value with file, key, what was expected and what was found", async (t) => {
  for (const [content, ...parts] of BAD_VALUES) await refuses(t, content, "ERR_CONFIG_VALUE", ...parts);
});

test("refuses what is no JSON, in one line", async (t) => {
  for (const content of ["", '{"threads": 8,}', "threads = 8\n[x]\n"]) {
    await refuses(t, content, "ERR_CONFIG_SYNTAX", "in JSON");
  }
});

test("refuses a file that is not there, and a folder", async (t) => {
  const folder = await temporaryFolder(t);
  for (const path of [folder, join(folder, "nowhere.json")]) {
    const error = await t.throwsAsync(readConfig(path), { instanceOf: UsageError });
    t.is(error.code, "ERR_CONFIG_READ");
    t.true(error.message.startsWith(path));
  }
});

const PROGRAM_KEYS = ["logLevel", "quiet", "color"];

test("every option of evaluate has its key, and there is no other", (t) => {
  const command = evaluateCommand(
    async () => {},
    () => {},
  );
  const names = new Set(
    command.options.map((option) => (option instanceof TableOption ? option.configKey : option.name())),
  );
  t.deepEqual([...CONFIG_KEYS].sort(), [...names, ...PROGRAM_KEYS, "$schema"].sort());
});

test("every option of evaluate that takes a path is read from the file's folder", (t) => {
  const command = evaluateCommand(
    async () => {},
    () => {},
  );
  const paths = command.options.filter(({ flags }) => /<(file|path|by)>/.test(flags));
  t.deepEqual([...new Set(paths.map((option) => option.attributeName()))].sort(), [...PATH_KEYS].sort());
});

test("the keys that other commands take are keys", (t) => {
  for (const key of SUBJECT_KEYS) t.true(CONFIG_KEYS.includes(key));
});

test("the published schema has these keys and allows no other", async (t) => {
  const schema = JSON.parse(await readFile(new URL("schemas/config.schema.json", PACKAGE_ROOT), "utf8"));
  t.deepEqual(Object.keys(schema.properties), CONFIG_KEYS);
  t.false(schema.additionalProperties);
  t.is(schema.required, undefined);
  for (const [key, { description }] of Object.entries<{ description?: string }>(schema.properties)) {
    t.truthy(description, key);
  }
});

test("an editor's validator takes what we take, and refuses what we refuse", (t) => {
  const taken = {
    $schema: "config.schema.json",
    threads: 0,
    labels: false,
    output: ["a.json"],
    timeout: 0.5,
  };
  t.deepEqual(validate("config", taken), []);
  for (const refused of [
    { thread: 1 },
    { threads: -1 },
    { engine: "sim" },
    { labels: true },
    { output: "a" },
  ]) {
    t.not(validate("config", refused).length, 0, JSON.stringify(refused));
  }
});
