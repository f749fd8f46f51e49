/** Thousands of damaged files: each gives a coded error or a sound answer, soon. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import test from "ava";
import { readIdx } from "../../src/datasets/idx.js";
import { BatchwiseError } from "../../src/errors.js";
import { imageBytes } from "../helpers/idx.js";
import { temporaryFolder } from "../helpers/temporary.js";

const MUTATIONS = 2000;
const MOST_MS = 100;

/** Knuth's and Lewis's quick generator (Numerical Recipes, section 7.1): the same damage in every run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    // The high bits are the random ones.
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** One to four of: a byte replaced, a bit flipped, the end cut off, bytes put in. Mostly near the start. */
function mutate(original: Uint8Array, below: (limit: number) => number): Uint8Array {
  let bytes = Uint8Array.from(original);
  for (let times = 1 + below(4); times > 0; times--) {
    const at = below(below(2) === 0 ? Math.min(24, bytes.length) : bytes.length);
    const kind = below(8);
    if (kind < 3) bytes[at] = below(256);
    else if (kind < 6) bytes[at] ^= 1 << below(8);
    else if (kind < 7) bytes = bytes.slice(0, Math.max(1, at));
    else bytes = Uint8Array.from([...bytes.slice(0, at), below(256), below(256), ...bytes.slice(at)]);
  }
  return bytes;
}

async function outcome(path: string): Promise<string> {
  try {
    const { shape, data } = await readIdx(path);
    const elements = shape.reduce((product, dimension) => product * dimension, 1);
    return elements === data.length ? "read" : `read ${data.length} elements for ${shape}`;
  } catch (error) {
    return error instanceof BatchwiseError ? error.code : `uncoded: ${error}`;
  }
}

for (const [how, original, seed] of [
  ["plain", imageBytes(20), 1],
  ["gzipped", gzipSync(imageBytes(20)), 2],
] as const) {
  test(`answers ${MUTATIONS} damaged ${how} files with a code or soundly, each in ${MOST_MS} ms`, async (t) => {
    const path = join(await temporaryFolder(t), "damaged");
    const below = random(seed);
    const seen = new Map<string, number>();
    for (let i = 0; i < MUTATIONS; i++) {
      const bytes = mutate(original, below);
      await writeFile(path, bytes);
      const startMs = performance.now();
      const said = await outcome(path);
      let elapsedMs = performance.now() - startMs;
      if (elapsedMs > MOST_MS) {
        // A busy machine is slow once; a hostile file is slow each time.
        const againMs = performance.now();
        await outcome(path);
        elapsedMs = performance.now() - againMs;
      }
      const file = Buffer.from(bytes).toString("base64");
      if (!/^(read|ERR_\w+)$/.test(said) || elapsedMs > MOST_MS)
        return t.fail(`${said}, ${elapsedMs} ms: ${file}`);
      seen.set(said, (seen.get(said) ?? 0) + 1);
    }
    t.log([...seen].map(([said, count]) => `${said} ${count}`).join(", "));
    // Damage of one kind only would prove little.
    t.true(seen.size >= 5, [...seen.keys()].join(", "));
  });
}
