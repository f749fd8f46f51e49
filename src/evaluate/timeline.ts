/** Which thread computed which batch when, in bounded memory: batches may be millions. */
import type { TimelineEntry } from "#src/base/contracts/run.js";

/** A page shows fewer, and in JSON they are less than a megabyte. */
const MOST_KEPT = 10_000;

export interface Timeline {
  /** In the order in which they came: those of all batches, or, of more than 10,000, of every second, every fourth and so on. */
  readonly entries: readonly TimelineEntry[];
  add(entry: TimelineEntry): void;
}

/** Which batches are kept depends on their numbers alone, and not on the order in which they come. */
export function createTimeline(): Timeline {
  let entries: TimelineEntry[] = [];
  /** The batches kept are those whose number is a multiple of it. */
  let every = 1;
  return {
    get entries() {
      return entries;
    },
    add(entry) {
      if (entry.batch % every !== 0) return;
      entries.push(entry);
      while (entries.length > MOST_KEPT) {
        every *= 2;
        entries = entries.filter(({ batch }) => batch % every === 0);
      }
    },
  };
}
