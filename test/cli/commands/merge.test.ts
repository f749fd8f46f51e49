/** `--shard i/n` and `batchwise merge`. */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { atLeast } from "#src/base/errors.js";
import { runCli } from "../../helpers/cli.js";
import { junitFaults, parseJunit } from "../../helpers/junit.js";
import { validate } from "../../helpers/published-schemas.js";
import { temporaryFolder } from "../../helpers/temporary.js";
import { allWithin } from "../../helpers/xml.js";

const IMAGES = ["--offset", "20", "--limit", "1001"];

interface Shards {
  readonly folder: string;
  readonly parts: readonly string[];
}

async function evaluateShards(
  t: ExecutionContext,
  args: readonly string[],
  settings: readonly (readonly string[])[],
): Promise<Shards> {
  const folder = await temporaryFolder(t);
  const parts: string[] = [];
  for (const [n, setting] of settings.entries()) {
    const path = join(folder, `part-${n + 1}.json`);
    const shard = ["--shard", `${n + 1}/${settings.length}`, "--output", path];
    const { status, stderr } = await runCli([...IMAGES, ...args, ...setting, ...shard]);
    t.is(status, 0, stderr);
    parts.push(path);
  }
  return { folder, parts };
}

/** The text of the `result` within a report in JSON. */
function resultText(json: string): string {
  return json.slice(json.indexOf('  "result": {'), json.indexOf('  "timing": {'));
}

test("the parts of a run, however each was computed, merge to the whole's result byte for byte", async (t) => {
  const scores = ["--top-k", "3", "--bootstrap", "50", "--seed", "7"];
  const { folder, parts } = await evaluateShards(t, scores, [
    ["--threads", "0"],
    ["--threads", "2", "--batch-size", "13"],
    ["--threads", "1", "--engine", "simd"],
  ]);
  const whole = await runCli([...IMAGES, ...scores, "--threads", "0", "--format", "json"]);
  for (const part of parts) t.deepEqual(validate("result", JSON.parse(await readFile(part, "utf8"))), []);

  const output = join(folder, "merged.json");
  const [first, second, third] = atLeast(parts, 3);
  const merged = await runCli(["merge", third, first, second, "--format", "json", "--output", output]);
  t.is(merged.status, 0, merged.stderr);
  t.is(resultText(merged.stdout), resultText(whole.stdout));
  const document = JSON.parse(merged.stdout);
  t.deepEqual(validate("result", document), []);
  t.is(await readFile(output, "utf8"), merged.stdout);
  t.is(document.dataset.offset, 20);
  t.is(document.result.total, 1001);
  t.is(document.shard, undefined);
  t.is(document.run.threads, 3);
});

test("a merge is judged by gates, and a shard by none", async (t) => {
  const { parts } = await evaluateShards(
    t,
    [],
    [
      ["--threads", "0"],
      ["--threads", "0"],
    ],
  );
  const merged = await runCli(["merge", ...parts, "--min-accuracy", "0.99999"]);
  t.is(merged.status, 100);
  t.regex(merged.stderr, /ERR_GATE_ACCURACY/);
  t.regex(merged.stdout, /Accuracy : 0\.\d+\n$/);
  const shard = await runCli(["--shard", "1/2", "--min-accuracy", "0.5"]);
  t.is(shard.status, 2);
  t.regex(shard.stderr, /ERR_USAGE: --min-accuracy and --shard exclude each other/);
  const unlabelled = await runCli(["--shard", "1/2", "--no-labels"]);
  t.is(unlabelled.status, 2);
});

test("where nothing can be merged, JUnit says why, in place of what an earlier run left", async (t) => {
  const path = join(await temporaryFolder(t), "merged.xml");
  await writeFile(path, "from an earlier run");
  const { status, stdout } = await runCli(["merge", "no.json", "--output", path, "--format", "junit"]);
  t.is(status, 3);
  const root = parseJunit(await readFile(path, "utf8"));
  t.deepEqual(junitFaults(root), []);
  t.is(allWithin(root).find(({ name }) => name === "testsuite")?.attributes.name, "merge");
  t.is(allWithin(root).find(({ name }) => name === "error")?.attributes.type, "ERR_FILE_READ");
  t.is(stdout, await readFile(path, "utf8"));
});

test("refuses parts that are missing, doubled, mixed, whole, incomplete or changed, naming what", async (t) => {
  const threads = ["--threads", "0"];
  const { folder, parts } = await evaluateShards(t, [], [threads, threads, threads]);
  const [one, two, three] = atLeast(parts, 3);
  const { folder: others, parts: ofTwo } = await evaluateShards(t, [], [threads, threads]);
  const [, lastOfTwo] = atLeast(ofTwo, 2);

  async function evaluated(name: string, args: readonly string[]): Promise<string> {
    const path = join(others, name);
    t.is((await runCli([...IMAGES, ...threads, ...args, "--output", path])).status, 0);
    return path;
  }

  async function changed(
    path: string,
    edit: (shard: { counts: Record<"total" | "correct" | "offset", number>; key: string }) => void,
  ) {
    const answer = JSON.parse(await readFile(path, "utf8"));
    edit(answer.shard);
    const target = join(folder, "changed.json");
    await writeFile(target, JSON.stringify(answer));
    return target;
  }

  async function refused(paths: readonly string[], code: string, words: RegExp): Promise<void> {
    const { status, stdout, stderr } = await runCli(["merge", ...paths]);
    t.is(status, 3, stderr);
    t.is(stdout, "");
    t.true(stderr.includes(`batchwise: ${code}: `), stderr);
    t.regex(stderr, words);
  }

  await refused([one, three], "ERR_PART_MISSING", /expected all 3 shards, found none for 2\/3;/);
  await refused(
    [one, two, one, three],
    "ERR_PART_DOUBLED",
    /part-1\.json: expected each part once, found it twice/,
  );
  await refused([one, two, lastOfTwo], "ERR_PART_MIXED", /the run is cut into 2 here and cut into 3 there/);
  const fewer = await evaluated("fewer.json", ["--shard", "3/3", "--limit", "900"]);
  await refused([one, two, fewer], "ERR_PART_MIXED", /limit is 900 here and 1001 there/);
  const scored = await evaluated("scored.json", ["--shard", "3/3", "--calibration"]);
  await refused([one, two, scored], "ERR_PART_MIXED", /probabilities is true here and false there/);
  const network = await evaluated("network.json", ["--shard", "3/3", "--weights", "bundled-standardize"]);
  await refused([one, two, network], "ERR_PART_MIXED", /network is "[0-9a-f]{64}" here/);
  await refused([one, await evaluated("whole.json", [])], "ERR_PART_KIND", /found a whole result/);

  const short = await changed(two, ({ counts }) => {
    counts.total -= 1;
  });
  await refused([one, short, three], "ERR_PART_INCOMPLETE", /all 334 images of shard 2\/3, found 333;/);
  const wrong = await changed(two, ({ counts }) => {
    counts.correct += 1;
  });
  await refused([one, wrong, three], "ERR_PART_COUNTS", /on the diagonal/);
  const moved = await changed(two, ({ counts }) => {
    counts.offset += 1;
  });
  await refused([one, moved, three], "ERR_PART_COUNTS", /expected 334 images from 353, found 334 from 354/);
  const renamed = await changed(two, (shard) => {
    shard.key = "0".repeat(64);
  });
  await refused([one, renamed, three], "ERR_PART_COUNTS", /key/);
});
