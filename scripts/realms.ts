/** The rule that keeps the code whole inside Jest, Vitest and node:vm: no check of a class that each realm has of its own. */
import { readFile } from "node:fs/promises";
import ts from "typescript";
import { PACKAGE_ROOT } from "#src/base/package.js";

const ADVICE = "use a function of src/base/realm.ts";

/** Returns one line per `instanceof` whose class is a global or is not known by name, and per `Buffer.isBuffer`. */
export function realmFaults(path: string, text: string): string[] {
  const faults: string[] = [];
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023);
  const add = (node: ts.Node, found: string) => {
    const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
    faults.push(`${path}:${line + 1}: ${found} is false for values of another realm; ${ADVICE}`);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword) {
      const name = node.right.getText(source);
      if (!/^[A-Z]\w*$/.test(name) || name in globalThis) add(node, `instanceof ${name}`);
    } else if (ts.isPropertyAccessExpression(node) && node.getText(source) === "Buffer.isBuffer") {
      add(node, "Buffer.isBuffer");
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return faults;
}

/** The same for files of the package, by their paths in it. */
export async function realmFaultsIn(files: readonly string[]): Promise<string[]> {
  const faults = files.map(async (path) =>
    realmFaults(path, await readFile(new URL(path, PACKAGE_ROOT), "utf8")),
  );
  return (await Promise.all(faults)).flat();
}
