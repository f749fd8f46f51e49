/** Gives each malformed file, and each bomb, to the command line or the reader that it is for: what does a user see? */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import { execPath, platform } from "node:process";
import type { PredictionsFormat } from "#src/base/contracts/journal.js";
import { BatchwiseError } from "#src/base/errors.js";
import { FIXTURES } from "#src/base/package.js";
import { doneOf, readJournal } from "#src/evaluate/journal/read.js";
import { readPredictions } from "#src/evaluate/predictions/reader.js";
import { encodeSafetensors } from "#src/networks/safetensors.js";
import { allOf } from "./all-of.js";
import { BOMBS } from "./bombs.js";
import { CLI } from "./cli.js";
import { randomNetwork } from "./random.js";
import { SAMPLE_HEADER } from "./sample-run.js";

export interface NamedRow {
  readonly name: string;
  readonly bytes: number;
  /** Of the process; of a reader that is asked by itself, what its error ends a process with. */
  readonly status: number | null;
  /** All that was said: one line. */
  readonly said: string;
  /** Of the process at its peak; undefined where no process was started, or the system does not tell. */
  readonly peakBytes: number | undefined;
}

const FOLDER = new URL("malformed/", FIXTURES);

/** Fits the images of malformed files, so that their own faults are what is found. */
const SIX_PIXELS = "six-pixels.safetensors";
const OF_SIX_PIXELS = ["--no-config", "--no-labels", "--weights", SIX_PIXELS];

/** What is typed for a file of the ending. */
const COMMANDS: readonly (readonly [ending: string, args: (name: string) => readonly string[]])[] = [
  [".idx", (name) => [...OF_SIX_PIXELS, "--dataset", name]],
  [".idx.gz", (name) => [...OF_SIX_PIXELS, "--dataset", name]],
  [".streamed.json", (name) => [...OF_SIX_PIXELS, "--quiet", "--dataset", name]],
  [".config.json", (name) => ["--config", name]],
  [".checks.json", (name) => ["check", name]],
  [".result.json", (name) => ["--no-config", "--baseline", name]],
  [".manifest.json", (name) => ["--no-config", "--dataset", name]],
  [".part.json", (name) => ["merge", name]],
  [".names.txt", (name) => ["--no-config", "--classes", name]],
  [".png", (name) => ["predict", name]],
  // In a folder of arrays it is the first.
  [".npy", (name) => ["--no-config", "--weights", `${name}-folder`]],
  ...[".npz", ".pkl", ".safetensors", ".onnx"].map(
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

/** One after the other, so that none is measured beside another. */
export async function* namedFiles(): AsyncGenerator<NamedRow> {
  const folder = await mkdtemp(join(tmpdir(), "batchwise-named-"));
  try {
    const names = (await readdir(FOLDER)).filter((name) => name !== "make.ts" && name !== "README.md");
    await writeFile(join(folder, SIX_PIXELS), encodeSafetensors(randomNetwork([6, 2])));
    for (const name of names.sort()) {
      await copyFile(new URL(name, FOLDER), join(folder, name));
      yield await rowOf(folder, name);
    }
    for (const [name, { make }] of Object.entries(BOMBS)) {
      await writeFile(join(folder, name), make());
      yield await rowOf(folder, name);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The most memory of a run that is over before it reads anything. */
export async function baselinePeak(): Promise<number | undefined> {
  const { peakBytes } = await run(tmpdir(), ["--no-config", "--weights", "there-is-none.npz"]);
  return peakBytes;
}

async function rowOf(folder: string, name: string): Promise<NamedRow> {
  const path = join(folder, name);
  const { size: bytes } = await stat(path);
  const read = READERS.find(([ending]) => name.endsWith(ending))?.[1];
  if (read !== undefined) return { name, bytes, ...inFolder(folder, await refusal(read(path))) };
  if (name.endsWith(".npy")) {
    await mkdir(`${path}-folder`);
    await copyFile(path, join(`${path}-folder`, "W1.npy"));
  }
  const args = COMMANDS.find(([ending]) => name.endsWith(ending))?.[1](name);
  if (args === undefined) throw new Error(`${name}: no command is known for it`);
  return { name, bytes, ...inFolder(folder, await run(folder, args)) };
}

type Outcome = Pick<NamedRow, "status" | "said" | "peakBytes">;

/** As it is told of files that are named from there. */
function inFolder(folder: string, outcome: Outcome): Outcome {
  return { ...outcome, said: outcome.said.replace(`${folder}${sep}`, "") };
}

async function refusal(reading: Promise<unknown>): Promise<Outcome> {
  try {
    await reading;
    return { status: 0, said: "", peakBytes: undefined };
  } catch (error) {
    if (!(error instanceof BatchwiseError)) throw error;
    const said = `batchwise: ${error.code}: ${error.message}`;
    return { status: error.exitStatus, said, peakBytes: undefined };
  }
}

/** Writes Linux's VmHWM to the descriptor 3 at the end; `maxRSS` would not do, since it is inherited. */
const TELL_PEAK = `data:text/javascript,${encodeURIComponent(`
  import { readFileSync, writeFileSync } from "node:fs";
  process.once("exit", () => writeFileSync(3, /VmHWM:\\s*(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]));
`)}`;

function run(cwd: string, args: readonly string[]): Promise<Outcome> {
  const onLinux = platform === "linux";
  return new Promise((resolve, reject) => {
    const child = spawn(execPath, [...(onLinux ? ["--import", TELL_PEAK] : []), CLI, ...args], {
      cwd,
      env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined },
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    });
    const texts = ["", "", "", ""];
    for (const [n, stream] of child.stdio.entries()) {
      stream?.on("data", (piece) => {
        texts[n] += piece;
      });
    }
    child.once("error", reject);
    child.once("close", (status) => {
      const [, stdout, stderr, peak] = texts;
      resolve({
        status,
        said: `${stdout}${stderr}`.trimEnd(),
        peakBytes: onLinux ? 1024 * Number(peak) : undefined,
      });
    });
  });
}
