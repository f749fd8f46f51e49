/** A preprocessing in words, for people. */
import type { Preprocessing } from "#src/base/contracts/preprocessing.js";

/** `pixels ÷ 255`, `(pixels ÷ 255 − 0.1307) ÷ 0.3081`, … */
export function preprocessingText(preprocessing: Preprocessing): string {
  switch (preprocessing.kind) {
    case "none":
      return "pixels as they are";
    case "scale":
      return "pixels ÷ 255";
    case "standardize":
      return `(pixels ÷ 255 − ${preprocessing.mean.toFixed(4)}) ÷ ${preprocessing.std.toFixed(4)}`;
    case "whiten-zca":
      return `pixels ÷ 255, ZCA-whitened with ε = ${preprocessing.epsilon}, folded into W1 and b1`;
    case "whiten-pca":
      return `pixels ÷ 255, PCA-whitened with ε = ${preprocessing.epsilon}, folded into W1 and b1`;
  }
}
