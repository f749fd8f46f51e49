/** Reads the JSON of an evaluation, which `--output result.json` wrote, for `--baseline`, `report` and `compare`. */
import type { ResultFile } from "#src/base/contracts/result.js";
import { FileError } from "#src/base/errors.js";
import { checkDocument, readJson } from "#src/files/read-document.js";

/**
 * Returns the result without `predictions`.
 *
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_JSON_SYNTAX; ERR_RESULT_VERSION if a later Batchwise wrote the file;
 *   ERR_JSON_SHAPE if it is not a result
 */
export async function readResult(path: string): Promise<ResultFile> {
  // No reader of results uses the predictions, of which there may be millions.
  const document = await readJson(path, { without: "predictions" });
  const { resultSchema, SCHEMA_VERSION } = await import("#src/base/contracts/result.js");
  const found = versionOf(document);
  if (found !== undefined && found > SCHEMA_VERSION) {
    throw new FileError("ERR_RESULT_VERSION", { path, expected: SCHEMA_VERSION, found });
  }
  const what = "a result that --output RESULT.json wrote";
  const { predictions: _, ...result } = checkDocument(resultSchema, document, { path, what });
  return result;
}

/** Returns the document's schema version, or undefined if it has no number there. */
function versionOf(document: unknown): number | undefined {
  if (typeof document !== "object" || document === null || !("schemaVersion" in document)) return undefined;
  return typeof document.schemaVersion === "number" ? document.schemaVersion : undefined;
}
