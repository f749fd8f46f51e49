/** The nearest known word to one that is not known. */
import { closest, distance } from "fastest-levenshtein";

/** The known word that `found` is probably a slip of; undefined where none is near. */
export function suggest(found: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const nearest = closest(found, known);
  return distance(found, nearest) <= Math.max(2, Math.floor(found.length / 3)) ? nearest : undefined;
}
