import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { atLeast } from "#src/base/errors.js";
import { diagnose, loadNetwork, type Network, UsageError } from "#src/index.js";
import { wilsonAmong } from "#src/metrics/intervals.js";
import { encodeNpz } from "#src/networks/numpy.js";
import { encodeSafetensors } from "#src/networks/write-safetensors.js";
import { blackOrWhite, changedSet, inverted, same, transposed } from "../../helpers/changed-set.js";
import { runCli } from "../../helpers/cli.js";
import { loadDense } from "../../helpers/dense.js";
import { randomNetwork } from "../../helpers/random.js";
import { temporaryFolder } from "../../helpers/temporary.js";

const IMAGES = 800;
const AS_STORED = { invert: false, transpose: false, grayscale: false, labelOffset: 0 };

async function saved(t: ExecutionContext, network: Pick<Network, "layers">): Promise<string> {
  const path = join(await temporaryFolder(t), "w.npz");
  await writeFile(path, encodeNpz(network, "float64"));
  return path;
}

/** The bundled network for x' = (x ÷ 255 − mean) ÷ std: the same function of the pixels. */
async function standardized(mean: number, std: number): Promise<Pick<Network, "layers">> {
  const { layers } = await loadDense("bundled");
  const [first, ...rest] = atLeast(layers, 1);
  const { inputs, outputs } = first;
  const biases = first.biases.map((bias, o) => {
    let sum = bias;
    for (let i = 0; i < inputs; i++) sum += mean * first.weights[i * outputs + o]!;
    return sum;
  });
  return { layers: [{ ...first, weights: first.weights.map((weight) => weight * std), biases }, ...rest] };
}

test("finds the preprocessing and the activation of weights that state neither", async (t) => {
  for (const [mean, std] of [
    [0, 1],
    [0.1307, 0.3081],
    [0.5, 0.5],
  ] as const) {
    const weights = await saved(t, await standardized(mean, std));
    const { best, again, options } = await diagnose({ dataset: "bundled", weights, limit: 500 });
    const scale = mean === 0;
    t.like(best, {
      activation: "sigmoid",
      preprocessing: scale ? { kind: "scale" } : { kind: "standardize", mean, std },
      view: AS_STORED,
    });
    t.true(again !== null && again.accuracy > 0.97);
    const pixels = scale ? ["--normalize", "scale"] : ["--mean", `${mean}`, "--std", `${std}`];
    t.deepEqual(options, ["--activation", "sigmoid", ...pixels]);
  }
});

test("finds pixels that are 0 and 1, and the set's own statistics", async (t) => {
  const weights = await saved(t, await standardized(0, 1));
  const small = await changedSet(t, IMAGES, [blackOrWhite]);
  const { best } = await diagnose({ ...small, weights, limit: 400, activation: "sigmoid" });
  t.deepEqual(best?.preprocessing, { kind: "none" });
  // Statistics as NumPy has them: mean 0.1 and standard deviation 0.3 of pixels ÷ 255, one in ten being white.
  const tenth = await changedSet(t, IMAGES, [
    (_, to) =>
      to.forEach((_, n) => {
        to[n] = n % 10 === 0 ? 255 : 0;
      }),
  ]);
  const { candidates } = await diagnose({ ...tenth, weights, limit: 50, activation: "sigmoid" });
  const own = candidates
    .map(({ preprocessing }) => preprocessing)
    .filter((one) => one.kind === "standardize");
  // 79 of 784 pixels are white.
  t.true(own.some((one) => one.mean === 0.1008 && one.std === 0.301));
});

test("finds inverted and transposed pictures and shifted labels, for a network that states all else", async (t) => {
  for (const [changes, shift, view, options] of [
    [[same], 0, AS_STORED, []],
    [[inverted], 0, { ...AS_STORED, invert: true }, ["--invert"]],
    [[transposed], 0, { ...AS_STORED, transpose: true }, ["--transpose"]],
    [[], 1, { ...AS_STORED, labelOffset: -1 }, ["--label-offset", "-1"]],
    [
      [inverted, transposed],
      1,
      { ...AS_STORED, invert: true, transpose: true, labelOffset: -1 },
      ["--invert", "--transpose", "--label-offset", "-1"],
    ],
  ] as const) {
    const set = await changedSet(t, IMAGES, changes, shift);
    const diagnosis = await diagnose({ ...set, weights: "bundled", limit: 300 });
    t.deepEqual(diagnosis.best?.view, view);
    t.is(diagnosis.best?.activation, null);
    t.deepEqual(diagnosis.options, options);
    t.true(diagnosis.isClear);
  }
});

test("reports that no candidate beats chance for a network of other things", async (t) => {
  const weights = await saved(t, randomNetwork([784, 10], "relu", 3));
  const { best, again, options, chance, candidates } = await diagnose({ weights, limit: 200 });
  t.is(best, null);
  t.is(again, null);
  t.is(options, null);
  t.true(chance >= 0.1 && candidates.every(({ interval }) => interval[0] <= chance));
  const { status, stdout } = await runCli(["diagnose", "--weights", weights, "--limit", "200"]);
  t.is(status, 0);
  t.regex(stdout, /none of [\d,]+ candidates beats chance/);
  t.false(stdout.includes("Command"));
});

