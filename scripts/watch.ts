/** `npm run watch -- test/data/idx.test.ts`: compiles at each change what changed, and runs the test file again. */
import { type ChildProcess, spawn } from "node:child_process";
import { argv, execPath, stderr, stdout } from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { PACKAGE_ROOT } from "#src/base/package.js";

const ROOT = fileURLToPath(PACKAGE_ROOT);
const TSC = "node_modules/typescript/bin/tsc";
const AVA = "node_modules/ava/entrypoints/cli.mjs";
/** tsc's last line of a round, with the number of errors. */
const END_OF_ROUND = /Found (\d+) errors?\. Watching/;

const sources = argv.slice(2);
if (sources.length === 0 || sources.some((path) => !/^test\/.+\.test\.ts$/.test(path))) {
  stderr.write("name test files: npm run watch -- test/data/idx.test.ts\n");
  process.exit(2);
}
const compiled = sources.map((path) => `dist/${path.replace(/\.ts$/, ".js")}`);

let running: ChildProcess | undefined;
const compiler = spawn(execPath, [TSC, "--project", "tsconfig.json", "--watch", "--preserveWatchOutput"], {
  cwd: ROOT,
  stdio: ["ignore", "pipe", "inherit"],
});
createInterface({ input: compiler.stdout }).on("line", (line) => {
  const errors = END_OF_ROUND.exec(line)?.[1];
  if (errors === "0") runTests();
  else if (line.trim() !== "") stdout.write(`${line}\n`);
});

/** A change while tests run ends them: their result would be of the code before. */
function runTests(): void {
  running?.kill();
  running = spawn(execPath, [AVA, "--concurrency", "1", ...compiled], { cwd: ROOT, stdio: "inherit" });
}
