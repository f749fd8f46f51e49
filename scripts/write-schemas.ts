/**
 * Writes the JSON Schemas that the package publishes, from the schemas that check our documents. The descriptions of fields
 * are the doc comments of the contracts: TypeScript's checker finds them on the inferred types.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import * as z from "zod";
import { benchmarkSchema } from "#src/base/contracts/bench.js";
import { checksReportSchema, setsReportSchema } from "#src/base/contracts/checks.js";
import { comparisonSchema } from "#src/base/contracts/comparison.js";
import { diagnosisFileSchema } from "#src/base/contracts/diagnosis.js";
import { journalSchema, predictionSchema } from "#src/base/contracts/journal.js";
import { resultSchema } from "#src/base/contracts/result.js";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { configSchema } from "#src/cli/config/read.js";
import { manifestSchema } from "#src/data/schemas/manifest.js";
import { checksSchema } from "#src/evaluate/check/suite-schema.js";
import { architectureSchema } from "#src/networks/architecture/schema.js";

/** Schemas whose fields are described in the schema itself. */
const OPTIONS = {
  architecture: architectureSchema,
  checks: checksSchema,
  config: configSchema,
  manifest: manifestSchema,
};

/** Schemas whose fields are described by the doc comments of an interface: the contract's file, and the interface. */
const DOCUMENTS: Readonly<Record<string, readonly [schema: z.ZodType, file: string, name: string]>> = {
  result: [resultSchema, "result", "ResultFile"],
  benchmark: [benchmarkSchema, "bench", "Benchmark"],
  "checks-report": [checksReportSchema, "checks", "ChecksFile"],
  "sets-report": [setsReportSchema, "checks", "SetsFile"],
  comparison: [comparisonSchema, "comparison", "Comparison"],
  diagnosis: [diagnosisFileSchema, "diagnosis", "DiagnosisFile"],
  journal: [journalSchema, "journal", "JournalHeader | JournalLine"],
  prediction: [predictionSchema, "journal", "Prediction"],
};

type Schema = z.core.JSONSchema.BaseSchema;

const folder = new URL("schemas/", PACKAGE_ROOT);
await mkdir(folder, { recursive: true });
for (const [name, schema] of Object.entries(OPTIONS)) await publish(name, jsonSchemaOf(schema));
const paths = [...new Set(Object.values(DOCUMENTS).map(([, file]) => contractPath(file)))];
const program = ts.createProgram(paths, {
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ES2023,
  strict: true,
  skipLibCheck: true,
  noEmit: true,
  types: [],
});
const checker = program.getTypeChecker();
for (const [name, [schema, file, types]] of Object.entries(DOCUMENTS)) {
  const document = jsonSchemaOf(schema);
  const found = types.split(" | ").map((type) => declaredType(contractPath(file), type));
  describe(document, found);
  await publish(name, document);
}

function jsonSchemaOf(schema: z.ZodType): Schema {
  return z.toJSONSchema(schema, { target: "draft-2020-12" });
}

async function publish(name: string, schema: Schema): Promise<void> {
  const file = `${name}.schema.json`;
  // The $id is a bare name: only a reader knows where the package is installed.
  await writeFile(new URL(file, folder), `${JSON.stringify({ $id: file, ...schema }, null, 2)}\n`);
}

function contractPath(file: string): string {
  return fileURLToPath(new URL(`src/base/contracts/${file}.ts`, PACKAGE_ROOT));
}

function declaredType(path: string, name: string): ts.Type {
  const source = program.getSourceFile(path);
  const file = source && checker.getSymbolAtLocation(source);
  const symbol = file && checker.getExportsOfModule(file).find((one) => one.name === name);
  if (symbol === undefined) throw new Error(`${path}: expected the interface ${name}, found none`);
  return checker.getDeclaredTypeOfSymbol(symbol);
}

/** Adds the doc comment of each property, at every depth. Alternatives share `types`: a key means the same in all of them. */
function describe(schema: Schema, types: readonly ts.Type[]): void {
  for (const branch of alternatives(schema)) {
    for (const [key, field] of Object.entries(branch.properties ?? {})) {
      if (typeof field === "boolean") continue;
      const symbols = types
        .filter((type) => fits(type, branch))
        .flatMap((type) => type.getProperty(key) ?? []);
      const text = symbols.map((symbol) => commentOf(symbol)).find((comment) => comment !== "");
      if (text !== undefined) field.description ??= text;
      describe(
        field,
        symbols.flatMap((symbol) => constituents(checker.getTypeOfSymbol(symbol))),
      );
    }
    const { items } = branch;
    if (typeof items !== "object" || Array.isArray(items)) continue;
    describe(
      items,
      types.flatMap((type) => constituents(checker.getIndexTypeOfType(type, ts.IndexKind.Number))),
    );
  }
}

function alternatives(schema: Schema): readonly Schema[] {
  const branches = schema.anyOf ?? schema.oneOf;
  return branches === undefined ? [schema] : branches.flatMap(alternatives);
}

/** Whether the type has every required key of the schema: tells the alternatives of a union from each other. */
function fits(type: ts.Type, { required = [] }: Schema): boolean {
  return required.every((key) => type.getProperty(key) !== undefined);
}

function constituents(type: ts.Type | undefined): readonly ts.Type[] {
  if (type === undefined) return [];
  return type.isUnion() ? type.types : [type];
}

function commentOf(symbol: ts.Symbol): string {
  return ts.displayPartsToString(symbol.getDocumentationComment(checker)).replace(/\s+/g, " ");
}