test("tries nothing that the file or an option states", async (t) => {
  const stated = await diagnose({ weights: "bundled", limit: 100, invert: false, labelOffset: 0 });
  t.is(stated.candidates.length, 1);
  const weights = await saved(t, await standardized(0, 1));
  const given = { weights, limit: 100, transpose: false, labelOffset: 0 };
  const count = async (more: object) => (await diagnose({ ...given, ...more })).candidates.length;
  t.is(await count({ activation: "sigmoid", normalize: "scale" }), 1);
  t.is(await count({ activation: "relu" }), 5);
  t.is(await count({ mean: 0.5, std: 0.5 }), 3);
});

test("the same seed draws the same images, another one others; the second sample is of other images", async (t) => {
  const run = (seed: number) => diagnose({ weights: "bundled", limit: 150, seed });
  const [first, again, other] = [await run(5), await run(5), await run(6)];
  t.deepEqual(first, again);
  t.notDeepEqual(first.candidates, other.candidates);
  const all = await diagnose({ ...(await changedSet(t, 300, [])), weights: "bundled", limit: 1000 });
  t.is(all.images, 150);
  t.is(all.again?.total, 150);
});

test("a slow network takes a first look, and the best of it are tried in full", async (t) => {
  // 60 readings of 2,200 images with 79,400 products each: just too many.
  const wide = randomNetwork([784, 100, 10], "relu", 4);
  const path = join(await temporaryFolder(t), "wide.npz");
  await writeFile(path, encodeNpz(wide, "float32"));
  const { candidates } = await diagnose({ weights: path, limit: 2200, labelOffset: 0 });
  t.is(candidates.filter(({ total }) => total === 2200).length, 8);
  t.is(candidates.filter(({ total }) => total === 100).length, 60 - 8);
});

test("intervals are Wilson's at the level that Bonferroni asks for, as SciPy has it", (t) => {
  for (const [correct, total, comparisons, low, high] of [
    [934, 1000, 1, 0.9168907240940241, 0.9477876495405142],
    [934, 1000, 12, 0.9077845503760027, 0.9531474422671828],
    [934, 1000, 180, 0.8994257319983082, 0.9572535991062247],
    [0, 5, 1e6, 0, 0.8559774492521968],
  ] as const) {
    const [foundLow, foundHigh] = wilsonAmong(correct, total, comparisons);
    t.true(Math.abs(foundLow - low) < 1e-10, `${foundLow}`);
    t.true(Math.abs(foundHigh - high) < 1e-10, `${foundHigh}`);
  }
});

test("the command line prints a table, the command that gives the best, and that it is no accuracy to report", async (t) => {
  const set = await changedSet(t, IMAGES, [inverted]);
  const weights = join(await temporaryFolder(t), "our network.safetensors");
  await writeFile(weights, encodeSafetensors(await loadNetwork("bundled")));
  const args = ["--dataset", set.dataset, "--labels", set.labels, "--weights", weights];
  const { status, stdout, stderr } = await runCli(["diagnose", ...args, "--limit", "200"]);
  t.is(status, 0, stderr);
  t.regex(stdout, /^accuracy +interval +images +pixels +layers +pictures +labels$/m);
  t.regex(stdout, /chosen on these images: not an accuracy to report/);
  const command = /^Command +: batchwise (.*)$/m.exec(stdout)?.[1];
  t.is(command, `--dataset ${set.dataset} --labels ${set.labels} --weights '${weights}' --invert`);
  const { stdout: json } = await runCli(["diagnose", ...args, "--limit", "200", "--format", "json"]);
  const { options, note, candidates } = JSON.parse(json);
  t.deepEqual(options, ["--invert"]);
  t.regex(note, /not an accuracy to report/);
  const evaluated = await runCli([...args, ...options, "--format", "json", "--threads", "0"]);
  t.true(JSON.parse(evaluated.stdout).result.accuracy >= candidates[0].interval[0]);
});

test("refuses images without labels", async (t) => {
  const { dataset } = await changedSet(t, 300, []);
  await t.throwsAsync(diagnose({ dataset, labels: false }), { instanceOf: UsageError });
});

test("evaluate hints at wrong readings, on stderr alone, and leaves its numbers as they are", async (t) => {
  const run = async (set: { dataset: string; labels: string }, ...more: string[]) => {
    const args = ["--dataset", set.dataset, "--labels", set.labels, "--threads", "0", "--quiet", ...more];
    const { status, stdout, stderr } = await runCli([...args, "--format", "json"]);
    t.is(status, 0, stderr);
    t.false(stdout.includes("hint"));
    return stderr;
  };
  const bright = await changedSet(t, 400, [inverted]);
  t.regex(await run(bright), /^hint: .*most pixels are bright.*batchwise diagnose.*\n$/);
  t.is(await run(bright, "--limit", "199"), "");
  t.is(await run(bright, "--invert"), "");
  const dark = await changedSet(t, 400, [blackOrWhite]);
  t.regex(
    await run(dark),
    /^hint: accuracy 0\.\d{4} is no better than chance \(0\.\d{4}\);.*no pixel exceeds 1/,
  );
  const shifted = await changedSet(t, 400, [(_, to) => to.fill(0)]);
  t.regex(await run(shifted), /class \d has 100 % of the predictions and \d+ % of the labels/);
  t.is(await run(await changedSet(t, 400, [])), "");
});
