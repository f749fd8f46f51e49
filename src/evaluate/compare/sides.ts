/** Opens the data of a comparison once, and the network of each side that is not a result. */
import { type KindsOf, required, TEXT, without } from "#src/base/arguments.js";
import { type Assumption, distinct } from "#src/base/assumptions.js";
import type { ComparedSide } from "#src/base/contracts/comparison.js";
import { type Dataset, hashOf } from "#src/base/contracts/dataset.js";
import type { Network } from "#src/base/contracts/network.js";
import type { Evaluation } from "#src/base/contracts/result.js";
import { atLeast, DatasetError, UsageError } from "#src/base/errors.js";
import { ANY_NETWORK } from "#src/base/known-arguments.js";
import type { OptionRow } from "#src/base/options/define.js";
import { EVALUATE_OPTIONS } from "#src/base/options/table.js";
import { readDataset } from "#src/data/registry.js";
import { EVALUATE } from "#src/evaluate/known-arguments.js";
import { type AnyPair, networkLoader, pairOf } from "#src/evaluate/open-inputs.js";
import type { EvaluateInput, EvaluateOptions } from "#src/evaluate/options.js";
import { datasetFacts, networkFacts } from "#src/evaluate/summarize.js";
import type { DownloadOptions } from "#src/files/catalog.js";
import {
  type ComparedImages,
  classesOfResult,
  imagesOf,
  isResultFile,
  type ResultSide,
  readResultSide,
} from "./read-side.js";

/** A side before the data are open. */
export type GivenSide = ResultSide | { readonly kind: "weights"; readonly weights: string | Network };

export type Side =
  | ResultSide
  | { readonly kind: "network"; readonly pair: AnyPair; readonly facts: Evaluation["network"] };

export interface OpenedSides {
  readonly dataset: Evaluation["dataset"];
  readonly images: ComparedImages;
  readonly sides: readonly Side[];
  /** Opens the data. If a network needs them, they are already open. */
  openDataset(): Promise<Dataset>;
}

export async function openGiven(given: string | Network): Promise<GivenSide> {
  const isResult = typeof given === "string" && (await isResultFile(given));
  return isResult ? readResultSide(given) : { kind: "weights", weights: given };
}

/** Opens data and networks. @throws as `evaluate` for data and networks that cannot be opened or do not fit */
export async function openSides(
  given: readonly GivenSide[],
  options: EvaluateOptions,
  download: DownloadOptions,
): Promise<OpenedSides> {
  const results = given.filter((side) => side.kind === "result");
  if (results.length === given.length) {
    const [first] = atLeast(results, 1);
    const openDataset = () => openResultData(first, options, download);
    return { dataset: first.result.dataset, images: imagesOf(first), sides: results, openDataset };
  }
  const load = await networkLoader(options.engine);
  const dataset = await openGivenData(options, download);
  if (dataset.facts.labelsPath === undefined) {
    const problem = `compare needs labels, and "${dataset.facts.name}" has none`;
    throw new UsageError("ERR_USAGE", { problem });
  }
  const sides: Side[] = [];
  let { offset } = options;
  let total = 0;
  for (const side of given) {
    if (side.kind === "result") {
      sides.push(side);
      continue;
    }
    const { weights } = side;
    const network = typeof weights === "string" ? await load(weights, { ...options, ...download }) : weights;
    const pair = await pairOf(dataset, network, options);
    // A shard has an offset of its own.
    ({ offset, limit: total } = pair.range);
    sides.push({ kind: "network", pair, facts: networkFacts(network, { ...options, weights }) });
  }
  const facts = { ...(await datasetFacts(dataset, options)), offset };
  const images = { sha256: hashOf(facts), view: facts.view, offset, total };
  return { dataset: facts, images, sides, openDataset: async () => dataset };
}

async function openGivenData(options: EvaluateOptions, download: DownloadOptions): Promise<Dataset> {
  const { dataset } = options;
  return typeof dataset === "string" ? readDataset({ ...options, ...download, dataset }) : dataset;
}

