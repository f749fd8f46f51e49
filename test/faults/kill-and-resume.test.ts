/** SIGKILL at random moments, then the same command again: once here, four times in CI, fifty times with BATCHWISE_KILLS=50. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { env } from "node:process";
import test, { type ExecutionContext } from "ava";
import { type CliResult, spawnCli } from "../helpers/cli.js";
import { recordFault } from "../helpers/fault-table.js";
import { seeded } from "../helpers/random.js";
import { repeatedSet } from "../helpers/repeated-set.js";
import { temporaryFolder } from "../helpers/temporary.js";

const KILLS = Number(env.BATCHWISE_KILLS ?? 1);
/** A run that is over before it is killed proves nothing, and is begun anew. */
const MOST_TRIES = 20;

/** How often the 10,000 images are evaluated, so that a run writes several journal lines. */
const TIMES = KILLS > 4 ? 24 : 3;
const COMMON = ["--engine", "reference", "--threads", "2", "--format", "json"];
const MODES: readonly { readonly name: string; readonly args: readonly string[]; readonly file?: string }[] =
  [
    { name: "counts", args: [] },
    { name: "predictions in NDJSON", args: ["--batch-size", "64"], file: "p.ndjson" },
    { name: "a shard's counts and scores", args: ["--shard", "2/2", "--calibration"] },
    { name: "predictions in CSV", args: ["--top-k", "2"], file: "p.csv" },
  ];

interface Ended extends CliResult {
  /** From the first word on stderr, which is said when the work begins. */
  readonly workMs: number;
}

interface Outcome {
  readonly answer: string;
  readonly predictionsSha256: string | undefined;
}

async function run(args: readonly string[], killAfterMs?: number): Promise<Ended> {
  let beganAt = performance.now();
  const result = await spawnCli([...COMMON, ...args], {
    onStderr(child, text) {
      if (!text.startsWith("evaluating")) return;
      beganAt = performance.now();
      if (killAfterMs === undefined) return;
      const timer = setTimeout(() => child.kill("SIGKILL"), killAfterMs);
      child.once("close", () => clearTimeout(timer));
    },
  });
  return { ...result, workMs: performance.now() - beganAt };
}

async function outcomeOf(t: ExecutionContext, ended: CliResult, path: string | undefined): Promise<Outcome> {
  t.is(ended.status, 0, ended.stderr);
  const { result, shard } = JSON.parse(ended.stdout);
  return {
    answer: JSON.stringify({ result, counts: shard?.counts }),
    predictionsSha256:
      path === undefined
        ? undefined
        : createHash("sha256")
            .update(await readFile(path))
            .digest("hex"),
  };
}

/** Lines after the header, and the images that they count. */
async function keptIn(journal: string): Promise<{ readonly ranges: number; readonly images: number }> {
  const text = await readFile(journal, "utf8").catch(() => "");
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  const limits = lines.slice(1, -1).map((line): number => JSON.parse(line).limit);
  return { ranges: limits.length, images: limits.reduce((a, b) => a + b, 0) };
}

test.serial(`${KILLS} runs that were killed end as a run that was not`, async (t) => {
  t.timeout((KILLS + MODES.length) * 60_000);
  const set = await repeatedSet(t, TIMES);
  const random = seeded(Number(env.BATCHWISE_KILL_SEED ?? 6));
  const clean = new Map<string, Outcome & { readonly workMs: number }>();
  for (const { name, args, file } of MODES.slice(0, KILLS)) {
    const path = file && join(await temporaryFolder(t), file);
    const ended = await run([...set, ...args, ...(path === undefined ? [] : ["--predictions", path])]);
    clean.set(name, { ...(await outcomeOf(t, ended, path)), workMs: ended.workMs });
  }
  t.log(" kill  at     ranges kept  images kept  run again  ended as the clean run");
  for (let kill = 1; kill <= KILLS; kill++) {
    const { name, args, file } = MODES[(kill - 1) % MODES.length]!;
    const expected = clean.get(name) ?? t.fail();
    for (let tries = 1; ; tries++) {
      t.true(tries <= MOST_TRIES, "every run was over before it could be killed");
      const folder = await temporaryFolder(t);
      const path = file && join(folder, file);
      const journal = join(folder, "run.journal");
      const whole = [
        ...set,
        ...args,
        "--resume",
        journal,
        ...(path === undefined ? [] : ["--predictions", path]),
      ];
      const share = 0.1 + 0.8 * random();
      const killed = await run(whole, share * expected.workMs);
      if (killed.status !== null) continue;
      const kept = await keptIn(journal);
      const resumed = await run(whole);
      const { answer, predictionsSha256 } = await outcomeOf(t, resumed, path);
      t.is(answer, expected.answer, name);
      t.is(predictionsSha256, expected.predictionsSha256, name);
      const { result } = JSON.parse(resumed.stdout);
      const again = result.total - kept.images;
      const cells = [`${Math.round(100 * share)} %`, kept.ranges, kept.images, again].map(String);
      t.log(
        [
          String(kill).padStart(5),
          cells[0]?.padStart(5),
          ...cells.slice(1).map((cell) => cell.padStart(11)),
          `   yes, ${name}`,
        ].join(" "),
      );
      await recordFault({
        fault: `SIGKILL ${kill} of ${KILLS} at ${cells[0]} of a run of ${name}, then the same command`,
        status: `SIGKILL, then ${resumed.status}`,
        line: "identical to a clean run",
        kept: `${kept.ranges} ranges, ${kept.images} images; run again ${again}`,
      });
      break;
    }
  }
});
