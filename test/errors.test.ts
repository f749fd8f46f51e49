import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import test from "ava";
import { BatchwiseError, DatasetError, ERROR_CODES, RunError, reasonOf } from "#src/base/errors.js";
import { PACKAGE_ROOT } from "#src/base/package.js";

test("every code in the table is asserted by a test", async (t) => {
  const folder = fileURLToPath(new URL("test/", PACKAGE_ROOT));
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".test.ts"));
  const sources = await Promise.all(files.map((name) => readFile(`${folder}/${name}`, "utf8")));
  const text = sources.join("\n");
  t.deepEqual(
    Object.keys(ERROR_CODES).filter((code) => !text.includes(`"${code}"`) && !text.includes(`: ${code}`)),
    [],
  );
});

test("an error carries its code, its facts, its cause and one line", (t) => {
  const cause = new Error("underneath");
  const error = new DatasetError("ERR_IDX_DTYPE", { path: "a.idx", expected: "u8", found: "f32" }, { cause });
  t.true(error instanceof BatchwiseError);
  t.is(error.name, "DatasetError");
  t.is(error.code, "ERR_IDX_DTYPE");
  t.is(error.exitStatus, 3);
  t.is(error.facts.found, "f32");
  t.is(error.cause, cause);
  t.is(error.message, "a.idx: expected IDX elements of type u8, found f32");
});

test("each group of codes has its exit status", (t) => {
  t.is(new RunError("ERR_INTERNAL", { problem: "x" }).exitStatus, 1);
  t.is(new RunError("ERR_GATE_ACCURACY", { gate: "g", expected: "1", found: "0" }).exitStatus, 100);
  t.is(new RunError("ERR_TERMINATED", { doneImages: 1, totalImages: 2 }).exitStatus, 143);
});

test("gives the system's reason in words", (t) => {
  t.is(reasonOf(new Error("ENOENT: no such file or directory, open 'x/y'")), "no such file or directory");
  t.is(reasonOf(new Error("two\nlines")), "two");
  t.is(reasonOf("text"), "text");
});
