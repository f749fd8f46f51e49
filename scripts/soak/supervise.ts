/** Runs a part of the soak in a process of its own, and watches what it takes of the machine. */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Allowance, type Flatness, flatnessOf, type Sample, unevenness } from "./flatness.js";
import { footprintOf } from "./footprint.js";
import type { Message, Order, Part } from "./part.js";

const CHILD = fileURLToPath(new URL("child.js", import.meta.url));
/** From the part's last word to the end of its process. */
const END_WITHIN_MS = 5000;

export interface WatchOptions extends Pick<Order, "amount" | "seconds" | "isSabotaged"> {
  readonly sampleEveryMs: number;
  readonly allowed: Allowance;
}

export interface PartReport {
  readonly name: string;
  readonly unit: string;
  readonly asked: number;
  readonly done: number;
  /** Duration of the part's own work. */
  readonly elapsedMs: number;
  readonly samples: readonly Sample[];
  readonly flatness: Flatness | undefined;
  /** What was wrong, one line each. */
  readonly problems: readonly string[];
}

export async function watchPart({ name, unit }: Part, options: WatchOptions): Promise<PartReport> {
  const { amount, seconds, isSabotaged, sampleEveryMs, allowed } = options;
  const folder = await mkdtemp(join(tmpdir(), "batchwise-soak-"));
  try {
    const order: Order = { part: name, amount, folder, seconds, isSabotaged };
    const child = fork(CHILD, [JSON.stringify(order)], { execArgv: ["--expose-gc"] });
    const watched = await watch(child, sampleEveryMs);
    const flatness = flatnessOf(watched.samples);
    const problems = [...watched.problems, ...unevenness(flatness, allowed)];
    return { name, unit, asked: amount, ...watched, flatness, problems };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type Watched = Pick<PartReport, "done" | "elapsedMs" | "samples" | "problems">;

async function watch(child: ChildProcess, sampleEveryMs: number): Promise<Watched> {
  const samples: Sample[] = [];
  let done = 0;
  let beganAt: number | undefined;
  let elapsedMs = 0;
  let problems: readonly string[] | undefined;
  const ended = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => resolve(signal ?? `status ${code}`));
  });
  const timer = setInterval(() => {
    const footprint = child.pid === undefined ? undefined : footprintOf(child.pid);
    if (beganAt === undefined || problems !== undefined || footprint === undefined) return;
    samples.push({ elapsedMs: performance.now() - beganAt, done, ...footprint });
  }, sampleEveryMs);
  const spoken = new Promise<void>((resolve) => {
    child.on("message", (message: Message) => {
      if (message.kind === "began") beganAt = performance.now();
      else if (message.kind === "done") done = message.amount;
      else {
        elapsedMs = performance.now() - (beganAt ?? performance.now());
        problems = message.problems;
        resolve();
      }
    });
  });
  try {
    const early = await Promise.race([spoken, ended]);
    const status = early ?? (await Promise.race([ended, sleep(END_WITHIN_MS, undefined, { ref: false })]));
    const unended = status === undefined ? ["something that it left behind holds its process"] : [];
    const crashed = problems === undefined ? [`its process ended with ${status}`] : [];
    return { done, elapsedMs, samples, problems: [...(problems ?? []), ...unended, ...crashed] };
  } finally {
    clearInterval(timer);
    child.kill("SIGKILL");
  }
}
