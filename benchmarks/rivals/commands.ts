/** Whole commands, ours and others': from files to the printed accuracy. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { atLeast } from "#src/base/errors.js";
import { FIXTURES, PACKAGE_ROOT } from "../../src/base/package.js";
import { pythonFloat } from "../../src/base/text.js";
import { encodeOnnx } from "../../src/networks/onnx/encode.js";
import type { Bench } from "../question.js";
import { MNIST, type Subject } from "../subject.js";
import { assertPredicts } from "./contestant.js";
import { BENCHMARKS, versionOf } from "./installed.js";

export interface Command {
  readonly name: string;
  readonly args: readonly string[];
  /** The arguments with which it tells each image's class, and how these are then read; undefined for `node -e 0`. */
  readonly proof?: { readonly args: readonly string[]; read(stdout: string): ArrayLike<number> };
}

export interface CommandResult {
  readonly elapsedMs: number;
  readonly stdout: string;
  /** What was written to file descriptor 3. */
  readonly extra: string;
}

const CLI = fileURLToPath(new URL("bin/batchwise.cjs", PACKAGE_ROOT));
const [IMAGES, LABELS] = atLeast(
  MNIST === undefined
    ? ["digits-images-idx3-ubyte.gz", "digits-labels-idx1-ubyte.gz"].map((name) =>
        fileURLToPath(new URL(name, FIXTURES)),
      )
    : ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"].map((name) => join(MNIST ?? "", name)),
  2,
);

/** Calls `use` with commands whose answers were proven: each image's class. Their files are gone afterwards. */
export async function withCommands<T>(
  bench: Bench,
  subject: Subject,
  use: (commands: readonly Command[], accuracyLine: string) => Promise<T>,
): Promise<T> {
  bench.note(COMMANDS_PROVEN);
  for (const name of ["ml-matrix", "piscina"]) bench.uses(name, versionOf(name));
  const folder = mkdtempSync(join(tmpdir(), "batchwise-"));
  try {
    const commands = commandsIn(folder, bench, subject);
    for (const { name, args, proof } of commands) {
      if (proof === undefined) continue;
      const { stdout } = await runCommand([...args, ...proof.args]);
      assertPredicts(name, proof.read(stdout), subject.expected);
    }
    return await use(commands, accuracyLine(subject));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function commandsIn(folder: string, bench: Bench, { layers, input }: Subject): Command[] {
  const { dataset, weights } = input;
  const data =
    typeof dataset === "string" && typeof weights === "string"
      ? ["--dataset", dataset, "--weights", weights]
      : [];
  const ours = (name: string, ...args: string[]): Command => ({
    name,
    args: [CLI, ...data, ...args],
    proof: {
      args: ["--no-labels", "--format", "json"],
      read: (stdout) => JSON.parse(stdout).predictions,
    },
  });
  const predictions = join(folder, "predictions");
  const theirs = (name: string, program: string, ...args: string[]): Command => ({
    name,
    args: [fileURLToPath(new URL(`programs/${program}`, BENCHMARKS)), IMAGES, LABELS, ...args],
    proof: { args: ["--predictions", predictions], read: () => readFileSync(predictions) },
  });
  const network = join(folder, "network.json");
  writeFileSync(network, JSON.stringify(layers.map(nested)));
  const commands = [
    { name: "node -e 0", args: ["-e", "0"] },
    ours("ours, simd, 1 thread", "--engine", "simd", "--threads", "1"),
    ours("ours, simd, 2 threads", "--engine", "simd", "--threads", "2"),
    ours("ours, simd, 8 threads", "--engine", "simd", "--threads", "8"),
    ours("ours, ml-matrix, 2 threads", "--threads", "2"),
    theirs("plain ml-matrix in a pool of 2", "plain-pool.mjs", network),
  ];
  try {
    bench.uses("onnxruntime-node", versionOf("onnxruntime-node"));
  } catch {
    bench.skip("onnxruntime-node", "not installed: npm ci --prefix benchmarks");
    return commands;
  }
  const model = join(folder, "network.onnx");
  writeFileSync(model, encodeOnnx({ layers, preprocessing: { kind: "none" } }));
  return [
    ...commands,
    theirs("onnxruntime-node, 1 thread", "onnxruntime.mjs", model, "--threads", "1"),
    theirs("onnxruntime-node, its own choice of threads", "onnxruntime.mjs", model),
  ];
}

function nested({ weights, biases, inputs, outputs }: Subject["layers"][number]) {
  const rows = Array.from({ length: inputs }, (_, k) => [
    ...weights.subarray(k * outputs, (k + 1) * outputs),
  ]);
  return { weights: rows, biases: [...biases] };
}

/** Throws unless the command ends with status 0. */
export async function runCommand(args: readonly string[]): Promise<CommandResult> {
  const beganAt = performance.now();
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe", "pipe"] });
  const ended = once(child, "close").then(([status]) => ({ status, elapsedMs: performance.now() - beganAt }));
  const [stdout, stderr, extra] = atLeast(
    await Promise.all([1, 2, 3].map(async (n) => String(await buffer(child.stdio[n] as Readable)))),
    3,
  );
  const { status, elapsedMs } = await ended;
  assert.equal(status, 0, `${args.join(" ")}: ${stderr}`);
  return { elapsedMs, stdout, extra };
}

/** The text of timed runs, which ends with the accuracy. */
export function assertAccuracy({ name, proof }: Command, stdout: string, line: string): void {
  if (proof !== undefined) assert.equal(stdout.trimEnd().split("\n").at(-1), line, name);
}

const COMMANDS_PROVEN =
  "Each command was first asked for every class, and each timed run prints the same accuracy.";

function accuracyLine({ slabs, expected, images }: Subject): string {
  let correct = 0;
  for (const { labels, firstImage } of slabs) {
    for (const [n, label] of labels.entries()) if (expected[firstImage + n] === label) correct++;
  }
  return `Accuracy : ${pythonFloat(correct / images)}`;
}
