/** The soak in little: what it does is right, and what goes wrong is seen. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { flatnessOf, type Sample, unevenness } from "../../scripts/soak/flatness.js";
import { runProgram } from "../helpers/cli.js";
import { inCase } from "../helpers/in-case.js";
import { someOf } from "../helpers/require.js";
import { temporaryFolder } from "../helpers/temporary.js";
import { allWithin, parseXml } from "../helpers/xml.js";

/** Each part's least that lasts for samples enough. */
const LITTLE = ["--minutes", "1", "--sample-ms", "20"];
/** A process this young still grows; only one run's memory is sabotaged, by four times as much. */
const ALLOWED = ["--allowed-growth", "100"];
const ALLOWED_WHILE_POOLS_OPEN = ["--allowed-growth", "1000", "--allowed-handles", "100"];
const PARTS = [
  { part: "one run", amount: 500_000, sabotaged: /MB of resident memory more at the end/ },
  {
    part: "crashing workers",
    amount: 80,
    sabotaged: /exit: 39 images counted, 40 expected/,
  },
  {
    part: "ten at once",
    amount: 10,
    sabotaged: /answered otherwise beside nine others than alone/,
  },
  { part: "one after the other", amount: 6, sabotaged: /left behind: descriptors/ },
] as const;

/** Reads /proc. */
const linuxTest = existsSync("/proc/self/status") ? test.serial : test.skip;

const soak = (args: readonly string[]) =>
  runProgram(fileURLToPath(new URL("dist/scripts/soak.js", PACKAGE_ROOT)), args);

const argsOf = ({ part, amount }: (typeof PARTS)[number]) => {
  const allowed = part === "one run" ? ALLOWED : ALLOWED_WHILE_POOLS_OPEN;
  return [...LITTLE, ...allowed, "--part", part, "--amount", String(amount)];
};

linuxTest("a little of the soak goes well, and is told, sampled and drawn", async (t) => {
  for (const one of someOf(PARTS, 1)) {
    const { part, amount } = one;
    await inCase(t, part, async () => {
      const folder = await temporaryFolder(t);
      const [json, plot] = [join(folder, "samples.json"), join(folder, "memory.svg")];
      const { status, stdout, stderr } = await soak([...argsOf(one), "--json", json, "--plot", plot]);
      t.is(status, 0, stdout + stderr);
      t.regex(stdout, new RegExp(`\n\\| ${part} \\| ${amount.toLocaleString("en")} .*\\| nothing \\|\n$`));
      const [report] = JSON.parse(await readFile(json, "utf8"));
      t.is(report.done, amount);
      t.true(report.samples.every(({ rssBytes, threads }: Sample) => rssBytes > 1e7 && threads > 1));
      const chart = allWithin(parseXml(await readFile(plot, "utf8")));
      t.true(chart.some((element) => element.text === part));
    });
  }
});

linuxTest("what goes wrong ends the soak with status 1 and its name", async (t) => {
  for (const one of someOf(PARTS.toReversed(), 1)) {
    const { status, stdout } = await soak([...argsOf(one), "--sabotage"]);
    t.is(status, 1, one.part);
    t.regex(stdout, one.sabotaged);
  }
});

linuxTest("refuses a part that there is none of", async (t) => {
  const { status, stderr } = await soak(["--part", "one"]);
  t.is(status, 1);
  t.regex(stderr, /expected --part of "one run", /);
});

/** A hundred samples, of which each measure is told by the sample's place. */
function samplesOf(valuesAt: (n: number) => Partial<Sample>): Sample[] {
  return Array.from({ length: 100 }, (_, n) => ({
    elapsedMs: n,
    done: n,
    rssBytes: 1e8,
    threads: 10,
    descriptors: 20,
    ...valuesAt(n),
  }));
}

test("what rises in the first quarter, or for a moment, is flat", (t) => {
  const flatness = flatnessOf(
    samplesOf((n) => ({ rssBytes: n < 25 ? 4e6 * n : n === 90 ? 3e8 : 1e8, threads: n % 2 === 0 ? 10 : 13 })),
  );
  t.deepEqual(unevenness(flatness, { rssMb: 1, handles: 4 }), []);
  t.is(flatness?.peak.rssBytes, 3e8);
});

test("what goes on rising is told, each measure by itself", (t) => {
  const rising = samplesOf((n) => ({ rssBytes: 1e8 + 1e6 * n, threads: 10 + n, descriptors: 20 + n }));
  t.deepEqual(unevenness(flatnessOf(rising), { rssMb: 49, handles: 4 }), [
    "50 MB of resident memory more at the end, 49 allowed",
    "50 threads more at the end, 4 allowed",
    "50 file descriptors more at the end, 4 allowed",
  ]);
  t.deepEqual(unevenness(flatnessOf(rising), { rssMb: 50, handles: 50 }), []);
});

test("too few samples are no proof", (t) => {
  t.regex(
    unevenness(flatnessOf(samplesOf(() => ({})).slice(0, 7)), { rssMb: 16, handles: 4 })[0]!,
    /fewer than 8 samples/,
  );
});
