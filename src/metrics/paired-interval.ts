/** How sure the difference of two accuracies over the same images is. */
import type { PairedCounts } from "./agreement.js";
import { wilson95 } from "./intervals.js";

/**
 * A's accuracy minus B's, and its interval at 95 %: the Wilson intervals of both, squared and added, less what the
 * correlation φ of the two takes away, which is corrected for continuity (R. G. Newcombe, Statistics in Medicine 17,
 * 2635–2650, 1998, method 10). [−1, 1] where there are no images.
 *
 * In float64: the terms of φ's numerator may pass 2⁵³, yet neither exceeds the root that it is divided by, so that φ is
 * wrong by 10⁻¹⁵ at most.
 */
export function pairedInterval95({ both, onlyA, onlyB, neither }: PairedCounts): {
  readonly difference: number;
  readonly low: number;
  readonly high: number;
} {
  const images = both + onlyA + onlyB + neither;
  if (images === 0) return { difference: 0, low: -1, high: 1 };
  const a = distances(both + onlyA, images);
  const b = distances(both + onlyB, images);
  const phi = correlation({ both, onlyA, onlyB, neither });
  const difference = (onlyA - onlyB) / images;
  return {
    difference,
    low: Math.max(-1, difference - squareAndAdd(a.toLow, b.toHigh, phi)),
    high: Math.min(1, difference + squareAndAdd(a.toHigh, b.toLow, phi)),
  };
}

/** From a proportion to the ends of its Wilson interval. */
function distances(correct: number, images: number): { readonly toLow: number; readonly toHigh: number } {
  const [low, high] = wilson95(correct, images);
  return { toLow: correct / images - low, toHigh: high - correct / images };
}

/** Newcombe's φ: a positive numerator is lowered by half the images, at most to 0; 0 where a network has one answer. */
function correlation({ both, onlyA, onlyB, neither }: PairedCounts): number {
  const rightA = both + onlyA;
  const wrongA = onlyB + neither;
  const rightB = both + onlyB;
  const wrongB = onlyA + neither;
  const root = Math.sqrt(rightA * wrongA) * Math.sqrt(rightB * wrongB);
  if (root === 0) return 0;
  const excess = both * neither - onlyA * onlyB;
  const corrected = excess > 0 ? Math.max(0, excess - (rightA + wrongA) / 2) : excess;
  return corrected / root;
}

/** √(x² − 2φxy + y²); with φ up to 1 this is at least (x − y)², but for rounding. */
function squareAndAdd(x: number, y: number, phi: number): number {
  return Math.sqrt(Math.max(0, x * x - 2 * phi * x * y + y * y));
}
