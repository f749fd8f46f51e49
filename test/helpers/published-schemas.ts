/** The JSON Schemas that the package publishes, as another's validator understands them. */
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { PACKAGE_ROOT } from "#src/base/package.js";

/** What is wrong with the document, by the schema of that name; nothing where it is right. */
export function validate(name: "checks" | "config" | "manifest" | "result", document: unknown): string[] {
  const schema = JSON.parse(readFileSync(new URL(`schemas/${name}.schema.json`, PACKAGE_ROOT), "utf8"));
  const check = new Ajv2020({ allErrors: true }).compile(schema);
  check(document);
  return (check.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}
