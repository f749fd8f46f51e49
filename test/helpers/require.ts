/** What some tests need and not every machine has: they are skipped in one line that says why, or required. */
import { statSync } from "node:fs";
import test from "ava";

const folder = process.env.BATCHWISE_MNIST_DIR;

/** Folder of the four MNIST files and the book's network, where there is one. */
export const mnist: string | undefined =
  folder !== undefined && statSync(folder, { throwIfNoEntry: false })?.isDirectory() ? folder : undefined;

/** `test`, or `test.skip` when the thing is missing; BATCHWISE_REQUIRE=mnist makes missing it a failure. */
export function needs(name: "mnist", available: boolean): typeof test | typeof test.skip {
  if (available) return test;
  if ((process.env.BATCHWISE_REQUIRE ?? "").split(",").includes(name)) {
    throw new Error(`BATCHWISE_REQUIRE lists ${name}, and BATCHWISE_MNIST_DIR names no folder`);
  }
  console.log(`skipped: tests that need ${name}; BATCHWISE_MNIST_DIR names no folder`);
  return test.skip;
}
