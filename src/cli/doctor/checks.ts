import { readFileSync } from "node:fs";
import { access, constants, readdir, readFile, stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import process, { versions } from "node:process";
import type { Dataset } from "#src/base/contracts/dataset.js";
import { ENGINES, type EngineName } from "#src/base/contracts/engine.js";
import type { Evaluation } from "#src/base/contracts/result.js";
import { grouped } from "#src/base/errors/define.js";
import { QUEUE_INSTALL_COMMAND } from "#src/base/errors/queue-codes.js";
import { onnxInstallCommand } from "#src/base/errors/run-codes.js";
import { asError, atLeast, BatchwiseError, reasonOf } from "#src/base/errors.js";
import { cpuText, FIXTURES, installedVersion, requiredNode } from "#src/base/package.js";
import { codeOf } from "#src/base/realm.js";
import type { ColourLevel } from "#src/cli/terminal/paint.js";
import { openDataset } from "#src/data/registry.js";
import { hasWebAssembly, KERNEL_URL } from "#src/engines/simd/engine.js";
import { evaluate } from "#src/evaluate/evaluate.js";
import {
  CACHE_VARIABLE,
  CATALOG,
  type CatalogEntry,
  cacheFolder,
  folderOf,
  type RemoteFile,
} from "#src/files/catalog.js";
import { sha256OfFile } from "#src/files/hash.js";

/** Checks of `batchwise doctor`: the machine, the cache, the engines, the optional packages. */

/**
 * - `ok`: works.
 * - `absent`: an optional package that is not installed; no fault.
 * - `warning`: works in part, or fails without need.
 * - `failed`: should work and does not.
 */
export type CheckState = "ok" | "absent" | "warning" | "failed";

/** Colours the word of a state. */
export type PaintState = (state: CheckState, word: string) => string;

export interface Check {
  readonly name: string;
  readonly state: CheckState;
  readonly found: string;
  /** What to do about it. */
  readonly advice?: string;
}

export interface Diagnosis {
  readonly version: string;
  /** Nothing has failed. */
  readonly healthy: boolean;
  readonly checks: readonly Check[];
}

export interface OptionalPart {
  readonly name: string;
  readonly purpose: string;
  readonly install: string;
}

export const ONNX_PART: OptionalPart = {
  name: "onnxruntime-node",
  purpose: "for --engine onnx",
  install: onnxInstallCommand("onnxruntime-node"),
};

const REDIS_PURPOSE = "for work on many machines";
export const OPTIONAL_PARTS: readonly OptionalPart[] = [
  ONNX_PART,
  { name: "bullmq", purpose: REDIS_PURPOSE, install: QUEUE_INSTALL_COMMAND },
  { name: "ioredis", purpose: REDIS_PURPOSE, install: QUEUE_INSTALL_COMMAND },
];

export function isInstalled({ name }: OptionalPart): boolean {
  return installedVersion(name) !== undefined;
}

export function checkPart({ name, purpose, install }: OptionalPart): Check {
  const version = installedVersion(name);
  return version === undefined
    ? { name, state: "absent", found: `not installed, ${purpose}`, advice: install }
    : { name, state: "ok", found: `${version}, ${purpose}` };
}

const MEGABYTE = 1_000_000;

/** Checks the folder of downloads: whether it can be written, and which entries of the catalogue it holds whole. */
export async function checkCache(
  folder: string = cacheFolder(),
  catalog: ReadonlyMap<string, CatalogEntry> = CATALOG,
): Promise<Check[]> {
  // One entry for each folder: EMNIST's splits share theirs.
  const entries = new Map([...catalog.values()].map((entry) => [folderOf(entry), entry]));
  return Promise.all([
    checkFolder(folder),
    ...[...entries].map(([name, entry]) => checkEntry(name, entry, join(folder, name))),
  ]);
}

async function checkFolder(folder: string): Promise<Check> {
  const bytes = await bytesIn(folder);
  const size = bytes === undefined ? "not there yet" : `${(bytes / MEGABYTE).toFixed(1)} MB`;
  const row = { name: "Cache", found: `${folder}, ${size}` };
  if (await isWritable(folder)) return { ...row, state: "ok", found: `${row.found}, writable` };
  return {
    ...row,
    // The bundled set is evaluated without the cache.
    state: "warning",
    found: `${row.found}, not writable`,
    advice: `name another folder in ${CACHE_VARIABLE}`,
  };
}

/** Returns whether the folder can be written, or made: then the nearest folder above can be written. */
async function isWritable(folder: string): Promise<boolean> {
  // Node's permission model forbids what the system would allow.
  if (process.permission?.has("fs.write", folder) === false) return false;
  try {
    await access(folder, constants.W_OK);
    return (await stat(folder)).isDirectory();
  } catch (error) {
    const isAbsent = codeOf(error) === "ENOENT" && folder !== dirname(folder);
    return isAbsent && isWritable(dirname(folder));
  }
}

async function bytesIn(folder: string): Promise<number | undefined> {
  const names = await readdir(folder, { recursive: true }).catch(() => undefined);
  if (names === undefined) return undefined;
  const sizes = await Promise.all(
    names.map(async (name) => {
      // Another run may have renamed the part meanwhile.
      const stats = await stat(join(folder, name)).catch(() => undefined);
      return stats?.isFile() ? stats.size : 0;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function checkEntry(title: string, entry: CatalogEntry, folder: string): Promise<Check> {
  const { files } = entry;
  const name = `Download ${title}`;
  const states = await Promise.all(files.map((file) => stateOf(file, join(folder, file.name))));
  const advice = `batchwise fetch ${entry.name}`;
  const damaged = files.filter((_, n) => states[n] === "damaged").map((file) => file.name);
  if (damaged.length > 0) return { name, state: "warning", found: `damaged: ${damaged.join(", ")}`, advice };
  const whole = states.filter((state) => state === "whole").length;
  if (whole === 0) return { name, state: "absent", found: "not downloaded", advice };
  const found = `${whole} of ${files.length} files, verified by SHA-256`;
  return { name, state: "ok", found, ...(whole < files.length && { advice }) };
}

async function stateOf({ bytes, sha256 }: RemoteFile, path: string): Promise<"absent" | "whole" | "damaged"> {
  const stats = await stat(path).catch(() => undefined);
  if (stats === undefined) return "absent";
  if (stats.size !== bytes) return "damaged";
  return (await sha256OfFile(path).catch(() => undefined)) === sha256 ? "whole" : "damaged";
}

/** Answer of NumPy, computed outside of this program: see fixtures/reference/make.py. */
const EXPECTED = new URL("reference/bundled-summary.json", FIXTURES);
const INTERRUPTIONS: ReadonlySet<number> = new Set([130, 143]);
/** Two workers, to show that tasks go to several. */
const THREADS = Math.min(2, availableParallelism());

export interface ExpectedAnswer {
  readonly total: number;
  readonly correct: number;
  readonly confusionMatrixRowsAreLabels: readonly (readonly number[])[];
}

export type EvaluateBundled = () => Promise<Pick<Evaluation, "result" | "timing">>;

export interface Bundled {
  readonly dataset: Dataset;
  readonly expected: ExpectedAnswer;
}

/** Checks the bundled data, then each engine on them, one after the other: they do not disturb each other's times. */
export async function checkEngines(signal: AbortSignal, read = readBundled): Promise<Check[]> {
  const name = "Bundled data";
  let bundled: Bundled;
  try {
    bundled = await read();
  } catch (error) {
    const found = messageOf(error);
    return [{ name, state: "failed", found, advice: "install batchwise again" }, ...ENGINES.map(unchecked)];
  }
  const { dataset, expected } = bundled;
  const checks: Check[] = [{ name, state: "ok", found: `${grouped(dataset.facts.total)} images` }];
  for (const engine of ENGINES) {
    const isAbsent = engine === "onnx" && !isInstalled(ONNX_PART);
    checks.push(
      isAbsent
        ? { name: nameOf(engine), state: "absent", found: `needs ${ONNX_PART.name}, below` }
        : await checkEngine(engine, expected, () =>
            evaluate({ engine, dataset, threads: THREADS, warm: true }, { signal }),
          ),
    );
  }
  return checks;
}

async function readBundled(): Promise<Bundled> {
  const dataset = await openDataset({ dataset: "bundled", split: "test" });
  return { dataset, expected: JSON.parse(await readFile(EXPECTED, "utf8")) };
}

function unchecked(engine: EngineName): Check {
  return { name: nameOf(engine), state: "warning", found: "not checked, without the bundled data" };
}

/** Throws only an interruption. Any other error is a result of the check. */
export async function checkEngine(
  engine: EngineName,
  expected: ExpectedAnswer,
  run: EvaluateBundled,
): Promise<Check> {
  const name = nameOf(engine);
  try {
    const { result, timing } = await run();
    const right = `${grouped(result.correct)} of ${grouped(result.total)} right`;
    // The whole matrix: in the count two faults could cancel each other out.
    if (String(result.confusionMatrix) === String(expected.confusionMatrixRowsAreLabels)) {
      const found = `${right}, as expected, in ${timing.evaluateMs.toFixed(0)} ms on ${THREADS} threads`;
      return { name, state: "ok", found };
    }
    const wanted = `${grouped(expected.correct)} of ${grouped(expected.total)} right`;
    return { name, state: "failed", found: `${right}, expected ${wanted} and the same confusion matrix` };
  } catch (error) {
    if (error instanceof BatchwiseError && INTERRUPTIONS.has(error.exitStatus)) throw error;
    return { name, state: "failed", found: messageOf(error) };
  }
}

function messageOf(error: unknown): string {
  return asError(error).message;
}

function nameOf(engine: EngineName): string {
  return `Engine ${engine}`;
}

export function checkNode(found: string = versions.node, required: string = requiredNode()): Check {
  const [major, minor] = atLeast(found.split(".").map(Number), 2);
  const [leastMajor, leastMinor] = atLeast(required.split(".").map(Number), 2);
  const isEnough = major > leastMajor || (major === leastMajor && minor >= leastMinor);
  const row = { name: "Node.js", found: `${found}, needs ${required} or newer` };
  return isEnough ? { ...row, state: "ok" } : { ...row, state: "failed", advice: "install a newer Node.js" };
}

export function checkCpu(): Check {
  return { name: "CPU", state: "ok", found: cpuText() };
}

/** Checks that this V8 compiles the kernel, which consists of 128-bit instructions. */
export function checkWebAssembly(read: () => Uint8Array = () => readFileSync(KERNEL_URL)): Check {
  const name = "WebAssembly SIMD";
  if (!hasWebAssembly()) {
    const found = "absent, because Node.js runs with --jitless; the engine simd needs it";
    return { name, state: "failed", found, advice: "run without --jitless" };
  }
  try {
    return WebAssembly.validate(read())
      ? { name, state: "ok", found: "available" }
      : { name, state: "failed", found: "the kernel of the engine simd is not understood here" };
  } catch (error) {
    const found = `the kernel of the engine simd cannot be read: ${reasonOf(error)}`;
    return { name, state: "failed", found, advice: "install batchwise again" };
  }
}

const COLOURS: readonly string[] = ["no colour", "16 colours", "256 colours", "all colours"];

export function checkColours(stdout: ColourLevel, stderr: ColourLevel): Check {
  return { name: "Terminal", state: "ok", found: `stdout ${COLOURS[stdout]}, stderr ${COLOURS[stderr]}` };
}
