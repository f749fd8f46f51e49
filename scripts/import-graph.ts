/** Which file imports which, read from the code with TypeScript's own parser; files are grouped into rooms. */
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, normalize } from "node:path/posix";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { PACKAGE_ROOT } from "../src/package-root.js";

/** `type` costs nothing at run time; `lazy` is an `import()`, loaded when it is first needed. */
export type ImportKind = "value" | "lazy" | "type";

export interface FileImport {
  /** Paths from the package's folder, with `/` between. */
  readonly from: string;
  readonly to: string;
  readonly kind: ImportKind;
}

export interface ImportGraph {
  readonly files: readonly string[];
  readonly imports: readonly FileImport[];
}

const FOLDERS = ["src", "workers"];
/** Built by themselves: AssemblyScript for WebAssembly, and the report's page for a browser. */
const isBuiltApart = (path: string) => path.endsWith(".as.ts") || path.startsWith("src/reports/html/page/");

export async function readImportGraph(): Promise<ImportGraph> {
  const files = (await Promise.all(FOLDERS.map(typeScriptFiles))).flat().sort();
  const imports = await Promise.all(
    files.map(async (path) => importsOf(path, await readFile(new URL(path, PACKAGE_ROOT), "utf8"))),
  );
  return { files, imports: imports.flat() };
}

async function typeScriptFiles(folder: string): Promise<string[]> {
  const names = await readdir(fileURLToPath(new URL(folder, PACKAGE_ROOT)), { recursive: true });
  return names
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts") && !isBuiltApart(path));
}

/** Of a source's text, the imports of files of ours; packages and Node's own modules are left out. */
export function importsOf(path: string, text: string): FileImport[] {
  const found: FileImport[] = [];
  const add = (specifier: ts.Node | undefined, kind: ImportKind) => {
    if (specifier === undefined || !ts.isStringLiteral(specifier) || !specifier.text.startsWith(".")) return;
    const to = normalize(join(dirname(path), specifier.text)).replace(/\.js$/, ".ts");
    found.push({ from: path, to, kind });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier, isTypeOnly(node) ? "type" : "value");
    } else if (ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier, node.isTypeOnly ? "type" : "value");
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], "lazy");
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, "type");
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.ES2023));
  return found;
}

/** `verbatimModuleSyntax` drops an import where its clause is a type's, and keeps one of nothing but `type` names. */
function isTypeOnly({ importClause }: ts.ImportDeclaration): boolean {
  return importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}

/** Files that import each other in a ring, `import()` included, types left out; the first ring found, or undefined. */
export function findCircle({ files, imports }: ImportGraph): readonly string[] | undefined {
  const targets = new Map<string, string[]>();
  for (const { from, to, kind } of imports) {
    if (kind !== "type") targets.set(from, [...(targets.get(from) ?? []), to]);
  }
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): readonly string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    path.push(file);
    for (const to of targets.get(file) ?? []) {
      const circle = visit(to);
      if (circle !== undefined) return circle;
    }
    path.pop();
    done.add(file);
    return undefined;
  };
  for (const file of files) {
    const circle = visit(file);
    if (circle !== undefined) return circle;
  }
  return undefined;
}
