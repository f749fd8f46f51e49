/** How every benchmark here measures: warm up, interleave the rivals round by round, print median and spread. */
import { cpus } from "node:os";

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

export async function measure(rivals: readonly Rival[], rounds: number, warmups = 2): Promise<Measured[]> {
  const samples = rivals.map((): number[] => []);
  for (let round = -warmups; round < rounds; round++) {
    for (const [n, rival] of rivals.entries()) {
      const elapsedMs = await rival.run();
      if (round >= 0) samples[n].push(elapsedMs);
    }
  }
  return rivals.map(({ name }, n) => summarize(name, samples[n]));
}

function summarize(name: string, samplesMs: readonly number[]): Measured {
  const sorted = samplesMs.toSorted((a, b) => a - b);
  return {
    name,
    medianMs: sorted[Math.floor(sorted.length / 2)],
    fastestMs: sorted[0],
    slowestMs: sorted[sorted.length - 1],
    samplesMs,
  };
}

/** Milliseconds that the work takes. */
export async function timed(work: () => unknown): Promise<number> {
  const beganAt = performance.now();
  await work();
  return performance.now() - beganAt;
}

export function machineText(versions: Readonly<Record<string, string>>): string {
  const listed = Object.entries({ Node: process.version, ...versions }).map(
    ([name, version]) => `${name} ${version}`,
  );
  return `${cpus().length} × ${cpus()[0]?.model ?? "unknown CPU"}; ${listed.join(", ")}`;
}

/** A Markdown table of medians, spreads and µs an image. */
export function tableOf(measured: readonly Measured[], images: number): string {
  const rows = measured.map(
    ({ name, medianMs, fastestMs, slowestMs }) =>
      `| ${name} | ${medianMs.toFixed(1)} | ${fastestMs.toFixed(1)} to ${slowestMs.toFixed(1)} | ${((1000 * medianMs) / images).toFixed(2)} |`,
  );
  return ["| | median ms | fastest to slowest | µs an image |", "| --- | ---: | ---: | ---: |", ...rows].join(
    "\n",
  );
}
