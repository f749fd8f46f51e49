/** Two networks on the same images: where they agree, and which of them is right. */

/** Images by who predicted the label. */
export interface PairedCounts {
  readonly both: number;
  readonly onlyA: number;
  readonly onlyB: number;
  readonly neither: number;
}

export interface Agreement extends PairedCounts {
  /** (classes × classes) counts, row-major; rows are A's predictions, columns B's. */
  readonly matrix: Uint32Array;
}

/** labels (images) u8; predictions (images) u16 of each network, in the same order, each below `classes`. */
export function agreementOf(
  labels: Uint8Array,
  predictionsA: Uint16Array,
  predictionsB: Uint16Array,
  classes: number,
): Agreement {
  const matrix = new Uint32Array(classes * classes);
  let both = 0;
  let onlyA = 0;
  let onlyB = 0;
  for (let image = 0; image < labels.length; image++) {
    const a = predictionsA[image];
    const b = predictionsB[image];
    matrix[a * classes + b]++;
    if (a === labels[image] && b === labels[image]) both++;
    else if (a === labels[image]) onlyA++;
    else if (b === labels[image]) onlyB++;
  }
  return { matrix, both, onlyA, onlyB, neither: labels.length - both - onlyA - onlyB };
}
