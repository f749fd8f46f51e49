/** The JSON Schemas that the package publishes, as another program's validator reads them. */
import { readFileSync } from "node:fs";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { PACKAGE_ROOT } from "#src/base/package.js";

export const PUBLISHED_SCHEMAS = [
  "architecture",
  "benchmark",
  "checks",
  "checks-report",
  "sets-report",
  "comparison",
  "config",
  "diagnosis",
  "journal",
  "manifest",
  "prediction",
  "result",
] as const;
export type PublishedSchema = (typeof PUBLISHED_SCHEMAS)[number];

const checks = new Map<PublishedSchema, ValidateFunction>();

function compile(name: PublishedSchema): ValidateFunction {
  const schema = JSON.parse(readFileSync(new URL(`schemas/${name}.schema.json`, PACKAGE_ROOT), "utf8"));
  return new Ajv2020({ allErrors: true }).compile(schema);
}

/** What is wrong with the document, by the schema of that name; nothing where it is right. */
export function validate(name: PublishedSchema, document: unknown): string[] {
  const check = checks.get(name) ?? compile(name);
  checks.set(name, check);
  check(document);
  return (check.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}
