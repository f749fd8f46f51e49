/** The public API of Batchwise. @module */
export { type CheckHooks, check } from "./check/check.js";
export type { CheckInput } from "./check/suite.js";
export type { PairedAnswers } from "./compare/answers.js";
export { type CompareHooks, type CompareOutcome, type ComparePlan, compare } from "./compare/compare.js";
export type { CompareInput } from "./compare/options.js";
export type { Assumption, AssumptionSubject } from "./contracts/assumption.js";
export type { CheckOutcome, CheckStatus, ChecksReport } from "./contracts/checks.js";
export type { ComparedSide, Comparison, ComparisonResult, SideScore } from "./contracts/comparison.js";
export type { Dataset, DatasetView, ImageRange, ImageShape, Split } from "./contracts/dataset.js";
export type { Candidate, Diagnosis, ScoredCandidate } from "./contracts/diagnosis.js";
export type { EngineName } from "./contracts/engine.js";
export type { GateCode, GateOutcome } from "./contracts/gate.js";
export type { RunIdentity } from "./contracts/identity.js";
export type { DurableOutput, OutputFacts, OutputPosition } from "./contracts/journal.js";
export type { Log } from "./contracts/log.js";
export type {
  ClassAverages,
  ClassMetrics,
  ConfusionMetrics,
  ReliabilityBin,
  ScoreMetrics,
} from "./contracts/metrics.js";
export type { Activation, Layer, Network } from "./contracts/network.js";
export type { PartialCounts, SerialisedScoreSums, Shard, ShardPart } from "./contracts/partial.js";
export type { Normalization, Preprocessing, Standardizing, Whitening } from "./contracts/preprocessing.js";
export type {
  AnyEvaluation,
  BootstrapInterval,
  DatasetLocation,
  Evaluation,
  NetworkLocation,
  PredictedCounts,
  PredictionsFile,
  ResultCounts,
} from "./contracts/result.js";
export type { HostFacts, RunFacts, TimelineEntry, Timing } from "./contracts/run.js";
export type { Tensor } from "./contracts/tensor.js";
export { type IdxData, type IdxFile, type ReadIdxOptions, readIdx } from "./datasets/idx.js";
export type { IdxDtype } from "./datasets/idx-header.js";
export { type LoadMnistOptions, loadMnist, type Mnist, type MnistSplit } from "./datasets/mnist.js";
export { type DatasetRequest, openDataset } from "./datasets/registry.js";
export { type DiagnoseHooks, diagnose } from "./diagnose/diagnose.js";
export type { DiagnoseInput } from "./diagnose/input.js";
export type { DownloadNotice, DownloadOptions } from "./download/catalog-entry.js";
export { sigmoid } from "./engines/activate.js";
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
} from "./errors.js";
export { type EvaluateHooks, evaluate, type Progress } from "./evaluate.js";
export { type Evaluator, type EvaluatorInput, type EvaluatorRun, openEvaluator } from "./evaluator.js";
export {
  type Fit,
  type FitInput,
  type FittedFile,
  type FittedStandardizing,
  type FittedWhitening,
  fitPreprocessing,
} from "./fit.js";
export { imgShow } from "./img-show.js";
export { IncompleteError } from "./incomplete.js";
export { mergeParts } from "./merge/merge-parts.js";
export { softmax } from "./metrics/softmax.js";
export type { AskedPreprocessing } from "./networks/recipe.js";
export { type LoadedNetwork, type LoadNetworkOptions, loadNetwork } from "./networks/registry.js";
export type { EvaluateInput, NumberLike } from "./options.js";
export { predict } from "./predict.js";
export type { EvaluationPlan, PrepareHooks } from "./prepare.js";
export type { RunHooks } from "./run-prepared.js";
export type { OnSlab } from "./slabs/handover.js";
export type { SlabRing } from "./slabs/ring.js";
export type { AnswerRoom, Slab } from "./slabs/slab.js";
