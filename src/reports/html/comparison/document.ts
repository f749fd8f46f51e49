/** The HTML page of a comparison. */

import type { ComparedSide, Comparison } from "#src/base/contracts/comparison.js";
import type { Dataset } from "#src/base/contracts/dataset.js";
import { answeredByBoth, type PairedAnswers } from "#src/evaluate/compare/summary.js";
import { differenceText, pValueText } from "#src/reports/comparison/words.js";
import { limitsFor } from "#src/reports/html/choose-images.js";
import { matrixData } from "#src/reports/html/matrix-data.js";
import { renderPage } from "#src/reports/html/shell.js";
import { chooseComparedImages, readPixels } from "./choose-images.js";
import type { ClassScores, PageSide } from "./page-data.js";

/** Reads the images that it shows from the data that were compared over. */
export async function renderComparisonPage(
  comparison: Comparison,
  answers: PairedAnswers,
  data: Pick<Dataset, "shape" | "slabs">,
): Promise<string> {
  const { dataset, a, b, run, timing } = comparison;
  const { agreementMatrix, onlyARight: _a, onlyBRight: _b, ...result } = comparison.result;
  const { shape } = data;
  const { name, split, sha256, total, offset, view, classNames } = dataset;
  const answered = answeredByBoth(answers);
  const limits = limitsFor(agreementMatrix.length, shape.rows * shape.columns);
  const images = chooseComparedImages(answered, offset, limits);
  return renderPage({
    title: `${a.name} and ${b.name} on ${name} · comparison`,
    summary: `A minus B in accuracy: ${differenceText(comparison.result)}; McNemar's exact p = ${pValueText(result.mcnemarPValue)}.`,
    data: {
      kind: "comparison",
      dataset: { name, split, sha256, total, offset, view },
      assumptions: comparison.assumptions,
      a: pageSide(a),
      b: pageSide(b),
      run,
      timing,
      result,
      classNames: agreementMatrix.map((_, label) => classNames?.[label] ?? String(label)),
      matrix: matrixData(agreementMatrix),
      perClass: classScores(answered),
      images,
      shape,
      limits,
    },
    pixels: await readPixels(data, images),
  });
}

/** Where things lie on this machine is not told. */
function pageSide({ name, sha256, layers, resultPath }: ComparedSide): PageSide {
  return { name, sha256, layers, source: resultPath === null ? "evaluated" : "result" };
}

function classScores({ labels, predictions: [a, b] }: ReturnType<typeof answeredByBoth>): ClassScores[] {
  const scores = new Map<number, { support: number; a: number; b: number }>();
  for (const [n, label] of labels.entries()) {
    const score = scores.get(label) ?? { support: 0, a: 0, b: 0 };
    scores.set(label, score);
    score.support++;
    if (a[n] === label) score.a++;
    if (b[n] === label) score.b++;
  }
  return [...scores].sort(([x], [y]) => x - y).map(([label, score]) => ({ label, ...score }));
}
