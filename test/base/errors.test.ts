/** Errors and their codes, two works side by side of which one may fail, and suggestions for misspelt names. */
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import test from "ava";
import ts from "typescript";
import { allOrAbort } from "#src/base/abort.js";
import { BatchwiseError, DatasetError, ERROR_CODES, RunError, reasonOf } from "#src/base/errors.js";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { suggest } from "#src/base/text.js";

/**
 * Codes that are expected: within the arguments of an assertion or of a function that refuses, as a `code` to be found, in a
 * table of a test, or in the line that a user sees.
 */
function expectedCodes(source: ts.Node): readonly string[] {
  const codes: string[] = [];
  function visit(node: ts.Node, isExpected: boolean): void {
    const text = textOf(node);
    if (isExpected || /^\^?batchwise: ERR_/.test(text))
      codes.push(...(text.match(/\bERR_[A-Z0-9_]+\b/g) ?? []));
    // An error that a test makes itself is no expectation.
    const inside = !isErrorMade(node) && (isExpected || expects(node));
    ts.forEachChild(node, (child) => visit(child, inside));
  }
  visit(source, false);
  return codes;
}

/** The text of a literal, or of a template's beginning. */
function textOf(node: ts.Node): string {
  if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node)) return node.text;
  return ts.isRegularExpressionLiteral(node) ? node.text.slice(1) : "";
}

function isErrorMade(node: ts.Node): boolean {
  return ts.isNewExpression(node) && node.expression.getText().endsWith("Error");
}

function expects(node: ts.Node): boolean {
  if (ts.isCallExpression(node)) {
    const [first] = node.arguments;
    return /^(t\.|refus)/.test(node.expression.getText()) || first?.getText() === "t";
  }
  if (ts.isPropertyAssignment(node)) return node.name.getText() === "code";
  if (ts.isForOfStatement(node)) return isTable(node.expression);
  return ts.isVariableDeclaration(node) && isTable(node.initializer);
}

function isTable(value: ts.Node | undefined): boolean {
  if (value === undefined) return false;
  if (ts.isAsExpression(value)) return isTable(value.expression);
  return ts.isArrayLiteralExpression(value) || ts.isObjectLiteralExpression(value);
}

test("every code in the table is expected by a test", async (t) => {
  const folder = fileURLToPath(new URL("test/", PACKAGE_ROOT));
  const names = await readdir(folder, { recursive: true });
  const files = names.filter(
    (name) => name.endsWith(".test.ts") || /(malformed|bombs|refused)[\w-]*\.ts$/.test(name),
  );
  const expected = new Set<string>();
  for (const name of files) {
    const text = await readFile(`${folder}/${name}`, "utf8");
    const source = ts.createSourceFile(name, text, ts.ScriptTarget.ES2023, true);
    for (const code of expectedCodes(source)) expected.add(code);
  }
  t.deepEqual(
    Object.keys(ERROR_CODES).filter((code) => !expected.has(code)),
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

// Two works side by side.

const run = new AbortController().signal;

test("answers both results in their order", async (t) => {
  const both = await allOrAbort(
    run,
    () => delay(10, "a"),
    async () => 2,
  );
  t.deepEqual(both, ["a", 2]);
});

test("ends the other work when one fails, waits for its end, and throws the first failure", async (t) => {
  let ended = false;
  const slow = async (signal: AbortSignal) => {
    try {
      await delay(60_000, undefined, { signal });
    } finally {
      ended = true;
    }
  };
  const fails = () => Promise.reject(new Error("first"));
  await t.throwsAsync(allOrAbort(run, slow, fails), { message: "first" });
  t.true(ended);
  ended = false;
  await t.throwsAsync(allOrAbort(run, fails, slow), { message: "first" });
  t.true(ended);
});

test("ends both when the run is aborted", async (t) => {
  const stop = new AbortController();
  const work = (signal: AbortSignal) => delay(60_000, undefined, { signal });
  const running = allOrAbort(stop.signal, work, work);
  stop.abort();
  await t.throwsAsync(running, { name: "AbortError" });
});

// Suggestions for names that are nearly known.

test("suggests the closest known name", (t) => {
  t.is(suggest("sind", ["onnx", "simd", "reference"]), "simd");
});

test("suggests within a third of the letters, and within two for short names", (t) => {
  t.is(suggest("abcdefXYZ", ["abcdefghi"]), "abcdefghi");
  t.is(suggest("abcdeWXYZ", ["abcdefghi"]), undefined);
  t.is(suggest("smd", ["simd"]), "simd");
  t.is(suggest("xyd", ["simd"]), undefined);
});

test("suggests nothing where nothing is known", (t) => {
  t.is(suggest("simd", []), undefined);
});
