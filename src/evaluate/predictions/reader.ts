/** Reads a predictions file line by line, after its hash was checked. */
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Prediction, predictionSchema } from "#src/base/contracts/journal.js";
import type { PredictionsFormat } from "#src/base/contracts/run.js";
import { FileError } from "#src/base/errors.js";
import { checkLine, syntaxReason } from "#src/files/read-document.js";
import { openRegularFile, pathKind, readFault } from "#src/files/read-file.js";
import { jsonBloat } from "#src/files/scan-json.js";
import { isCsvHeader, parseCsvCells } from "./lines.js";

/** Longer than a line with 65,536 classes and their probabilities. */
const LONGEST_LINE_CHARACTERS = 2 ** 22;

/**
 * Yields the predictions in order. Memory holds one line. The file is read twice through one handle: first for its hash.
 *
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY; ERR_PREDICTIONS_HASH if the hash differs; ERR_PREDICTIONS_LINE with the first
 *   line that is not a prediction or is out of order
 */
export async function* readPredictions(
  path: string,
  expected: { readonly sha256: string; readonly format: PredictionsFormat },
): AsyncGenerator<Prediction> {
  const { handle } = await openRegularFile(path);
  try {
    const found = await sha256Of(path, handle);
    if (found !== expected.sha256) {
      throw new FileError("ERR_PREDICTIONS_HASH", { path, expected: expected.sha256, found });
    }
    yield* parsed(path, linesOf(path, handle), expected.format);
  } finally {
    await handle.close();
  }
}

async function* parsed(
  path: string,
  lines: AsyncIterable<string>,
  format: PredictionsFormat,
): AsyncGenerator<Prediction> {
  let number = 0;
  let header: readonly string[] | undefined;
  let lastIndex = -1;
  for await (const text of lines) {
    number++;
    const line = { path, line: number };
    if (format === "csv" && header === undefined) {
      header = text.split(",");
      if (!isCsvHeader(header))
        throw lineFault(line, "expected the columns index, label, prediction and so on");
      continue;
    }
    const prediction = checkLine(
      predictionSchema,
      header === undefined ? parseJsonLine(text, line) : parseCsvLine(text, header, line),
      line,
    );
    // A run that ended early may lack images.
    if (prediction.index <= lastIndex) {
      throw lineFault(line, `index: expected more than ${lastIndex}, found ${prediction.index}`);
    }
    lastIndex = prediction.index;
    yield prediction;
  }
}

async function sha256Of(path: string, handle: FileHandle): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of piecesOf(path, handle)) hash.update(piece);
  return hash.digest("hex");
}

/** All of the file, from its start. */
async function* piecesOf(path: string, handle: FileHandle): AsyncGenerator<Buffer> {
  try {
    yield* handle.createReadStream({ start: 0, autoClose: false });
  } catch (error) {
    throw readFault(path, error);
  }
}

/** Lines without their line feeds; the last line may lack one. */
async function* linesOf(path: string, handle: FileHandle): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  let number = 1;
  for await (const piece of piecesOf(path, handle)) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    number += lines.length;
    if (rest.length > LONGEST_LINE_CHARACTERS) throw lineFault({ path, line: number }, "it is too long");
    yield* lines;
  }
  if (rest !== "") yield rest;
}

function parseJsonLine(text: string, line: LinePlace): unknown {
  const problem = jsonBloat(text);
  if (problem !== undefined) throw lineFault(line, problem);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw lineFault(line, syntaxReason(error));
  }
}

function parseCsvLine(text: string, header: readonly string[], line: LinePlace): unknown {
  const cells = text.split(",");
  if (cells.length === header.length) return parseCsvCells(cells, header);
  throw lineFault(line, `expected ${header.length} cells, found ${cells.length}`);
}

interface LinePlace {
  readonly path: string;
  readonly line: number;
}

function lineFault(place: LinePlace, problem: string): FileError {
  return new FileError("ERR_PREDICTIONS_LINE", { ...place, problem });
}

/**
 * Finds the file at the path of the result, or beside the result if both were moved.
 *
 * @throws FileError ERR_FILE_READ
 */
export async function findPredictions(path: string, resultPath: string): Promise<string> {
  if ((await pathKind(path)) === "file") return path;
  const beside = join(dirname(resultPath), basename(path));
  if ((await pathKind(beside)) === "file") return beside;
  throw new FileError("ERR_FILE_READ", {
    path,
    reason: "no such file, and none of this name beside the result",
  });
}
