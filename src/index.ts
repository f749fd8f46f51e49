/** The public API of Batchwise. @module */
export { type CheckHooks, type CheckInput, check } from "./check/check.js";
export type { PairedAnswers } from "./compare/answers.js";
export { type CompareHooks, type CompareOutcome, compare } from "./compare/compare.js";
export type { CompareInput } from "./compare/options.js";
export type { CheckOutcome, CheckStatus, ChecksReport } from "./contracts/checks.js";
export type { ComparedSide, Comparison, ComparisonResult, SideScore } from "./contracts/comparison.js";
export type { Dataset, ImageRange, ImageShape, Split } from "./contracts/dataset.js";
export type { EngineName } from "./contracts/engine.js";
export type { GateOutcome } from "./contracts/gate.js";
export type { RunIdentity } from "./contracts/identity.js";
export type {
  ClassAverages,
  ClassMetrics,
  ConfusionMetrics,
  ReliabilityBin,
  ScoreMetrics,
} from "./contracts/metrics.js";
export type { Activation, Layer, Network } from "./contracts/network.js";
export type { PartialCounts, Shard, ShardPart } from "./contracts/partial.js";
export type { Normalization, Preprocessing } from "./contracts/preprocessing.js";
export type {
  BootstrapInterval,
  DatasetLocation,
  Evaluation,
  NetworkLocation,
  PredictionsFile,
  ResultCounts,
} from "./contracts/result.js";
export type { RunFacts, TimelineEntry, Timing } from "./contracts/run.js";
export type { Tensor } from "./contracts/tensor.js";
export { readIdx } from "./datasets/idx.js";
export { loadMnist } from "./datasets/mnist.js";
export { openDataset } from "./datasets/registry.js";
export type { DownloadNotice, DownloadOptions } from "./download/catalog-entry.js";
export { sigmoid } from "./engines/activate.js";
export {
  BatchwiseError,
  DatasetError,
  ERROR_CODES,
  type ErrorCode,
  FileError,
  NetworkError,
  RunError,
  TransferError,
  UsageError,
} from "./errors.js";
export { type EvaluateHooks, evaluate, type Progress } from "./evaluate.js";
export { type Evaluator, type EvaluatorRun, openEvaluator } from "./evaluator.js";
export { type Fit, type FitInput, fitPreprocessing } from "./fit.js";
export { imgShow } from "./img-show.js";
export { IncompleteError } from "./incomplete.js";
export { mergeParts } from "./merge/merge-parts.js";
export { softmax } from "./metrics/softmax.js";
export { loadNetwork } from "./networks/registry.js";
export type { EvaluateInput } from "./options.js";
export { predict } from "./predict.js";
export type { PrepareHooks } from "./prepare.js";
export type { RunHooks } from "./run-prepared.js";
export type { Slab } from "./slabs/slab.js";
