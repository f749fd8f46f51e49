/** Where two documents of JSON say different things, and how far apart their fractions are. */

export interface Differences {
  /** One line each: where, and what stands there. Empty where they say the same. */
  readonly lines: readonly string[];
  /** Largest difference of all fractions in the same place. */
  readonly largest: number;
}

/** Whole numbers and all else must be identical; fractions may be `tolerance` apart. */
export function differencesOf(one: unknown, other: unknown, tolerance: number): Differences {
  const lines: string[] = [];
  let largest = 0;

  function compare(a: unknown, b: unknown, path: string): void {
    // Where one of two is whole, it may stand for 0.9999999999999999.
    if (typeof a === "number" && typeof b === "number" && !(Number.isInteger(a) && Number.isInteger(b))) {
      const apart = Math.abs(a - b);
      largest = Math.max(largest, apart);
      if (apart <= tolerance) return;
    } else if (isTree(a) && isTree(b)) {
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
        compare(a[key], b[key], path === "" ? key : `${path}.${key}`);
      }
      return;
    } else if (a === b) {
      return;
    }
    lines.push(`${path}: ${JSON.stringify(a)} and ${JSON.stringify(b)}`);
  }

  compare(one, other, "");
  return { lines, largest };
}

function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
