/** Reads the JSON of an evaluation that `--output result.json` has written. */
import { FileError } from "#src/base/errors.js";
import { checkDocument, readJson } from "#src/files/schemas/read-document.js";
import { type ResultFile, resultSchema, SCHEMA_VERSION } from "./result.js";

/**
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_JSON_SYNTAX; ERR_RESULT_VERSION where a later Batchwise wrote it;
 *   ERR_JSON_SHAPE where it is no result
 */
export async function readResult(path: string): Promise<ResultFile> {
  const document = await readJson(path);
  const found = versionOf(document);
  if (found !== undefined && found > SCHEMA_VERSION) {
    throw new FileError("ERR_RESULT_VERSION", { path, expected: SCHEMA_VERSION, found });
  }
  return checkDocument(resultSchema, document, { path, what: "a result that --output RESULT.json wrote" });
}

function versionOf(document: unknown): number | undefined {
  if (typeof document !== "object" || document === null || !("schemaVersion" in document)) return undefined;
  return typeof document.schemaVersion === "number" ? document.schemaVersion : undefined;
}
