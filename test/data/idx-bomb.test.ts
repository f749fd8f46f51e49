/** Gzip bombs: refused at the first byte too many, in the memory that the header claims. */
import { execFile } from "node:child_process";
import { execPath, platform } from "node:process";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import test, { type ExecutionContext } from "ava";
import { idxHeader, imageBytes } from "../helpers/idx.js";
import { temporaryFile } from "../helpers/temporary.js";

const BOMB_BYTES = 100 * 2 ** 20;
const MOST_GROWTH_BYTES = 32 * 2 ** 20;

/**
 * Reads the file in a process of its own. Its peak comes from Linux's VmHWM: `maxRSS` would not do, since a process
 * inherits that from the one that started it.
 */
const PROBE = `
  import { readFileSync } from "node:fs";
  const [, module, path] = process.argv;
  const { readIdx } = await import(module);
  const peakBytes = () => 1024 * Number(/VmHWM:\\s*(\\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))[1]);
  const before = peakBytes();
  const code = await readIdx(path).then(() => "none", (error) => error.code);
  console.log(JSON.stringify({ code, growthBytes: peakBytes() - before }));
`;

const onLinux = platform === "linux" ? test : test.skip;

async function probe(t: ExecutionContext, bytes: Uint8Array): Promise<{ code: string; growthBytes: number }> {
  const path = await temporaryFile(t, bytes);
  const module = new URL("../../src/data/idx.js", import.meta.url).href;
  const { stdout } = await promisify(execFile)(execPath, ["--input-type=module", "-e", PROBE, module, path]);
  return JSON.parse(stdout);
}

onLinux("refuses 100 MB of zeros behind ten small images, without unpacking them", async (t) => {
  const bomb = gzipSync(Buffer.concat([imageBytes(10), Buffer.alloc(BOMB_BYTES)]));
  t.true(bomb.length < 200_000);
  const { code, growthBytes } = await probe(t, bomb);
  t.is(code, "ERR_IDX_TRAILING");
  t.true(growthBytes < MOST_GROWTH_BYTES, `${growthBytes} bytes more at the peak`);
});

onLinux("refuses 100 MB of zeros that a header calls two gigabytes, without unpacking them", async (t) => {
  const bomb = gzipSync(Buffer.concat([idxHeader(0x08, [2 ** 31 - 8]), Buffer.alloc(BOMB_BYTES)]));
  const { code, growthBytes } = await probe(t, bomb);
  t.is(code, "ERR_GZIP_CORRUPT");
  t.true(growthBytes < MOST_GROWTH_BYTES, `${growthBytes} bytes more at the peak`);
});

onLinux("would notice the memory of 100 MB that are unpacked", async (t) => {
  const honest = gzipSync(Buffer.concat([idxHeader(0x08, [BOMB_BYTES]), Buffer.alloc(BOMB_BYTES)]));
  const { code, growthBytes } = await probe(t, honest);
  t.is(code, "none");
  t.true(growthBytes > BOMB_BYTES * 0.9, `${growthBytes} bytes more at the peak`);
});
