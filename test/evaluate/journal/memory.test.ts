/** A journal whose line would be far larger as objects than as a text is read without it, in little memory. */
import { execFile } from "node:child_process";
import { execPath, platform } from "node:process";
import { promisify } from "node:util";
import test, { type ExecutionContext } from "ava";
import { sampleJournal } from "../../helpers/sample-run.js";
import { temporaryFile } from "../../helpers/temporary.js";

const MOST_GROWTH_BYTES = 64 * 2 ** 20;
/** As JSON it is a hundred and more million bytes. */
const LISTS = "[],".repeat(4_000_000);

/** In a process of its own, with what it takes at its peak beyond the file. */
const PROBE = `
  import { readFileSync } from "node:fs";
  const [, read, sample, peak, path, how] = process.argv;
  const modules = [read, sample, peak].map((module) => import(module));
  const [{ readJournal }, { SAMPLE_HEADER }, { resetPeak, peakBytes }] = await Promise.all(modules);
  const bytes = readFileSync(path);
  const before = resetPeak();
  const lines = how === "parse"
    ? JSON.parse(bytes.subarray(bytes.indexOf(10) + 1)).length
    : readJournal(path, bytes, SAMPLE_HEADER).lines.length;
  console.log(JSON.stringify({ lines, growthBytes: peakBytes() - before }));
`;

const onLinux = platform === "linux" ? test : test.skip;

async function probe(t: ExecutionContext, how: "journal" | "parse") {
  const path = await temporaryFile(t, `${sampleJournal([])}[${LISTS}[]]\n`);
  const modules = [
    "../../../src/evaluate/journal/read.js",
    "../../helpers/sample-run.js",
    "../../fuzz/peak-memory.js",
  ];
  const addresses = modules.map((module) => new URL(module, import.meta.url).href);
  const args = ["--input-type=module", "-e", PROBE, ...addresses, path, how];
  const { stdout } = await promisify(execFile)(execPath, args);
  return JSON.parse(stdout);
}

onLinux("passes over a line of four million lists, as over any that cannot be read", async (t) => {
  const { lines, growthBytes } = await probe(t, "journal");
  t.is(lines, 0);
  t.true(growthBytes < LISTS.length + MOST_GROWTH_BYTES, `${growthBytes} bytes more at the peak`);
});

onLinux("would notice the memory of such a line, were it read", async (t) => {
  const { lines, growthBytes } = await probe(t, "parse");
  t.is(lines, 4_000_001);
  t.true(growthBytes > LISTS.length + MOST_GROWTH_BYTES, `${growthBytes} bytes more at the peak`);
});
