/** Writes the JSON Schemas that the package publishes, from the schemas that check files as they are read. */
import { mkdir, writeFile } from "node:fs/promises";
import * as z from "zod";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { configSchema } from "#src/cli/schemas/config.js";
import { manifestSchema } from "#src/data/schemas/manifest.js";
import { checksSchema } from "#src/evaluate/schemas/checks.js";
import { resultSchema } from "#src/evaluate/schemas/result.js";

const SCHEMAS = {
  checks: checksSchema,
  config: configSchema,
  manifest: manifestSchema,
  result: resultSchema,
};

const folder = new URL("schemas/", PACKAGE_ROOT);
await mkdir(folder, { recursive: true });
for (const [name, schema] of Object.entries(SCHEMAS)) {
  const file = `${name}.schema.json`;
  // An $id of its own name only: where the package lies is known to its reader, not to us.
  const document = { $id: file, ...z.toJSONSchema(schema, { target: "draft-2020-12" }) };
  await writeFile(new URL(file, folder), `${JSON.stringify(document, null, 2)}\n`);
}
