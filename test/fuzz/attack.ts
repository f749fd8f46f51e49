/** Reads mutants one by one: is each answer ours, in one line, right, soon, and without much memory? */
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { BatchwiseError } from "#src/base/errors.js";
import { type Mutant, mutantOf } from "./mutate.js";
import { peakBytes, resetPeak } from "./peak-memory.js";
import type { Fault, FaultKind, Findings } from "./report.js";
import type { Target } from "./target.js";

const MOST_MS = 100;
/** What is slow is read again: a busy machine is slow once, hostile input each time. */
const TRIES = 5;
const MOST_GROWTH_BYTES = 64 * 2 ** 20;
const MOST_MESSAGE_CHARACTERS = 2_000;

/** Where and how the mutants are read. */
export interface Attack {
  readonly target: Target;
  readonly seed: number;
  /** Path of the file for readers of files; for other readers, what messages name. */
  readonly path: string;
  /** Called before each mutant. */
  onMutation(mutation: number): void;
}

type Said = readonly [kind: FaultKind, detail: string] | string;

/** Mutants from `begin` to `end`. */
export async function attack(on: Attack, begin: number, end: number): Promise<Findings> {
  // Opened once: to empty a file and write it anew takes a disk longer than most readers take.
  const file = on.target.onDisk ? openSync(on.path, "w") : undefined;
  try {
    return await attackFrom({ ...on, file }, begin, end);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** The descriptor of the file, where the reader wants one. */
type OpenAttack = Attack & { readonly file: number | undefined };

async function attackFrom(on: OpenAttack, begin: number, end: number): Promise<Findings> {
  const found = new Tally();
  let longestBytes = 0;
  const growthBytes = await growthOf(async () => {
    for (let mutation = begin; mutation < end; mutation++) {
      on.onMutation(mutation);
      const mutant = mutantOf(on.target, on.seed, mutation);
      longestBytes = Math.max(longestBytes, mutant.bytes.length);
      await readOne(on, mutant, mutation, found);
    }
  });
  if (growthBytes > MOST_GROWTH_BYTES + longestBytes) await findGrowth(on, begin, end, found);
  return {
    outcomes: Object.fromEntries(found.outcomes),
    slowestMs: found.slowestMs,
    growthBytes,
    faults: found.faults,
  };
}

class Tally {
  readonly outcomes = new Map<string, number>();
  readonly faults: Fault[] = [];
  slowestMs = 0;
}

function lay({ file }: OpenAttack, bytes: Uint8Array): void {
  if (file === undefined) return;
  writeSync(file, bytes, 0, bytes.length, 0);
  ftruncateSync(file, bytes.length);
}

async function readOne(
  on: OpenAttack,
  { bytes, origin }: Mutant,
  mutation: number,
  found: Tally,
): Promise<void> {
  const { target, path } = on;
  const addFault = (kind: FaultKind, detail: string) =>
    found.faults.push({ reader: target.name, mutation, kind, detail: `${origin}: ${detail}` });

  lay(on, bytes);
  const startMs = performance.now();
  const said = await answerOf(target, bytes, path);
  let elapsedMs = performance.now() - startMs;
  for (let tries = 1; elapsedMs > MOST_MS && tries < TRIES; tries++) {
    elapsedMs = Math.min(elapsedMs, await computingMs(() => answerOf(target, bytes, path)));
  }
  found.slowestMs = Math.max(found.slowestMs, elapsedMs);
  if (elapsedMs > MOST_MS) addFault("slow", `${Math.round(elapsedMs)} ms`);
  if (typeof said !== "string") addFault(...said);
  const outcome = typeof said === "string" ? said : "fault";
  found.outcomes.set(outcome, (found.outcomes.get(outcome) ?? 0) + 1);
}

/** A code, `read`, or a fault. */
async function answerOf({ read, codes }: Target, bytes: Uint8Array, path: string): Promise<Said> {
  try {
    const wrong = await read(bytes, path);
    return wrong === undefined ? "read" : ["a wrong answer", wrong];
  } catch (error) {
    if (!(error instanceof BatchwiseError))
      return ["not an error of ours", String(error instanceof Error ? error.stack : error)];
    const { code, message } = error;
    if (!codes.test(code)) return ["a code that is not documented", message];
    if (/\p{Cc}/u.test(message) || message.length > MOST_MESSAGE_CHARACTERS) {
      return ["a message of several lines", JSON.stringify(message.slice(0, 300))];
    }
    return code;
  }
}

/** Time that passed or that the process computed, whichever is less. */
async function computingMs(act: () => Promise<unknown>): Promise<number> {
  const [startMs, startUsage] = [performance.now(), process.cpuUsage()];
  await act();
  const { user, system } = process.cpuUsage(startUsage);
  return Math.min(performance.now() - startMs, (user + system) / 1000);
}

async function growthOf(act: () => Promise<void>): Promise<number> {
  // Array buffers are freed by a thread beside; the second collection waits for it.
  globalThis.gc?.();
  globalThis.gc?.();
  const beforeBytes = resetPeak();
  await act();
  return Math.max(0, peakBytes() - beforeBytes);
}

/** A batch may have left its garbage lying; what one mutant takes by itself counts. */
async function findGrowth(on: OpenAttack, begin: number, end: number, found: Tally): Promise<void> {
  for (let mutation = begin; mutation < end; mutation++) {
    on.onMutation(mutation);
    const { bytes, origin } = mutantOf(on.target, on.seed, mutation);
    lay(on, bytes);
    const growthBytes = await growthOf(async () => {
      await answerOf(on.target, bytes, on.path);
    });
    if (growthBytes > MOST_GROWTH_BYTES + bytes.length) {
      const detail = `${origin}: ${growthBytes} bytes more at the peak`;
      found.faults.push({ reader: on.target.name, mutation, kind: "memory", detail });
    }
  }
}
