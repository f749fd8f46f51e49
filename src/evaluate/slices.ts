/** Slices of an evaluation: only images with some labels are counted, and counts are kept for each group of images. */

import type { AnyEvaluation, GroupCounts } from "#src/base/contracts/result.js";
import { grouped } from "#src/base/errors/define.js";
import { DatasetError, UsageError } from "#src/base/errors.js";
import { SET_GROUPS } from "#src/base/options/answer.js";
import { partOf, type Slab } from "#src/base/slab.js";
import { printable } from "#src/base/text.js";
import { wilson95 } from "#src/metrics/intervals.js";
import { partialOf } from "#src/metrics/tally.js";
import { type GroupSource, groupSource } from "./groups.js";
import type { Closing, EvaluationPlan, Listener } from "./listeners.js";
import { type CountsOptions, resultCounts } from "./summarize.js";

/** What a slice needs of a run: its data, and the options of its counts. */
export interface SlicePlan extends Pick<EvaluationPlan, "dataset"> {
  readonly options: CountsOptions;
}

interface SliceListener extends Listener {
  begin(plan: SlicePlan): void | Promise<void>;
}

interface Sliced {
  readonly listeners: readonly Listener[];
  /** The column of groups, if the rule names one: the set must be opened with it. */
  readonly groupColumn?: string;
  begin(plan: SlicePlan): Promise<void>;
}

/** What is asked of the slices. */
export interface SliceFlags {
  readonly where?: string | undefined;
  readonly groups?: string | undefined;
  readonly groupColumn?: string | undefined;
}

/**
 * Wraps the listeners of a run so that they see only the images of the slice. The counts of the slice come first.
 *
 * @throws UsageError ERR_OPTION_VALUE; FileError ERR_FILE_READ, ERR_FILE_EMPTY; DatasetError ERR_GROUPS_FILE
 */
export async function sliced(
  { where, groups, groupColumn }: SliceFlags,
  listeners: readonly Listener[],
): Promise<Sliced> {
  const column = groups === undefined ? undefined : SET_GROUPS.exec(groups)?.[1];
  if (column !== undefined && (groupColumn ?? column) !== column) {
    const problem = `--group-column ${groupColumn} and --groups ${groups} exclude each other: name one column`;
    throw new UsageError("ERR_USAGE", { problem });
  }
  const filter = where === undefined ? undefined : whereListener(where);
  const counter = groups === undefined ? undefined : groupsListener(await groupSource(groups));
  const watchers = counter === undefined ? listeners : [counter, ...listeners];
  const seen = filter === undefined ? watchers : [filter, ...watchers.map((one) => filter.only(one))];
  return {
    listeners: seen,
    ...(column !== undefined && { groupColumn: column }),
    async begin(plan) {
      filter?.begin(plan);
      await counter?.begin(plan);
    },
  };
}

/** `label=3,5`: labels by their names where they are known, or by their numbers. */
const WHERE = /^label=(.+)$/;

function whereListener(rule: string): SliceListener & { only(listener: Listener): Listener } {
  const isCounted = new Uint8Array(256);
  let options: CountsOptions = { topK: undefined, bootstrap: 0, seed: 1 };
  let labels: number[] = [];
  const refuse = (expected: string): never => {
    throw new UsageError("ERR_OPTION_VALUE", { option: "--where", expected, found: rule });
  };
  const words = WHERE.exec(rule)?.[1]?.split(",") ?? refuse("label= and labels, such as label=3,5");
  return {
    begin({ dataset, options: given }) {
      options = given;
      const names = dataset.facts.classNames ?? [];
      labels = words.map((word) => {
        // A name goes before a number: class folders in text order have 10 as label 2.
        const named = names.indexOf(word);
        const label = named < 0 && /^\d{1,3}$/.test(word) ? Number(word) : named;
        if (label < 0 || label >= isCounted.length)
          refuse(`labels from 0 to 255${names.length > 0 ? ", or class names" : ""}`);
        return label;
      });
      for (const label of labels) isCounted[label] = 1;
    },
    end: (evaluation) => countedWhere(evaluation, labels, options),
    abort: (reason) => partialClosing(reason, (partial) => countedWhere(partial, labels, options)),
    only: (listener) => ({
      ...methodsOf(listener),
      async slab(slab) {
        if (listener.slab === undefined) return;
        for (const part of runsOf(slab, isCounted)) await listener.slab(part);
      },
    }),
  };
}

