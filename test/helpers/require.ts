/** Which tests run, and how much of their tables: tests that need what the package does not carry are skipped or demanded. */
import { statSync } from "node:fs";
import { env, stderr } from "node:process";
import test from "ava";

/** Folder of MNIST's files, where there is one. */
export const mnist: string | undefined = existingFolder(env.BATCHWISE_MNIST_DIR);

/** Folder of strangers' model files and their cases.json, where there is one. */
export const wild: string | undefined = existingFolder(env.BATCHWISE_WILD_DIR);

const HINTS = {
  mnist: "set BATCHWISE_MNIST_DIR",
  wild: "set BATCHWISE_WILD_DIR",
  torch: "a python3 that imports torch: Debian's package python3-torch",
  h5py: "a python3 that imports h5py: Debian's package python3-h5py",
  onnxruntime: "onnxruntime-node in node_modules, as .ci/run puts it there",
  jest: "jest in node_modules, as .ci/run puts it there",
  vitest: "vitest in node_modules, as .ci/run puts it there",
  redis: "a redis-server in PATH: Debian's package redis-server",
  bullmq: "bullmq and ioredis in node_modules, as .ci/run puts them there",
  python: "a python3",
  numpy: "a python3 that imports numpy",
  "python-onnx": "a python3 that imports onnx: Debian's package python3-onnx",
  "scikit-learn": "a python3 that imports sklearn: Debian's package python3-sklearn",
  "python-safetensors": "a python3 that imports safetensors and numpy",
  tmpfs: "Linux, as root: a small disk is mounted and filled",
  linux: "Linux",
  root: "Linux, as root",
  unshare: "Linux, as root, with util-linux's unshare",
  strace: "strace in /usr/bin, which makes system calls fail",
  posix: "a system with modes, symbolic links and named pipes",
  script: "util-linux's script, which makes a terminal",
  chromium: "a browser called chromium in PATH: Debian's package chromium",
} as const;

/**
 * AVA's `test` when `name` is available, else `test.skip`, saying so once a call; throws instead when the
 * environment variable BATCHWISE_REQUIRE, a comma-separated list, names it.
 */
export function needs(name: keyof typeof HINTS, available: boolean): typeof test.skip {
  if (available) return test;
  const hint = `needs ${name} (${HINTS[name]})`;
  if ((env.BATCHWISE_REQUIRE ?? "").split(",").includes(name)) throw new Error(`BATCHWISE_REQUIRE: ${hint}`);
  stderr.write(`skipped: ${hint}\n`);
  return test.skip;
}

/** Set in CI: tests try every case of their tables. Without it, long tables are sampled. */
export const isThorough: boolean = env.BATCHWISE_THOROUGH === "1";

/** All cases if thorough; otherwise `count` of them, evenly spread, the first included. */
export function someOf<Case>(cases: readonly Case[], count: number): readonly Case[] {
  if (isThorough) return cases;
  const groupOf = (n: number) => Math.floor((n * count) / cases.length);
  return cases.filter((_, n) => groupOf(n) > groupOf(n - 1));
}

/** All pairs if thorough; otherwise each of the first with one of the second, in turn. */
export function pairsOf<A, B>(first: readonly A[], second: readonly B[]): readonly (readonly [A, B])[] {
  return first.flatMap((a, n) =>
    second.filter((_, m) => isThorough || m === n % second.length).map((b) => [a, b] as const),
  );
}

function existingFolder(path: string | undefined): string | undefined {
  return path && statSync(path, { throwIfNoEntry: false })?.isDirectory() ? path : undefined;
}
