/**
 * Seeded runs under injected faults, and the one invariant: a run ends with the clean run's result, or with a coded error
 * whose partial result has whole batches; what it wrote is whole; a journal can be resumed to the clean result.
 */

import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { BatchwiseError, ERROR_CODES, type ErrorCode, RunError } from "#src/base/errors.js";
import { main } from "#src/cli/main.js";
import { evaluateWith, type OpenExecutor } from "#src/evaluate/evaluate.js";
import { IncompleteError } from "#src/index.js";
import { openExecutor } from "#src/pool/registry.js";
import { caughtStderr } from "../helpers/caught-stderr.js";
import { seeded } from "../helpers/random.js";
import type { FsFaults } from "./fs-faults.js";
import {
  type Clean,
  type Counts,
  differenceOf,
  partialFault,
  SIMULATED_ENGINES,
  type TypedPlan,
} from "./invariant.js";

/** The copied files: images, labels and weights. */
export interface Inputs {
  readonly folder: string;
  readonly images: readonly string[];
  readonly labels: string;
  readonly weights: string;
}

const OUTPUTS = ["run.journal", "out.json", "out.ndjson", "out.ndjson.partial"];
const LIMITS = [60, 130, 400];
const BATCH_SIZES = [1, 7, 50, 100, 400];
/** Faults of one kind of call let the later calls of a run be reached. */
const ONLY = [
  undefined,
  ["read"],
  ["write"],
  ["open"],
  ["stat"],
  ["sync", "datasync", "close", "rename", "truncate"],
];
/** Most milliseconds of a run: beyond it the run hangs. */
const LONGEST_MS = 60_000;

export interface Outcome {
  /** `clean`, or the code of the error. */
  readonly ending: string;
  /** What broke the invariant. */
  readonly violation?: string;
}

export class Simulation {
  readonly #inputs: Inputs;
  readonly #faults: FsFaults;
  readonly #clean = new Map<number, Clean>();
  readonly #workers = new Set<Worker>();

