/** What the user may have meant: the known name that is closest to the one found, when it is close at all. */
import { closest, distance } from "fastest-levenshtein";

/** `suggest("mnits", ["mnist", "fashion"])` → `"mnist"`; `undefined` when nothing is near. */
export function suggest(found: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const nearest = closest(found, known);
  return distance(found, nearest) <= Math.max(2, Math.floor(found.length / 3)) ? nearest : undefined;
}