/** Opens the data of a result. Their location is in the options, by `withImagesOf`. */
async function openResultData(
  { path, result }: ResultSide,
  options: EvaluateOptions,
  download: DownloadOptions,
): Promise<Dataset> {
  const sha256 = hashOf(result.dataset);
  const dataset = await openGivenData({ ...options, verify: result.dataset.sha256 !== null }, download);
  const found = await dataset.sha256();
  if (found === sha256) return dataset;
  throw new DatasetError("ERR_REPORT_DATA", {
    path,
    dataset: dataset.facts.name,
    expected: sha256,
    found,
  });
}

export function classesOf(side: Side): number {
  return side.kind === "network" ? side.pair.classes : (classesOfResult(side.result) ?? 0);
}

/** Assumptions of both sides. Those of the data are listed once. */
export function assumptionsOf(sides: readonly Side[]): Assumption[] {
  return distinct(
    sides.flatMap((side) => (side.kind === "network" ? side.pair.assumptions : side.result.assumptions)),
  );
}

export function comparedSide(side: Side): ComparedSide {
  return side.kind === "network"
    ? { ...side.facts, resultPath: null }
    : { ...side.result.network, resultPath: side.path };
}

type ComparedInput = Omit<
  EvaluateInput,
  "weights" | "labels" | "resume" | "probabilities" | "topK" | "calibration" | "bootstrap" | "seed"
>;

/** Options of `compare`. Data, engine and threads apply to sides that are networks. */
export interface CompareInput extends ComparedInput {
  /** A network's name, file or folder, a loaded network, or a result's JSON with a predictions file. */
  readonly a: string | Network;
  /** As `a`. */
  readonly b: string | Network;
  /** The label file, if `dataset` is an image file. A comparison needs labels. */
  readonly labels?: string | undefined;
}

export const COMPARE: KindsOf<CompareInput> = {
  ...without(EVALUATE, "weights", "resume", "probabilities", "topK", "calibration", "bootstrap", "seed"),
  a: required(ANY_NETWORK),
  b: required(ANY_NETWORK),
  labels: TEXT,
};

const EVALUATED = ["network", "computing", "scale"] as const;
/** Options of sides that are evaluated. Assumptions and downloads are those of results too. */
const ONLY_EVALUATED = Object.entries<OptionRow>(EVALUATE_OPTIONS).filter(
  ([key, { group }]) =>
    (EVALUATED.some((one) => one === group) && key !== "strict" && key !== "offline") ||
    key === "offset" ||
    key === "limit",
);

/** @throws UsageError ERR_USAGE for an option that two results would leave without effect */
export function assertNothingToEvaluate(input: CompareInput): void {
  const values: Readonly<Record<string, unknown>> = { ...input };
  const given = ONLY_EVALUATED.find(([key]) => values[key] !== undefined && values[key] !== false);
  if (given === undefined) return;
  const [key, { flag = key }] = given;
  const problem = `${flag} is for networks that are evaluated, and both sides are results; remove it`;
  throw new UsageError("ERR_USAGE", { problem });
}

/**
 * Returns options for a network that is compared with a result: the images of the result, unless the input names others. The
 * images are compared after the data are opened.
 */
export function withImagesOf(
  side: ResultSide | undefined,
  { a: _a, b: _b, ...input }: CompareInput,
): EvaluateInput {
  if (side === undefined) return input;
  const { offset, total } = imagesOf(side);
  const { location, split, view } = side.result.dataset;
  const ofData =
    input.dataset === undefined && location !== null
      ? {
          dataset: location.dataset,
          labels: location.labels ?? undefined,
          split,
          ...view,
          ...location.reading,
        }
      : {};
  const classes = location?.classes ?? undefined;
  return {
    ...input,
    ...ofData,
    classes: input.classes ?? (input.dataset === undefined ? classes : undefined),
    offset: input.offset ?? offset,
    limit: input.limit ?? total,
  };
}