  constructor(inputs: Inputs, faults: FsFaults) {
    this.#inputs = inputs;
    this.#faults = faults;
    process.on("worker", (worker: Worker) => {
      this.#workers.add(worker);
      worker.once("exit", () => this.#workers.delete(worker));
    });
  }

  async run(seed: number): Promise<Outcome> {
    const random = seeded(seed);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
    const plan: Plan = {
      limit: pick(LIMITS),
      batchSize: pick(BATCH_SIZES),
      engine: pick(SIMULATED_ENGINES),
      threads: pick([0, 0, 0, 1, 2]),
      images: pick(this.#inputs.images),
      hasJournal: random() < 0.5,
      isTyped: random() < 0.5,
      probability: pick([0, 0.01, 0.05, 0.3]),
      only: pick(ONLY),
    };
    const clean = await this.#cleanRun(plan.limit);
    const abort = new AbortController();
    const stops: (() => void)[] = [];
    if (plan.threads > 0 && random() < 0.5) {
      const timer = setTimeout(() => {
        const worker = pick([...this.#workers]);
        if (worker === undefined) return;
        this.#count("thread is killed");
        void worker.terminate();
      }, random() * 120);
      stops.push(() => clearTimeout(timer));
    }
    if (random() < 0.15) {
      const timer = setTimeout(() => {
        this.#count("run is interrupted");
        abort.abort("SIGTERM");
      }, random() * 40);
      stops.push(() => clearTimeout(timer));
    }
    this.#faults.arm(random, plan.probability, plan.only);
    const work = plan.isTyped
      ? this.#command(plan, clean, abort.signal)
      : this.#library(plan, clean, abort.signal, random);
    const late = new AbortController();
    const hang = sleep(LONGEST_MS, { ending: "hang", violation: "it hangs" }, { signal: late.signal });
    try {
      const outcome = await Promise.race([work, hang]);
      this.#faults.disarm();
      if (outcome.violation !== undefined || !plan.hasJournal) return outcome;
      return { ...outcome, ...(await this.#resumed(plan, clean)) };
    } catch (error) {
      const shown =
        error instanceof BatchwiseError ? `${error.code}: ${error.message}` : String((error as Error).stack);
      return { ending: "fault", violation: shown };
    } finally {
      this.#faults.disarm();
      late.abort();
      hang.catch(() => {});
      for (const stop of stops) stop();
      for (const name of OUTPUTS) await rm(join(this.#inputs.folder, name), { force: true });
    }
  }

  #count(kind: string): void {
    const { injected } = this.#faults;
    injected.set(kind, (injected.get(kind) ?? 0) + 1);
  }

  async #cleanRun(limit: number): Promise<Clean> {
    const known = this.#clean.get(limit);
    if (known !== undefined) return known;
    const plan: TypedPlan = {
      limit,
      batchSize: 100,
      threads: 0,
      engine: "reference",
      images: this.#inputs.images[0]!,
      hasJournal: false,
    };
    const { status, said } = await this.#type(plan, new AbortController().signal);
    if (status !== 0) throw new Error(`the clean run ended with ${status}: ${said}`);
    const clean = { counts: await this.#written(), predictions: await this.#read("out.ndjson") };
    this.#clean.set(limit, clean);
    return clean;
  }

  /** The command line's function, with all its outputs. */
  async #command(plan: Plan, clean: Clean, signal: AbortSignal): Promise<Outcome> {
    const { status, said } = await this.#type(plan, signal);
    this.#faults.disarm();
    if (status === 0) {
      const problem = differenceOf(await this.#written(), clean.counts);
      if (problem !== undefined) return { ending: "clean", violation: `status 0, ${problem}` };
      const isSame = (await this.#read("out.ndjson")) === clean.predictions;
      return isSame ? { ending: "clean" } : { ending: "clean", violation: "status 0, other predictions" };
    }
    const codes = [...said.matchAll(/^batchwise: (ERR_\w+): /gm)].map(([, code]) => code as ErrorCode);
    const [code = "none"] = codes;
    if (
      code === "none" ||
      codes.includes("ERR_INTERNAL") ||
      !codes.some((one) => ERROR_CODES[one]?.status === status)
    ) {
      return { ending: code, violation: `status ${status}: ${said}` };
    }
    if (existsSync(join(this.#inputs.folder, "out.json"))) {
      const problem = partialFault(await this.#written(), plan, clean.counts);
      if (problem !== undefined) return { ending: code, violation: `${code}, answer: ${problem}` };
    }
    for (const name of ["out.ndjson", "out.ndjson.partial"]) {
      if (!existsSync(join(this.#inputs.folder, name))) continue;
      const lines = (await this.#read(name)).split("\n");
      // Beside a journal the file is kept as the fault left it. Resuming cuts what the journal does not know.
      if (plan.hasJournal) lines.pop();
      const known = new Set(clean.predictions.split("\n"));
      const strange = lines.find(
        (line) => !known.has(line) && !line.includes('"sha256"') && !line.startsWith('{"complete'),
      );
      if (strange !== undefined)
        return { ending: code, violation: `${code}, ${name} has the line ${strange}` };
    }
    return { ending: code };
  }

  async #type(
    plan: TypedPlan,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly said: string }> {
    const { folder, labels, weights } = this.#inputs;
    const args = [
      "--no-config",
      "--quiet",
      "--dataset",
      plan.images,
      "--labels",
      labels,
      "--weights",
      weights,
    ];
    args.push(
      "--limit",
      `${plan.limit}`,
      "--batch-size",
      `${plan.batchSize}`,
      "--threads",
      `${plan.threads}`,
    );
    args.push("--engine", plan.engine, "--format", "json", "--output", join(folder, "out.json"));
    if (plan.hasJournal) args.push("--resume", join(folder, "run.journal"));
    args.push("--predictions", join(folder, "out.ndjson"));
    const { result: status, said } = await caughtStderr(() => main(args, signal, () => {}));
    return { status, said };
  }

  async #library(plan: Plan, clean: Clean, signal: AbortSignal, random: () => number): Promise<Outcome> {
    const { limit, batchSize, threads, engine } = plan;
    const input = { dataset: plan.images, labels: this.#inputs.labels, weights: this.#inputs.weights };
    const resume = plan.hasJournal ? { resume: join(this.#inputs.folder, "run.journal") } : {};
    try {
      const open = this.#lateExecutor(random, plan.probability);
      const { result } = await evaluateWith(
        open,
        { ...input, ...resume, limit, batchSize, threads, engine },
        { signal },
      );
      const problem = differenceOf(result as Counts, clean.counts);
      return problem === undefined ? { ending: "clean" } : { ending: "clean", violation: problem };
    } catch (error) {
      if (!(error instanceof BatchwiseError)) throw error;
      if (error.code === "ERR_INTERNAL") return { ending: error.code, violation: String(error.stack) };
      if (!(error instanceof IncompleteError)) return { ending: error.code };
      const problem = partialFault(error.partial.result as Counts, plan, clean.counts);
      return problem === undefined
        ? { ending: error.code }
        : { ending: error.code, violation: `${error.code}, ${problem}` };
    }
  }

  /** An executor whose answers are late, and sometimes lost after the work was done. */
  #lateExecutor(random: () => number, probability: number): OpenExecutor {
    return async (...given) => {
      const executor = await openExecutor(...given);
      return {
        ...executor,
        warm: () => executor.warm(),
        close: () => executor.close(),
        run: async (task, signal) => {
          const result = await executor.run(task, signal);
          if (random() >= probability) return result;
          if (random() < 0.5) {
            this.#count("answer comes late");
            await sleep(random() * 10);
            return result;
          }
          this.#count("answer is lost");
          throw new RunError("ERR_WORKER_CRASHED", { reason: "its answer was lost" });
        },
      };
    };
  }

  /** After the faults, the journal leads to the clean result. */
  async #resumed(plan: Plan, clean: Clean): Promise<Partial<Outcome>> {
    const { signal } = new AbortController();
    const again = plan.isTyped
      ? await this.#command({ ...plan, threads: 0 }, clean, signal)
      : await this.#library({ ...plan, threads: 0, probability: 0 }, clean, signal, () => 1);
    if (again.violation !== undefined) return { violation: `resumed: ${again.violation}` };
    return again.ending === "clean" ? {} : { violation: `resumed: ${again.ending}` };
  }

  async #written(): Promise<Counts> {
    return JSON.parse(await this.#read("out.json")).result;
  }

  #read(name: string): Promise<string> {
    return readFile(join(this.#inputs.folder, name), "utf8");
  }
}

interface Plan extends TypedPlan {
  readonly isTyped: boolean;
  readonly probability: number;
  /** Calls that can fail; undefined for all. */
  readonly only: readonly string[] | undefined;
}
