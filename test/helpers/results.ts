/** Results with predictions, as the command line writes them. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PredictionsFormat } from "#src/base/contracts/run.js";
import { evaluate } from "#src/evaluate/evaluate.js";
import type { EvaluateInput } from "#src/evaluate/options.js";
import { openPredictions } from "#src/evaluate/predictions/writer.js";
import { renderJson } from "#src/reports/json.js";

/** The path of the JSON of an evaluation, whose predictions lie beside it. */
export async function writeResult(
  folder: string,
  name: string,
  input: EvaluateInput & { readonly labels?: string | undefined },
  format: PredictionsFormat = "ndjson",
): Promise<string> {
  const writer = await openPredictions({
    path: join(folder, `${name}.${format}`),
    format,
    topK: 2,
    labelled: true,
  });
  const evaluation = await evaluate(
    { ...input, probabilities: true },
    {
      onSlab: ({ probabilities = new Float64Array(0), ranking = new Uint16Array(0), ...slab }) =>
        writer.add({ ...slab, probabilities, ranking }),
    },
  );
  const predictionsFile = await writer.finish(true);
  const path = join(folder, `${name}.json`);
  await writeFile(path, renderJson({ ...evaluation, predictionsFile: predictionsFile ?? null }));
  return path;
}
