/** Reads a classifier of scikit-learn, alone, behind scalers in a pipeline, or as the best of a search, as a chain of layers. */
import type { Activation, OutputKind } from "#src/base/contracts/network.js";
import { atLeast, NetworkError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { transpose } from "#src/files/formats/arrays.js";
import { ArrayDecoder } from "#src/files/formats/pickle/decode.js";
import { kindOf, PickledTuple, type PickledValue } from "#src/files/formats/pickle/values.js";
import { openSklearn } from "#src/files/formats/sklearn/container.js";
import { SklearnObject } from "#src/files/formats/sklearn/vocabulary.js";
import { ChainBuilder } from "../chain-builder.js";
import type { DecodedChain } from "../chain-facts.js";
import { arrangeOutputs } from "../outputs.js";
import { classesOf, Estimator } from "./estimator.js";
import { addScaler, pixelsOf } from "./scaler.js";

/** Activations by scikit-learn's names (sklearn/neural_network/_base.py). */
const ACTIVATIONS: ReadonlyMap<PickledValue | undefined, Activation> = new Map([
  ["logistic", "sigmoid"],
  ["relu", "relu"],
  ["tanh", "tanh"],
  ["identity", "identity"],
]);

/** Classifiers whose class is the largest of X · coef_ᵀ + intercept_ (sklearn/linear_model/_base.py, LinearClassifierMixin). */
const LINEAR = new Set(
  "LogisticRegression LogisticRegressionCV SGDClassifier Perceptron LinearSVC RidgeClassifier RidgeClassifierCV".split(
    " ",
  ),
);
const READ = `MLPClassifier, ${[...LINEAR].join(", ")}`;
const SCALERS = ["StandardScaler", "MinMaxScaler", "MaxAbsScaler"];
const SEARCHES = ["GridSearchCV", "RandomizedSearchCV"];
/** Most levels of pipelines and searches within each other. */
const MAX_NESTED = 4;

/**
 * Returns a chain whose outputs are in the order of `classes_`, or in that of the labels if the classes are whole numbers. A
 * scaler before the classifier is folded into its first layer.
 *
 * @throws NetworkError ERR_PICKLE_*, ERR_NETWORK_FORMAT, ERR_NETWORK_LAYER, ERR_ARRAY_*, ERR_WEIGHTS_SIZE, and all that
 *   `ChainBuilder` throws
 */
export async function decodeSklearn(path: string, bytes: Uint8Array): Promise<DecodedChain> {
  const { root, pickleBytes } = await openSklearn(path, bytes);
  const arrays = new ArrayDecoder(path, pickleBytes);
  const { scalers, classifier } = stepsOf(path, root, arrays, 0);
  const layers = layersOf(classifier);
  const builder = new ChainBuilder(path, layers.inputs, "channels-last");
  for (const scaler of scalers) addScaler(builder, scaler);
  layers.addTo(builder);
  const built = builder.finish();
  const { labels, names } = classesOf(classifier, built.layers.at(-1)?.outputs ?? 0);
  return {
    ...built,
    layers:
      labels === undefined
        ? built.layers
        : arrangeOutputs(path, built.layers, labels, Math.max(...labels) + 1),
    classNames: names,
    assumptions: [],
    stated: layers.activations,
    ...pixelsOf(scalers[0]),
  };
}

interface Steps {
  readonly scalers: readonly Estimator[];
  readonly classifier: Estimator;
}

/** The classifier, and the scalers before it. */
function stepsOf(path: string, value: PickledValue | undefined, arrays: ArrayDecoder, depth: number): Steps {
  const fault = (found: string) =>
    new NetworkError("ERR_NETWORK_FORMAT", {
      path,
      expected: `a fitted classifier of scikit-learn (${READ})`,
      found,
    });
  if (!(value instanceof SklearnObject) || depth > MAX_NESTED) throw fault(kindOf(value));
  const estimator = new Estimator(path, value, arrays);
  if (SEARCHES.includes(estimator.type)) {
    return stepsOf(path, estimator.get("best_estimator_"), arrays, depth + 1);
  }
  if (estimator.type !== "Pipeline") {
    if (estimator.type !== "MLPClassifier" && !LINEAR.has(estimator.type)) throw fault(kindOf(value));
    return { scalers: [], classifier: estimator };
  }
  const parts = estimator
    .items("steps")
    .map((step) => (step instanceof PickledTuple ? step.items[1] : undefined));
  const inner = stepsOf(path, parts.at(-1), arrays, depth + 1);
  const scalers = parts.slice(0, -1).flatMap((part) => {
    if (part === null || part === "passthrough") return [];
    if (!(part instanceof SklearnObject && SCALERS.includes(part.type))) {
      throw estimator.fault("steps", `${SCALERS.join(", ")} before the classifier`, kindOf(part));
    }
    return [new Estimator(path, part, arrays)];
  });
  return { scalers: [...scalers, ...inner.scalers], classifier: inner.classifier };
}

interface ClassifierLayers {
  /** Number of pixels. */
  readonly inputs: number;
  /** Activations of hidden layers. */
  readonly activations: readonly Activation[];
  addTo(builder: ChainBuilder): void;
}

/** A dense layer as the file has it. */
interface DenseNumbers {
  readonly name: string;
  /** (inputs × outputs), row-major. */
  readonly weights: Float64Array;
  readonly outputs: number;
  readonly biases: Float64Array;
}

function layersOf(classifier: Estimator): ClassifierLayers {
  const isDeep = classifier.type === "MLPClassifier";
  const [dense, activation] = isDeep ? deepLayers(classifier) : [[linearLayer(classifier)], undefined];
  const [first] = atLeast(dense, 1);
  const end = isDeep ? deepEnd(classifier, dense.at(-1)?.outputs ?? 0) : linearEnd(classifier, first.outputs);
  return {
    inputs: first.weights.length / first.outputs,
    activations: dense.length > 1 && activation !== undefined ? [activation] : [],
    addTo(builder) {
      for (const [index, layer] of dense.entries()) {
        const isLast = index === dense.length - 1;
        builder.dense(layer.name, isLast && layer.outputs === 1 ? twoOutputs(layer, end.isSymmetric) : layer);
        if (!isLast && activation !== undefined) builder.activation("activation", activation);
      }
      builder.end("output", end.kind);
    },
  };
}

/** X · coefs_[0] + intercepts_[0] … (sklearn/neural_network/_multilayer_perceptron.py, `_forward_pass_fast`). */
function deepLayers(classifier: Estimator): [DenseNumbers[], Activation] {
  const said = classifier.get("activation");
  const activation = ACTIVATIONS.get(said);
  if (activation === undefined) {
    const found = typeof said === "string" ? `"${printable(said)}"` : kindOf(said);
    throw classifier.fault("activation", `one of ${[...ACTIVATIONS.keys()].join(", ")}`, found);
  }
  const biases = classifier.items("intercepts_");
  const dense = classifier.items("coefs_").map((value, index) => {
    const name = `coefs_[${index}]`;
    const { shape, data } = classifier.array(name, value);
    const [inputs = 0, outputs = 0] = shape;
    if (shape.length !== 2 || inputs * outputs === 0) {
      throw classifier.fault(
        name,
        "a matrix (inputs, outputs)",
        `${shape.length} axes of ${shape.join(", ")}`,
      );
    }
    return {
      name,
      weights: data,
      outputs,
      biases: classifier.array(`intercepts_[${index}]`, biases[index]).data,
    };
  });
  if (dense.length === 0) throw classifier.fault("coefs_", "at least one matrix", "none");
  return [dense, activation];
}

function linearLayer(classifier: Estimator): DenseNumbers {
  const { shape, data } = classifier.array("coef_");
  // Binary classifiers of older versions have one axis.
  const [outputs = 0, inputs = 0] = shape.length === 1 ? [1, ...shape] : shape;
  if (shape.length === 0 || shape.length > 2 || inputs * outputs === 0) {
    throw classifier.fault(
      "coef_",
      "a matrix (classes, inputs)",
      `${shape.length} axes of ${shape.join(", ")}`,
    );
  }
  const weights = new Float64Array(data.length);
  transpose(data, inputs, weights);
  const given = classifier.array("intercept_").data;
  // Without intercepts there is one zero.
  const biases = given.length === 1 ? new Float64Array(outputs).fill(given[0] ?? 0) : given;
  return { name: "coef_", weights, outputs, biases };
}

interface End {
  readonly kind: OutputKind;
  /** Whether the one number z of two classes stands for −z and z, instead of 0 and z. */
  readonly isSymmetric: boolean;
}

function deepEnd(classifier: Estimator, outputs: number): End {
  const said = classifier.get("out_activation_");
  if (said === "softmax" || (said === "logistic" && outputs === 1))
    return { kind: "softmax", isSymmetric: false };
  const found = said === "logistic" ? "several labels for one image" : kindOf(said);
  throw classifier.fault("out_activation_", "softmax, or logistic for two classes", found);
}

/** Whether numbers are logits of probabilities that `predict_proba` gives by softmax, or scores. */
function linearEnd(classifier: Estimator, outputs: number): End {
  const scores: End = { kind: "scores", isSymmetric: false };
  const logistic: End = { kind: "softmax", isSymmetric: false };
  if (classifier.type === "SGDClassifier") {
    const loss = classifier.get("loss");
    return outputs === 1 && (loss === "log_loss" || loss === "log") ? logistic : scores;
  }
  if (!classifier.type.startsWith("LogisticRegression")) return scores;
  // Version 1.8 has no attribute: all solvers that it has for more than two classes are multinomial.
  const said = classifier.get("multi_class") ?? "multinomial";
  const isOpen = said === "auto" || said === "deprecated";
  if (classifier.get("multi_class") === "multinomial" && outputs === 1)
    return { kind: "softmax", isSymmetric: true };
  if (outputs === 1) return logistic;
  if (said === "multinomial" || (isOpen && classifier.get("solver") !== "liblinear")) return logistic;
  return scores;
}

/** The one number z of two classes, whose second is predicted for z > 0, as two outputs: 0 and z, or −z and z. */
function twoOutputs({ name, weights, biases }: DenseNumbers, isSymmetric: boolean): DenseNumbers {
  const first = isSymmetric ? -1 : 0;
  const pairs = (values: Float64Array) =>
    Float64Array.from({ length: 2 * values.length }, (_, n) => (n % 2 === 0 ? first : 1) * values[n >> 1]!);
  return { name, weights: pairs(weights), outputs: 2, biases: pairs(biases) };
}
