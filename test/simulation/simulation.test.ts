/** Seeded runs under faults, each of which ends right or says in a code what went wrong. BATCHWISE_SIMULATION_SEEDS=200, as in CI, runs more; `npm run simulate` runs 5,000. */
import { execFile } from "node:child_process";
import { env } from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import test from "ava";
import type { Report } from "./child.js";
import { type Counts, differenceOf, partialFault } from "./invariant.js";

const CHILD = fileURLToPath(new URL("child.js", import.meta.url));
/** Each of two processes runs half of the seeds. */
const SEEDS_EACH = Number(env.BATCHWISE_SIMULATION_SEEDS ?? 50) / 2;

test("seeded runs under faults end as the clean run does, or with a code and whole batches", async (t) => {
  const children = [1, 1 + SEEDS_EACH].map((first) =>
    promisify(execFile)(process.execPath, [CHILD, String(first), String(SEEDS_EACH)], { maxBuffer: 2 ** 26 }),
  );
  const reports = (await Promise.all(children)).map(({ stdout }): Report => JSON.parse(stdout));
  for (const { endings, injected, violations } of reports) {
    t.deepEqual(violations, {});
    t.is(
      Object.values(endings).reduce((sum, count) => sum + count, 0),
      SEEDS_EACH,
    );
    // Faults took place, and some runs got through them.
    t.true((endings.clean ?? 0) > 0 && Object.keys(endings).length > 3, JSON.stringify(endings));
    t.true(Object.keys(injected).length > 5, JSON.stringify(injected));
  }
  t.true(new Set(reports.flatMap(({ injected }) => Object.keys(injected))).size > 10);
});

test("the invariant is broken by torn batches, images counted twice, and other answers", (t) => {
  const plan = { limit: 130, batchSize: 50 };
  const counts = (right: number, wrong: number): Counts => ({
    total: right + wrong,
    correct: right,
    complete: right + wrong === plan.limit,
    confusionMatrix: [
      [right, wrong],
      [0, 0],
    ],
  });
  const clean = counts(120, 10);
  t.is(differenceOf(counts(120, 10), clean), undefined);
  t.regex(differenceOf(counts(119, 11), clean) ?? "", /^expected .*120.*, found .*119/);
  for (const [right, wrong] of [
    [0, 0],
    [45, 5],
    [30, 0],
    [75, 5],
    [90, 10],
    [120, 10],
  ] as const) {
    t.is(partialFault(counts(right, wrong), plan, clean), undefined, `${right}, ${wrong}`);
  }
  t.regex(partialFault(counts(48, 1), plan, clean) ?? "", /^49 images are no whole batches/);
  t.regex(partialFault(counts(39, 11), plan, clean) ?? "", /^cell 1 has 11, the clean run 10/);
  t.regex(partialFault({ ...counts(45, 5), total: 100 }, plan, clean) ?? "", /^100 images, 50 in the matrix/);
  t.regex(partialFault({ ...counts(45, 5), complete: true }, plan, clean) ?? "", /^complete with 50 images/);
});
