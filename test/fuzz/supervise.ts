/** Lets a process of its own read the mutants, so that a crash or a hang is a finding and not the end. */
import { fork } from "node:child_process";
import { closeSync, openSync, readSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Fault, Message, Order } from "./report.js";

const CHILD = fileURLToPath(new URL("child.js", import.meta.url));
/** The heap, in MB: what runs away ends soon, and as a crash. */
const HEAP_MB = 512;
const LOOK_MS = 1_000;
/** Without a mutant more for so many looks is a hang, on a busy machine too. */
const MOST_LOOKS = 20;

export interface ReaderReport {
  readonly reader: string;
  mutations: number;
  elapsedMs: number;
  slowestMs: number;
  growthBytes: number;
  readonly outcomes: Map<string, number>;
  readonly faults: Fault[];
}

export interface Campaign {
  readonly readers: readonly string[];
  /** Mutations of each reader. */
  readonly mutations: number;
  readonly seed: number;
}

/** What was found of each reader, in the order given. */
export async function fuzz(campaign: Campaign): Promise<ReaderReport[]> {
  const folder = await mkdtemp(join(tmpdir(), "batchwise-fuzz-"));
  const progressPath = join(folder, "progress");
  const reports = campaign.readers.map(
    (reader): ReaderReport => ({
      reader,
      mutations: 0,
      elapsedMs: 0,
      slowestMs: 0,
      growthBytes: 0,
      outcomes: new Map(),
      faults: [],
    }),
  );
  try {
    let [place, firstMutation] = [0, 0];
    while (place < reports.length) {
      await writeFile(progressPath, Buffer.alloc(8));
      const readers = campaign.readers.slice(place);
      const order: Order = { ...campaign, readers, firstMutation, folder, progressPath };
      const ending = await runChild(order, (message) => {
        const report = reports.find(({ reader }) => reader === message.reader);
        if (report !== undefined) add(report, message);
      });
      if (ending === undefined) break;
      const [at, mutation] = readProgress(progressPath);
      const report = reports[place + at]!;
      report.faults.push({ reader: report.reader, mutation, ...ending });
      // The mutants of its batch before it are not read again; they did no harm.
      [place, firstMutation] = [place + at, mutation + 1];
    }
    return reports;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function add(report: ReaderReport, message: Message): void {
  report.mutations += message.done;
  report.elapsedMs += message.elapsedMs;
  report.slowestMs = Math.max(report.slowestMs, message.slowestMs);
  report.growthBytes = Math.max(report.growthBytes, message.growthBytes);
  report.faults.push(...message.faults);
  for (const [outcome, count] of Object.entries(message.outcomes)) {
    report.outcomes.set(outcome, (report.outcomes.get(outcome) ?? 0) + count);
  }
}

/** Undefined where the process did all of its work. */
async function runChild(
  order: Order,
  onMessage: (message: Message) => void,
): Promise<Pick<Fault, "kind" | "detail"> | undefined> {
  const child = fork(CHILD, [JSON.stringify(order)], {
    execArgv: ["--expose-gc", `--max-old-space-size=${HEAP_MB}`],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  child.on("message", onMessage);
  let said = "";
  child.stderr?.on("data", (piece) => {
    said = `${said}${piece}`.slice(-2_000);
  });
  let hung = false;
  const looking = watch(order.progressPath, () => {
    hung = true;
    child.kill("SIGKILL");
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.once("close", (...ending) => resolve(ending));
  });
  clearInterval(looking);
  if (hung) return { kind: "hang", detail: `no answer in ${(MOST_LOOKS * LOOK_MS) / 1000} s` };
  return code === 0
    ? undefined
    : { kind: "crash", detail: `the process ended with ${signal ?? code}: ${said}` };
}

function watch(progressPath: string, onHang: () => void): NodeJS.Timeout {
  let last = "";
  let looks = 0;
  return setInterval(() => {
    const now = readProgress(progressPath).join();
    looks = now === last ? looks + 1 : 0;
    last = now;
    if (looks === MOST_LOOKS) onHang();
  }, LOOK_MS);
}

function readProgress(path: string): [place: number, mutation: number] {
  const bytes = Buffer.alloc(8);
  const file = openSync(path, "r");
  readSync(file, bytes, 0, bytes.length, 0);
  closeSync(file);
  return [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
}
