/** HTML report of a comparison, and the choice of its images. */

import type { ComparedSide, Comparison } from "#src/base/contracts/comparison.js";
import { type Dataset, hashOf, imageBytes } from "#src/base/contracts/dataset.js";
import { inTurn } from "#src/base/slab.js";
import { type AnsweredByBoth, answeredByBoth, type PairedAnswers } from "#src/evaluate/compare/summary.js";
import { differenceText, pValueText } from "#src/reports/comparison-words.js";
import { limitsFor } from "./choose-images.js";
import { renderPage } from "./document.js";
import type { ClassScores, ComparedImage, ImageLimits, PageSide } from "./page-data.js";
import { matrixData } from "./to-page-data.js";

/** HTML document. `data` is the compared data set; the images that the page shows are read from it. */
export async function renderComparisonPage(
  comparison: Comparison,
  answers: PairedAnswers,
  data: Pick<Dataset, "facts" | "slabs">,
): Promise<string> {
  const { dataset, a, b, run, timing } = comparison;
  const { agreementMatrix, onlyARight: _a, onlyBRight: _b, ...result } = comparison.result;
  const { shape } = data.facts;
  const { name, split, total, offset, view, classNames } = dataset;
  const answered = answeredByBoth(answers);
  const limits = limitsFor(agreementMatrix.length, imageBytes(shape));
  const images = chooseComparedImages(answered, offset, limits);
  return renderPage({
    title: `${a.name} and ${b.name} on ${name} · comparison`,
    summary:
      comparison.result.total === 0
        ? "No image has a prediction from both networks."
        : `A minus B in accuracy: ${differenceText(comparison.result)}; McNemar's exact p = ${pValueText(result.mcnemarPValue)}.`,
    data: {
      kind: "comparison",
      dataset: { name, split, sha256: hashOf(dataset), total, offset, view },
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

/** Facts of a side, without paths of this machine. */
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

/**
 * Chooses `limits.mistakes` images that at least one side predicts wrong: a part from each of the groups only A right, only
 * B right and neither right. Also chooses `limits.rightPerClass` images per class that both predict right.
 * The first images of each group are taken, in the order of the data.
 *
 * @param offset index of the first compared image within the data set
 */
export function chooseComparedImages(
  { places, labels, predictions: [a, b] }: AnsweredByBoth,
  offset: number,
  limits: ImageLimits,
): ComparedImage[] {
  const groups = { onlyA: [] as number[], onlyB: [] as number[], neither: [] as number[] };
  const bothRight = new Map<number, number[]>();
  for (const [n, label] of labels.entries()) {
    const [aIsRight, bIsRight] = [a[n] === label, b[n] === label];
    if (aIsRight && bIsRight) {
      const ofClass = bothRight.get(label) ?? [];
      bothRight.set(label, ofClass);
      if (ofClass.length < limits.rightPerClass) ofClass.push(n);
    } else groups[aIsRight ? "onlyA" : bIsRight ? "onlyB" : "neither"].push(n);
  }
  const parts = Object.values(groups);
  const shares = sharesOf(
    parts.map(({ length }) => length),
    limits.mistakes,
  );
  return [...parts.flatMap((part, g) => part.slice(0, shares[g]!)), ...[...bothRight.values()].flat()]
    .sort((x, y) => x - y)
    .map((n) => ({ index: offset + places[n]!, label: labels[n]!, a: a[n]!, b: b[n]! }));
}

/** Share of `room` for each size. Small groups get all they need; large groups share the rest equally. */
function sharesOf(sizes: readonly number[], room: number): number[] {
  const shares = sizes.map(() => 0);
  let left = room;
  const bySize = [...sizes.keys()].sort((x, y) => sizes[x]! - sizes[y]!);
  for (const [rank, n] of bySize.entries()) {
    shares[n] = Math.min(sizes[n]!, Math.floor(left / (bySize.length - rank)));
    left -= shares[n];
  }
  return shares;
}

/** Pixels of each image, (inputs) u8. `images` are in the order of the data. */
export async function readPixels(
  data: Pick<Dataset, "slabs">,
  images: readonly Pick<ComparedImage, "index">[],
): Promise<Uint8Array[]> {
  const read: Uint8Array[] = [];
  if (images.length === 0) return read;
  const offset = images[0]!.index;
  const range = { offset, limit: images[images.length - 1]!.index + 1 - offset };
  // A slab has at least one image.
  for await (const { firstImage, count, inputs, pixels } of inTurn(
    data.slabs(range, { multiple: 1, lanes: 1 }),
  )) {
    while (read.length < images.length && images[read.length]!.index < firstImage + count) {
      const i = images[read.length]!.index - firstImage;
      // A copy, because the slab's memory is reused.
      read.push(Uint8Array.from(pixels.subarray(i * inputs, (i + 1) * inputs)));
    }
  }
  return read;
}
