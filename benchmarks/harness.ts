/** How every benchmark here measures: warm up, interleave the rivals round by round, print median and spread. */
import { cpus } from "node:os";
import { setTimeout } from "node:timers/promises";

export interface Rival {
  readonly name: string;
  /** One timed pass; answers its milliseconds, which the rival takes itself so that its preparation is left out. */
  run(): Promise<number> | number;
}

export interface Measured {
  readonly name: string;
  readonly medianMs: number;
  readonly fastestMs: number;
  readonly slowestMs: number;
  readonly samplesMs: readonly number[];
}

/** Before each turn, so that no rival pays for the threads that another leaves spinning. */
const PAUSE_MS = 30;

export interface WarmUps {
  /** Untimed ones, before all others. */
  readonly rounds: number;
  /** Untimed passes for so long before each timed one, which then finds caches and clock as steady work leaves them. */
  readonly settleMs: number;
}

/** Everything is warm. */
export const STEADY: WarmUps = { rounds: 1, settleMs: 60 };

export async function measure(
  rivals: readonly Rival[],
  rounds: number,
  warmUps: WarmUps = { rounds: 2, settleMs: 0 },
): Promise<Measured[]> {
  const samples = rivals.map((): number[] => []);
  for (let round = -warmUps.rounds; round < rounds; round++) {
    for (const [n, rival] of rivals.entries()) {
      await setTimeout(PAUSE_MS);
      const settledAt = performance.now() + warmUps.settleMs;
      while (performance.now() < settledAt) await rival.run();
      const elapsedMs = await rival.run();
      if (round >= 0) samples[n]!.push(elapsedMs);
    }
  }
  return rivals.map(({ name }, n) => summarize(name, samples[n]!));
}

function summarize(name: string, samplesMs: readonly number[]): Measured {
  const sorted = samplesMs.toSorted((a, b) => a - b);
  return {
    name,
    medianMs: median(sorted),
    fastestMs: sorted[0]!,
    slowestMs: sorted[sorted.length - 1]!,
    samplesMs,
  };
}

/** The upper of the two in the middle, of an even number. */
export function median(values: readonly number[]): number {
  const middle = values.toSorted((a, b) => a - b).at(values.length / 2);
  if (middle === undefined) throw new Error("no values, no median");
  return middle;
}

/** Milliseconds that the work takes. */
export async function timed(work: () => unknown): Promise<number> {
  const beganAt = performance.now();
  await work();
  return performance.now() - beganAt;
}

/** The member of each family with the least median, as `family (member, best of n)`; one without siblings as it is. */
export function bestOfEach(
  measured: readonly Measured[],
  familyOf: (name: string) => string | undefined,
): Measured[] {
  const families = new Map<string, Measured[]>();
  for (const one of measured) {
    const family = familyOf(one.name) ?? one.name;
    families.set(family, [...(families.get(family) ?? []), one]);
  }
  return [...families].map(([family, members]) => {
    const best = members.reduce((a, b) => (b.medianMs < a.medianMs ? b : a));
    if (members.length === 1) return best;
    const member = best.name.slice(family.length).replace(/^, /, "");
    return { ...best, name: `${family} (${member}; best of ${members.length})` };
  });
}

export function machineText(versions: ReadonlyMap<string, string>): string {
  const listed = [["Node", process.version], ...versions].map(([name, version]) => `${name} ${version}`);
  return `${cpus().length} × ${cpus()[0]?.model ?? "unknown CPU"}; ${listed.join(", ")}`;
}

/** A Markdown table; numbers to the right. */
export function markdownTable(
  columns: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const rule = columns.map((_, n) => (n === 0 ? "---" : "---:"));
  return [columns, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** A Markdown table of medians and spreads, and of µs for each of `count` units where there are any. */
export function tableOf(measured: readonly Measured[], count?: number, unit = "an image"): string {
  const columns = ["", "median ms", "fastest to slowest"];
  const rows = measured.map(({ name, medianMs, fastestMs, slowestMs }) => {
    const cells = [name, medianMs.toFixed(1), `${fastestMs.toFixed(1)} to ${slowestMs.toFixed(1)}`];
    return count === undefined ? cells : [...cells, ((1000 * medianMs) / count).toFixed(2)];
  });
  return markdownTable(count === undefined ? columns : [...columns, `µs ${unit}`], rows);
}
