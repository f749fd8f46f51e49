#!/usr/bin/env node
// Runs the examples of the README and the pages of docs/, or of the files that are named: each line of an `sh` block in
// bash, and each `js` block as a whole. Installs and tests are left out, since CI has run them already. A line that ends
// in "# exits N" must exit with N, all others with 0. `path/to/mnist` stands for BATCHWISE_MNIST_DIR.
const { execFileSync, spawnSync } = require("node:child_process");
const { readdirSync, readFileSync } = require("node:fs");

const mnist = process.env.BATCHWISE_MNIST_DIR;
const LEFT_OUT = /^(#|npm (ci|test|install)|git clone|cd |$)/;

/** Examples of a page, in their order: what to show of each, and the command that runs it. */
function* examplesOf(file) {
  for (const [, kind, body] of readFileSync(file, "utf8").matchAll(/^```(sh|js)\n([\s\S]*?)^```$/gm)) {
    if (kind === "js") {
      yield { shown: body.trimEnd(), command: "node", args: ["--input-type=module", "--eval", body] };
      continue;
    }
    for (const line of body.split("\n")) {
      if (!LEFT_OUT.test(line)) yield { shown: line, command: "bash", args: ["-c", line] };
    }
  }
}

const named = process.argv.slice(2);
const pages = readdirSync("docs").filter((name) => name.endsWith(".md"));
const files = named.length > 0 ? named : ["README.md", ...pages.map((name) => `docs/${name}`)];
let run = 0;
for (const file of files) {
  for (const { shown, command, args } of examplesOf(file)) {
    if (shown.includes("path/to/mnist") && !mnist) {
      console.log(`skipped (needs BATCHWISE_MNIST_DIR): ${shown}`);
      continue;
    }
    const expected = Number(/# exits (\d+)/.exec(shown)?.[1] ?? 0);
    const withMnist = args.map((argument) => argument.replaceAll("path/to/mnist", mnist ?? ""));
    const { status, stdout, stderr } = spawnSync(command, withMnist, { encoding: "utf8" });
    if (status !== expected) {
      console.error(`${file}: expected exit ${expected}, found ${status}: ${shown}\n${stdout}${stderr}`);
      process.exit(1);
    }
    run++;
    console.log(`ok: ${file}: ${shown.split("\n", 1)[0]}`);
  }
}
// The examples write nothing into the checkout, except what .gitignore names.
const dirty = execFileSync("git", ["status", "--porcelain"], { encoding: "utf8" });
if (process.env.CI && dirty !== "") {
  console.error(`the examples left files behind:\n${dirty}`);
  process.exit(1);
}
console.log(`${run} examples ran`);
