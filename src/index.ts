/** The public API of Batchwise. @module */
import { evaluateOn, LOCAL } from "#src/evaluate/evaluate.js";
import { localRunners } from "#src/evaluate/local-runner.js";
import { openExecutor } from "#src/pool/registry.js";

export { IncompleteError } from "#src/base/abort.js";
export type { Assumption, AssumptionSubject } from "#src/base/assumptions.js";
export type {
  CheckOutcome,
  CheckStatus,
  ChecksReport,
  GateCode,
  GateOutcome,
} from "#src/base/contracts/checks.js";
export type {
  ComparedSide,
  Comparison,
  ComparisonResult,
  SideScore,
} from "#src/base/contracts/comparison.js";
export type {
  ClassOrder,
  Dataset,
  DatasetFacts,
  DatasetReading,
  DatasetView,
  GroupsBy,
  ImageRange,
  ImageShape,
  PictureFit,
  SlabPlan,
  Split,
} from "#src/base/contracts/dataset.js";
export type { Candidate, Diagnosis, ScoredCandidate } from "#src/base/contracts/diagnosis.js";
export type { EngineName } from "#src/base/contracts/engine.js";
export type {
  DurableOutput,
  OutputFacts,
  OutputPosition,
  PartialCounts,
  RunIdentity,
  SerialisedScoreSums,
  Shard,
  ShardPart,
} from "#src/base/contracts/journal.js";
export type {
  ClassAverages,
  ClassMetrics,
  ConfusionMetrics,
  ReliabilityBin,
  ScoreMetrics,
} from "#src/base/contracts/metrics.js";
export type {
  Activation,
  ActivationLayer,
  Activations,
  Conv2dLayer,
  DenseLayer,
  Layer,
  MapShape,
  Network,
  Normalization,
  Padding,
  Pair,
  PerChannel,
  Pool2dLayer,
  Preprocessing,
  Standardizing,
  Tensor,
  Whitening,
} from "#src/base/contracts/network.js";
export type {
  AnyEvaluation,
  BootstrapInterval,
  DatasetLocation,
  Evaluation,
  NetworkLocation,
  PredictedCounts,
  PredictionsFile,
  ResultCounts,
} from "#src/base/contracts/result.js";
export type { Log } from "#src/base/contracts/run.js";
export type { HostFacts, RunFacts, TimelineEntry, Timing } from "#src/base/contracts/run-facts.js";
export {
  BatchwiseError,
  DatasetError,
  ERROR_CODES,
  type ErrorCode,
  type ExitStatus,
  type FactsOf,
  FileError,
  NetworkError,
  RunError,
  TransferError,
  UsageError,
} from "#src/base/errors.js";
export type { NumberLike } from "#src/base/options/define.js";
export type { AnswerBuffer, Slab, SlabStream } from "#src/base/slab.js";
export { type IdxData, type IdxFile, type ReadIdxOptions, readIdx } from "#src/data/idx.js";
export type { IdxDtype } from "#src/data/idx-header.js";
export { type LoadMnistOptions, loadMnist, type Mnist, type MnistSplit } from "#src/data/named-sets.js";
export { type DatasetRequest, openDataset } from "#src/data/registry.js";
export { sigmoid } from "#src/engines/activations.js";
export { softmax } from "#src/engines/logits.js";
export { predict } from "#src/engines/predict.js";
export { type CheckHooks, check } from "#src/evaluate/check/check.js";
export type { CheckInput } from "#src/evaluate/check/suite.js";
export {
  type CompareHooks,
  type CompareOutcome,
  type ComparePlan,
  compare,
} from "#src/evaluate/compare/compare.js";
export type { CompareInput } from "#src/evaluate/compare/sides.js";
export type { PairedAnswers } from "#src/evaluate/compare/summary.js";
export type { DiagnoseInput } from "#src/evaluate/diagnose/diagnose.js";
export { type DiagnoseHooks, diagnose } from "#src/evaluate/diagnose/diagnose.js";
export type { EvaluateHooks, Progress } from "#src/evaluate/evaluate.js";
export {
  type Evaluator,
  type EvaluatorInput,
  type EvaluatorRun,
  openEvaluator,
} from "#src/evaluate/evaluator.js";
export {
  type Fit,
  type FitInput,
  type FittedFile,
  type FittedStandardizing,
  type FittedWhitening,
  fitPreprocessing,
} from "#src/evaluate/fit.js";
export type {
  EvaluationPlan,
  HostShare,
  HostsProgress,
  QueuePlace,
  RunHooks,
} from "#src/evaluate/listeners.js";
export { type MergeHooks, mergeParts } from "#src/evaluate/merge.js";
export type { EvaluateInput, ExecutorInput, SliceInput } from "#src/evaluate/options.js";
export type { PrepareHooks } from "#src/evaluate/prepare.js";
export { type ScoreHooks, type ScoreInput, score } from "#src/evaluate/score/score.js";
export type { DownloadNotice, DownloadOptions } from "#src/files/catalog.js";
export type { RequestedPreprocessing } from "#src/networks/recipe.js";
export { type LoadedNetwork, type LoadNetworkOptions, loadNetwork } from "#src/networks/registry.js";
export type { OnSlab } from "#src/pool/handover.js";
export { imgShow } from "#src/reports/images.js";

/** Evaluates a network over a labelled image set, in batches, on this machine or on hosts over Redis. */
export const evaluate = evaluateOn(
  new Map([
    [LOCAL, localRunners(openExecutor)],
    ["bullmq", async (...given) => (await import("#src/redis/runner.js")).openHosts(...given)],
  ]),
);
