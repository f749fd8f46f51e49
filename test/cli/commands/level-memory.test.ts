/** A young generation that is told to stay as large as it is. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import test from "ava";

const MODULE = new URL("../../../src/cli/commands/evaluate.js", import.meta.url);

/** Much garbage, of which a little always survives; prints the bytes of the young generation. */
const PROGRAM = `
  import { getHeapSpaceStatistics } from "node:v8";
  import { keepYoungGenerations } from ${JSON.stringify(MODULE.href)};
  if (process.argv.includes("keep")) keepYoungGenerations();
  const held = new Array(5000);
  for (let n = 0; n < 2e6; n++) held[n % held.length] = { n, rows: [n, n, n, n] };
  const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space");
  console.log(young.space_size);
`;

async function youngBytes(...args: string[]): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--input-type=module",
    "-e",
    PROGRAM,
    ...args,
  ]);
  return Number(stdout);
}

test("the young generation stays small when it is told to, and grows when it is not", async (t) => {
  const [kept, grown] = [await youngBytes("keep"), await youngBytes()];
  t.true(kept <= 4 * 2 ** 20, `${kept}`);
  t.true(grown >= 2 * kept, `${grown}`);
});
