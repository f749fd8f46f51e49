import { join, relative, resolve } from "node:path";
import test, { type ExecutionContext } from "ava";
import { type ErrorCode, UsageError } from "#src/base/errors.js";
import { readConfig } from "#src/cli/config/read.js";
import { temporaryFile, temporaryFolder } from "../../helpers/temporary.js";

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
