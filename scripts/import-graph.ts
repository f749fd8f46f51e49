/** Which file imports which, read from the code with TypeScript's own parser; files are grouped into rooms. */
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, normalize } from "node:path/posix";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { PACKAGE_ROOT } from "#src/base/package.js";

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

const FOLDERS = ["src", "workers", "page"];
/** AssemblyScript, built by its own compiler to WebAssembly. */
const isBuiltApart = (path: string) => path.endsWith(".as.ts");

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

/** Finds the imports of our own files in a source text; packages and Node's modules are left out. */
export function importsOf(path: string, text: string): FileImport[] {
  const found: FileImport[] = [];
  const add = (specifier: ts.Node | undefined, kind: ImportKind) => {
    if (specifier === undefined || !ts.isStringLiteral(specifier)) return;
    const to = pathOf(path, specifier.text);
    if (to !== undefined) found.push({ from: path, to, kind });
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

function pathOf(from: string, specifier: string): string | undefined {
  if (specifier.startsWith("#src/")) return specifier.replace("#src/", "src/").replace(/\.js$/, ".ts");
  if (!specifier.startsWith(".")) return undefined;
  return normalize(join(dirname(from), specifier)).replace(/\.js$/, ".ts");
}

/** `verbatimModuleSyntax` drops an import where its clause is a type's, and keeps one of nothing but `type` names. */
function isTypeOnly({ importClause }: ts.ImportDeclaration): boolean {
  return importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}

/** Returns the first circle of files that import each other, `import()` and types included, or undefined. */
export function findCircle({ files, imports }: ImportGraph): readonly string[] | undefined {
  const targets = new Map<string, string[]>();
  for (const { from, to } of imports) targets.set(from, [...(targets.get(from) ?? []), to]);
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
