/** The process of named-files.ts: its arguments are files of the working directory. */

import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { argv } from "node:process";
import type { PredictionsFormat } from "#src/base/contracts/run.js";
import { BatchwiseError } from "#src/base/errors.js";
import { main } from "#src/cli/main.js";
import { doneOf, readJournal } from "#src/evaluate/journal/read.js";
import { readPredictions } from "#src/evaluate/predictions/reader.js";
import { peakBytes, resetPeak } from "../fuzz/peak-memory.js";
import { allOf } from "./all-of.js";
import { caughtStderr } from "./caught-stderr.js";
import type { NamedOutcome } from "./named-files.js";
import { SAMPLE_HEADER } from "./sample-run.js";

/** Fits the images of malformed files, so that their own faults are what is found. */
export const SIX_PIXELS = "six-pixels.safetensors";
const OF_SIX_PIXELS = ["--no-config", "--quiet", "--no-labels", "--weights", SIX_PIXELS];

const setOf = (name: string) => ["--no-config", "--quiet", "--weights", SIX_PIXELS, "--dataset", name];

/** What is typed for a file of the ending. */
const COMMANDS: readonly (readonly [ending: string, args: (name: string) => readonly string[]])[] = [
  [".idx", (name) => [...OF_SIX_PIXELS, "--dataset", name]],
  [".idx.gz", (name) => [...OF_SIX_PIXELS, "--dataset", name]],
  [".streamed.json", (name) => [...OF_SIX_PIXELS, "--dataset", name]],
  [".config.json", (name) => ["--config", name]],
  [".checks.json", (name) => ["check", name]],
  [".result.json", (name) => ["--no-config", "--baseline", name]],
  ...["npz", "npy", "pkl", "parquet", "bin"].map((ending) => [`.set.${ending}`, setOf] as const),
  [".set.csv", (name) => [...setOf(name), "--image-shape", "2x3"]],
  [".manifest.json", (name) => ["--no-config", "--dataset", name]],
  [".part.json", (name) => ["merge", name]],
  [".names.txt", (name) => ["--no-config", "--classes", name]],
  ...[".png", ".jpg"].map((ending) => [ending, (name: string) => ["predict", name]] as const),
  // In a folder of arrays it is the first.
  ...[".npy", ".weights.csv"].map(
    (ending) => [ending, (name: string) => ["--no-config", "--weights", `${name}-folder`]] as const,
  ),
  ...[".npz", ".pkl", ".safetensors", ".onnx", ".pt", ".pth", ".h5", ".keras", ".weights.json"].map(
    (ending) => [ending, (name: string) => ["--no-config", "--weights", name]] as const,
  ),
];

/** What a whole run would have to be there for. */
const READERS: readonly (readonly [ending: string, read: (path: string) => Promise<unknown>])[] = [
  [".journal", readDone],
  [".ndjson", (path) => allPredictions(path, "ndjson")],
  [".csv", (path) => allPredictions(path, "csv")],
];

async function readDone(path: string): Promise<unknown> {
  const { lines } = readJournal(path, await readFile(path), SAMPLE_HEADER);
  return doneOf(path, SAMPLE_HEADER.range, lines);
}

async function allPredictions(path: string, format: PredictionsFormat): Promise<unknown> {
  const sha256 = createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
  return allOf(readPredictions(path, { sha256, format }));
}

type Outcome = Omit<NamedOutcome, "growthBytes" | "cpuMs">;

async function outcomeOf(name: string): Promise<Outcome> {
  const args = COMMANDS.find(([ending]) => name.endsWith(ending))?.[1](name);
  if (args !== undefined) return run(args);
  const read = READERS.find(([ending]) => name.endsWith(ending))?.[1];
  if (read === undefined) throw new Error(`${name}: no command is known for it`);
  return refusal(read(name));
}

async function makeFolder(name: string): Promise<void> {
  if (!/\.(npy|weights\.csv)$/.test(name)) return;
  await mkdir(`${name}-folder`);
  await copyFile(name, join(`${name}-folder`, `W1${extname(name)}`));
}

/** Loads the code that reads such files, so that none of them is measured with it. */
async function warmUp(names: readonly string[]): Promise<void> {
  for (const [ending] of [...COMMANDS, ...READERS]) {
    const name = names.find((known) => known.endsWith(ending));
    if (name !== undefined) await outcomeOf(name);
  }
}

async function refusal(reading: Promise<unknown>): Promise<Outcome> {
  try {
    await reading;
    return { status: 0, said: "" };
  } catch (error) {
    if (!(error instanceof BatchwiseError)) throw error;
    return { status: error.exitStatus, said: `batchwise: ${error.code}: ${error.message}` };
  }
}

async function run(args: readonly string[]): Promise<Outcome> {
  let answer = "";
  const { result: status, said } = await caughtStderr(() =>
    main(args, new AbortController().signal, (text) => {
      answer += text;
    }),
  );
  return { status, said: `${answer}${said}`.trimEnd() };
}

// named-files.ts imports the name of a file from here, in a process of its own.
if (process.send !== undefined && argv[1]?.endsWith("named-child.js")) {
  const names = argv.slice(2);
  for (const name of names) await makeFolder(name);
  await warmUp(names);
  for (const name of names) {
    globalThis.gc?.();
    globalThis.gc?.();
    const beforeBytes = resetPeak();
    const before = process.cpuUsage();
    const outcome = await outcomeOf(name);
    const { user, system } = process.cpuUsage(before);
    process.send({
      ...outcome,
      cpuMs: (user + system) / 1000,
      growthBytes: Math.max(0, peakBytes() - beforeBytes),
    });
  }
  process.disconnect();
}
