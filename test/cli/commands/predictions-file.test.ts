import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { RunError } from "#src/base/errors.js";
import { allocateSlab } from "#src/base/slab.js";
import { predictionsTarget } from "#src/cli/commands/report-file.js";
import { closeListeners } from "#src/evaluate/listeners.js";
import { PredictionsOutput } from "#src/evaluate/predictions/writer.js";
import { sampleEvaluation } from "../../helpers/sample-result.js";
import { temporaryFolder } from "../../helpers/temporary.js";

test("predictions that cannot be written are a fault beside the whole evaluation", async (t) => {
  const folder = join(await temporaryFolder(t), "gone");
  await mkdir(folder);
  const target = await predictionsTarget(join(folder, "p.csv"), undefined, true);
  t.is(target.topK, 5);
  const output = await PredictionsOutput.open(target);
  const slab = allocateSlab({ firstImage: 0, count: 1, inputs: 4 });
  await output.slab({
    ...slab,
    probabilities: Float64Array.from([0.75, 0.25]),
    ranking: Uint16Array.from([0, 1]),
  });
  await rm(folder, { recursive: true });
  const { evaluation, written, faults } = await closeListeners([output], {
    evaluation: { ...sampleEvaluation(), predictionsFile: null },
  });
  t.is(evaluation?.predictionsFile, null);
  t.is(evaluation?.result.total, 11);
  t.deepEqual([written.length, faults.length], [0, 1]);
  t.true(faults[0] instanceof RunError && faults[0].code === "ERR_OUTPUT_WRITE");
});
