/** `batchwise report RESULT.json`: writes the HTML report of an earlier evaluation. */

import { basename, dirname, join } from "node:path";
import type { Command } from "commander";
import { hashOf } from "#src/base/contracts/dataset.js";
import type { ResultFile } from "#src/base/contracts/result.js";
import { FULL_FORMATS } from "#src/base/contracts/run.js";
import { DatasetError } from "#src/base/errors.js";
import type { FlagsOf } from "#src/base/options/table.js";
import { inTurn } from "#src/base/slab.js";
import { assertDistinct } from "#src/cli/distinct-files.js";
import { readDataset } from "#src/data/registry.js";
import { findPredictions, readPredictions } from "#src/evaluate/predictions/reader.js";
import { readResult } from "#src/evaluate/read-result.js";
import { writeFileWhole } from "#src/files/write-file.js";
import { chooseFromPredictions } from "#src/reports/html/choose-images.js";
import { renderReport } from "#src/reports/html/document.js";
import type { ReportInput } from "#src/reports/html/page-data.js";
import type { Context, RunWork } from "./context.js";
import { downloadOptions } from "./context.js";
import { createCommand } from "./options.js";
import { assertReportPath } from "./report-file.js";

type ReportFlags = FlagsOf<"report">;

const EXAMPLES = `
Images are read from where the result says. Predictions are read from there, or
from beside the result. Both must be the ones that the result was made from.

Example:
  batchwise --predictions predictions.ndjson --output result.json
  batchwise report result.json`;

export function reportCommand(runWork: RunWork): Command {
  return createCommand("report")
    .addHelpText("after", EXAMPLES)
    .action((path: string, flags: ReportFlags) => runWork((context) => runReport(path, flags, context)));
}

async function runReport(path: string, flags: ReportFlags, context: Context): Promise<readonly Error[]> {
  const output = flags.output ?? join(dirname(path), `${basename(path).replace(/\.json$/i, "")}.html`);
  await assertDistinct([{ option: "--output", path: output }], [{ option: "<result>", path }]);
  await assertReportPath("--output", output);
  const input = await readInput(path, flags, context);
  context.assume(input.evaluation.assumptions);
  await writeFileWhole(output, renderReport(input));
  context.nameWritten([output]);
  context.writeAnswer(`${output}\n`);
  return [];
}

async function readInput(path: string, { offline }: ReportFlags, context: Context): Promise<ReportInput> {
  const evaluation = await readResult(path);
  const { result, location, predictionsFile } = needed(path, evaluation);
  const { split, offset, view } = evaluation.dataset;
  const sha256 = hashOf(evaluation.dataset);
  const dataset = await readDataset({
    ...downloadOptions(context),
    dataset: location.dataset,
    labels: location.labels ?? undefined,
    split,
    ...view,
    ...location.reading,
    verify: evaluation.dataset.sha256 !== null,
    ...(offline !== undefined && { offline }),
  });
  const found = await dataset.sha256();
  if (found !== sha256) {
    throw new DatasetError("ERR_REPORT_DATA", {
      path,
      dataset: location.dataset,
      expected: sha256,
      found,
    });
  }
  // A slab holds at least one image.
  const { shape } = dataset.facts;
  const range = { offset, limit: dataset.facts.total - offset };
  const slabs = inTurn(dataset.slabs(range, { multiple: 1, lanes: 1 }));
  const predictionsPath = await findPredictions(predictionsFile.path, path);
  const predictions = readPredictions(predictionsPath, predictionsFile);
  const { chosen, matched, total } = await chooseFromPredictions(
    slabs,
    predictions,
    shape,
    result.confusionMatrix.length,
  );
  if (matched !== result.total || total !== result.total) {
    throw new DatasetError("ERR_REPORT_PREDICTIONS", {
      path: predictionsPath,
      expected: result.total,
      found: total,
      matched,
    });
  }
  return { evaluation: { ...evaluation, result }, shape, chosen };
}

interface Needed {
  readonly result: Extract<ResultFile["result"], { labelled: true }>;
  readonly location: NonNullable<ResultFile["dataset"]["location"]>;
  readonly predictionsFile: NonNullable<ResultFile["predictionsFile"]>;
}

/** Parts of a result that a report needs. */
function needed(path: string, { result, dataset: { location }, predictionsFile }: ResultFile): Needed {
  const refusal = (found: string) => new DatasetError("ERR_REPORT_RESULT", { path, found });
  if (!result.labelled) throw refusal("one without labels");
  if (predictionsFile === null) throw refusal("one without predictions");
  const { format } = predictionsFile;
  if (!FULL_FORMATS.some((full) => full === format)) throw refusal(`predictions in the format ${format}`);
  if (location === null) throw refusal("one whose data a program had passed opened");
  return { result, location, predictionsFile };
}
