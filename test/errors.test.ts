import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import test from "ava";
import ts from "typescript";
import { BatchwiseError, DatasetError, ERROR_CODES, RunError, reasonOf } from "#src/base/errors.js";
import { PACKAGE_ROOT } from "#src/base/package.js";

/** Codes that are expected: within an assertion's arguments, as a `code` to be found, or in a table of a test. */
function expectedCodes(source: ts.Node): readonly string[] {
  const codes: string[] = [];
  function visit(node: ts.Node, isExpected: boolean): void {
    if (isExpected && (ts.isStringLiteralLike(node) || ts.isRegularExpressionLiteral(node))) {
      codes.push(...(node.text.match(/\bERR_[A-Z0-9_]+\b/g) ?? []));
    }
    // An error that a test makes itself is no expectation.
    const inside = !ts.isNewExpression(node) && (isExpected || expects(node));
    ts.forEachChild(node, (child) => visit(child, inside));
  }
  visit(source, false);
  return codes;
}

function expects(node: ts.Node): boolean {
  if (ts.isCallExpression(node)) {
    const [first] = node.arguments;
    return /^t\.\w+/.test(node.expression.getText()) || (first !== undefined && first.getText() === "t");
  }
  if (ts.isPropertyAssignment(node)) return node.name.getText() === "code";
  const isTable = (value: ts.Node | undefined): boolean =>
    value !== undefined &&
    (ts.isAsExpression(value)
      ? isTable(value.expression)
      : ts.isArrayLiteralExpression(value) || ts.isObjectLiteralExpression(value));
  if (ts.isForOfStatement(node)) return isTable(node.expression);
  return ts.isVariableDeclaration(node) && isTable(node.initializer);
}

test("every code in the table is expected by a test", async (t) => {
  const folder = fileURLToPath(new URL("test/", PACKAGE_ROOT));
  const names = await readdir(folder, { recursive: true });
  const files = names.filter((name) => name.endsWith(".test.ts") || /^helpers\/(malformed|bombs)/.test(name));
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