/** A listener can be an object of a class, whose methods a copy would lose. */
function methodsOf(listener: Listener): Listener {
  const { durable } = listener;
  return {
    begin: (plan) => listener.begin?.(plan),
    ...(listener.merged && { merged: (batch) => listener.merged?.(batch) }),
    ...(listener.progress && { progress: (progress) => listener.progress?.(progress) }),
    end: (evaluation) => listener.end?.(evaluation) ?? {},
    abort: (reason) => listener.abort?.(reason) ?? {},
    ...(durable !== undefined && { durable }),
  };
}

/** Runs of consecutive images whose labels are counted. */
function* runsOf(slab: Slab, isCounted: Uint8Array): Generator<Slab> {
  const { labels, count } = slab;
  for (let start = 0; start < count; start++) {
    if (isCounted[labels[start] ?? 0] !== 1) continue;
    let end = start + 1;
    while (end < count && isCounted[labels[end] ?? 0] === 1) end++;
    yield partOf(slab, start, end);
    start = end;
  }
}

/** The evaluation with the rows of these labels alone. Probabilities of other images are in its sums, so it has no scores. */
async function countedWhere(
  evaluation: AnyEvaluation,
  labels: readonly number[],
  options: CountsOptions,
): Promise<Closing> {
  const { result } = evaluation;
  if (!result.labelled) return {};
  const rows = result.confusionMatrix.map((row, label) => (labels.includes(label) ? row : row.map(() => 0)));
  const correct = rows.reduce((sum, row, label) => sum + (row[label] ?? 0), 0);
  const total = rows.flat().reduce((sum, count) => sum + count, 0);
  // A partial result stays one: at least one image is missing.
  const range = { offset: 0, limit: result.complete ? total : total + 1 };
  const counts = partialOf({ correct, total, confusion: Float64Array.from(rows.flat()) }, range, {
    scores: null,
    recomputed: 0,
  });
  const counted = await resultCounts(counts, options);
  // No gate may pass over no image.
  const faults = result.complete && total === 0 ? [new DatasetError("ERR_WHERE_EMPTY", { labels })] : [];
  return { evaluation: { ...evaluation, result: counted, where: { labels: [...labels] } }, faults };
}

async function partialClosing(
  reason: Error,
  close: (partial: AnyEvaluation) => Closing | Promise<Closing>,
): Promise<Closing> {
  return "partial" in reason && isEvaluation(reason.partial) ? close(reason.partial) : {};
}

function isEvaluation(value: unknown): value is AnyEvaluation {
  return typeof value === "object" && value !== null && "result" in value;
}

/** Counts images by their groups. */
function groupsListener(read: GroupSource): SliceListener {
  let names: readonly string[] = [];
  let groupOf = new Uint16Array();
  let totals = new Float64Array();
  let corrects = new Float64Array();
  const close = (evaluation: AnyEvaluation): Closing => ({
    evaluation: {
      ...evaluation,
      groups: names.map((name, n) => countsOf(name, corrects[n] ?? 0, totals[n] ?? 0)),
    },
  });
  return {
    async begin({ dataset }) {
      const { total, name } = dataset.facts;
      const groups = await read(dataset);
      ({ names, groupOf } = groups);
      totals = new Float64Array(names.length);
      corrects = new Float64Array(names.length);
      if (groupOf.length === total) return;
      throw new DatasetError("ERR_GROUPS_FILE", {
        path: groups.path,
        expected: `a group for each of the ${grouped(total)} images of ${printable(name)}`,
        found: grouped(groupOf.length),
      });
    },
    slab({ firstImage, count, labels, predictions }) {
      for (let image = 0; image < count; image++) {
        const group = groupOf[firstImage + image] ?? 0;
        totals[group]!++;
        if (labels[image] === predictions[image]) corrects[group]!++;
      }
    },
    end: close,
    abort: (reason) => partialClosing(reason, close),
  };
}

function countsOf(name: string, correct: number, total: number): GroupCounts {
  return {
    name,
    total,
    correct,
    accuracy: total === 0 ? null : correct / total,
    confidenceInterval95: total === 0 ? [0, 1] : wilson95(correct, total),
  };
}
