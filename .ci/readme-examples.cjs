#!/usr/bin/env node
// Runs every line of the README's `sh` blocks as a newcomer would, but for installs and tests, which CI has run already.
// A line that ends in "# exits N" must exit so; all others must exit 0. `path/to/mnist` is BATCHWISE_MNIST_DIR.
const { execFileSync, spawnSync } = require("node:child_process");
const { readFileSync } = require("node:fs");

const mnist = process.env.BATCHWISE_MNIST_DIR;
let run = 0;
for (const file of process.argv.slice(2)) {
  const blocks = [...readFileSync(file, "utf8").matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(
    ([, body]) => body,
  );
  for (const line of blocks.join("").split("\n")) {
    if (line.trim() === "" || line.startsWith("#") || /^npm (ci|test|install)|git clone|^cd /.test(line))
      continue;
    if (line.includes("path/to/mnist") && !mnist) {
      console.log(`skipped (needs BATCHWISE_MNIST_DIR): ${line}`);
      continue;
    }
    const expected = Number(/# exits (\d+)/.exec(line)?.[1] ?? 0);
    const { status, stdout, stderr } = spawnSync(
      "bash",
      ["-c", line.replaceAll("path/to/mnist", mnist ?? "")],
      {
        encoding: "utf8",
      },
    );
    if (status !== expected) {
      console.error(`${file}: expected exit ${expected}, found ${status}: ${line}\n${stdout}${stderr}`);
      process.exit(1);
    }
    run++;
    console.log(`ok: ${line}`);
  }
}
// The examples write nothing into the checkout.
const dirty = execFileSync("git", ["status", "--porcelain"], { encoding: "utf8" });
if (process.env.CI && dirty !== "") {
  console.error(`the examples left files behind:\n${dirty}`);
  process.exit(1);
}
console.log(`${run} examples of the README ran`);
