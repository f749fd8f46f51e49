/** Tests that need data which the package does not carry: run, skipped with a word, or demanded. */
import { statSync } from "node:fs";
import { env, stderr } from "node:process";
import test from "ava";

/** Folder of MNIST's files, where there is one. */
export const mnist: string | undefined = existingFolder(env.BATCHWISE_MNIST_DIR);

const VARIABLES = { mnist: "BATCHWISE_MNIST_DIR" } as const;

/**
 * AVA's `test` when `name` is available, else `test.skip`, saying so once a call; throws instead when the
 * environment variable BATCHWISE_REQUIRE, a comma-separated list, names it.
 */
export function needs(name: "mnist", available: boolean): typeof test.skip {
  if (available) return test;
  const hint = `needs ${name} (set ${VARIABLES[name]})`;
  if ((env.BATCHWISE_REQUIRE ?? "").split(",").includes(name)) throw new Error(`BATCHWISE_REQUIRE: ${hint}`);
  stderr.write(`skipped: ${hint}\n`);
  return test.skip;
}

function existingFolder(path: string | undefined): string | undefined {
  return path && statSync(path, { throwIfNoEntry: false })?.isDirectory() ? path : undefined;
}
