/** `batchwise score`: its outputs, gates and exit statuses. */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { runCli } from "../../helpers/cli.js";
import { npyBytes } from "../../helpers/npy.js";
import { validate } from "../../helpers/published-schemas.js";
import { temporaryFolder } from "../../helpers/temporary.js";

test("a network's predictions, scored as a file, give the evaluation's result byte for byte", async (t) => {
  const folder = await temporaryFolder(t);
  const [csv, evaluated, scored] = ["p.csv", "evaluated.json", "scored.json"].map((name) =>
    join(folder, name),
  );
  const first = await runCli(["--predictions", `${csv}`, "--output", `${evaluated}`, "--threads", "0"]);
  t.is(first.status, 0, first.stderr);
  const again = join(folder, "again.ndjson");
  const second = await runCli(
    ["score", `${csv}`, "--dataset", "bundled", "--output", `${scored}`, "--predictions", again].concat([
      "--report",
      join(folder, "page.html"),
      "--baseline",
      `${evaluated}`,
      "--bootstrap",
      "0",
    ]),
  );
  t.is(second.status, 0, second.stderr);
  const [a, b] = [await read(`${evaluated}`), await read(`${scored}`)];
  t.deepEqual(validate("result", b), []);
  t.deepEqual({ ...a.result, scores: null }, b.result);
  t.is(b.network.name, "predictions of p.csv");
  t.regex(await readFile(join(folder, "page.html"), "utf8"), /predictions of p\.csv on bundled/);

  const compared = await runCli(["compare", `${evaluated}`, `${scored}`, "--format", "json"]);
  t.is(compared.status, 0, compared.stderr);
  t.is(JSON.parse(compared.stdout).result.agreed, a.result.total);
  const reported = await runCli(["report", `${scored}`, "--output", join(folder, "later.html")]);
  t.is(reported.status, 0, reported.stderr);
});

async function read(path: string) {
  return JSON.parse(await readFile(path, "utf8"));
}

test("a missed gate, a wrong file and missing labels have their exit statuses", async (t) => {
  const folder = await temporaryFolder(t);
  const paths = { good: join(folder, "good.csv"), labels: join(folder, "labels.npy") };
  await writeFile(paths.good, "ImageId,Label\n1,0\n2,1\n");
  await writeFile(paths.labels, npyBytes([2], [0, 0]));
  const gate = ["score", paths.good, "--labels", paths.labels, "--min-accuracy"];
  const passed = await runCli([...gate, "0.5"]);
  t.is(passed.status, 0);
  t.regex(passed.stdout, /Engine {3}: none: the predictions were made elsewhere/);
  t.regex(passed.stdout, /Accuracy : 0\.5\n$/);
  t.is((await runCli([...gate, "0.6"])).status, 100);
  const none = await runCli(["score", paths.good]);
  t.is(none.status, 2);
  t.regex(none.stderr, /ERR_USAGE.*has no column actual: give the labels with --labels FILE/);
  const junit = await runCli(["score", paths.labels, "--labels", paths.good, "--format", "junit"]);
  t.is(junit.status, 0, "files can change their roles");
  await writeFile(paths.good, "ImageId,Label\n1,0\n1,1\n");
  const wrong = await runCli([...gate, "0.5", "--format", "junit"]);
  t.is(wrong.status, 3);
  t.regex(wrong.stdout, /ERR_ANSWERS_ROW/);
});

test("writes a Kaggle submission, and what DVC plots, of a network's and of others' predictions", async (t) => {
  const folder = await temporaryFolder(t);
  const [kaggle, dvc, result] = ["submission.csv", "confusion.csv", "result.json"].map((name) =>
    join(folder, name),
  );
  const few = ["--offset", "5", "--limit", "3", "--threads", "0", "--output", `${result}`];
  const first = await runCli([...few, "--predictions", `${kaggle}`, "--predictions-format", "kaggle"]);
  t.is(first.status, 0, first.stderr);
  t.regex(await readFile(`${kaggle}`, "utf8"), /^ImageId,Label\n6,\d\n7,\d\n8,\d\n$/);
  const answered = await read(`${result}`);
  t.deepEqual(validate("result", answered), []);
  t.is(answered.predictionsFile.format, "kaggle");
  for (const args of [
    ["compare", `${result}`, "bundled"],
    ["report", `${result}`],
  ]) {
    const { status, stderr } = await runCli(args);
    t.is(status, 3);
    t.regex(stderr, /predictions in the format kaggle/);
  }

  const given = join(folder, "given.csv");
  await writeFile(given, "prediction,actual\n1,1\n2,0\n");
  const second = await runCli(["score", given, "--predictions", `${dvc}`, "--predictions-format", "dvc"]);
  t.is(second.status, 0, second.stderr);
  t.is(await readFile(`${dvc}`, "utf8"), "actual,predicted\n1,1\n0,2\n");
  const again = await runCli(["score", `${dvc}`]);
  t.regex(again.stdout, /Accuracy : 0\.5\n$/);
  const unlabelled = await runCli(["--no-labels", "--predictions", `${dvc}`, "--predictions-format", "dvc"]);
  t.is(unlabelled.status, 2);
  t.is((await runCli(["--predictions-format", "dvc"])).status, 2);
});
