"""What scikit-learn, NumPy and SciPy make of matrices and probabilities: a question and its cases come as a line of JSON
on stdin, the answers go as a line to stdout. Apart from Batchwise on purpose: it shares no line of code with what it checks.
"""
import gzip
import json
import sys
import warnings
from fractions import Fraction

import numpy as np
import scipy.stats
import sklearn.metrics as metrics

# Undefined means (nan) and classes without images are what some cases are about.
warnings.simplefilter("ignore")
np.seterr(all="ignore")


def confusion(rows):
    """Each cell is one weighted pair of label and prediction, so that millions of images cost nothing."""
    matrix = np.array(rows)
    labels, predictions = np.nonzero(matrix)
    return classification(labels, predictions, len(rows), matrix[labels, predictions])


def classification(labels, predictions, classes, weights=None):
    pair = {"y_true": labels, "y_pred": predictions, "sample_weight": weights}
    every = list(range(classes))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(**pair, labels=every, zero_division=0)
    averages = {
        # Without `labels`: over those that occur.
        kind: metrics.precision_recall_fscore_support(**pair, average=kind, zero_division=0)[:3]
        for kind in ("macro", "micro", "weighted")
    }
    return {
        "precision": list(precision),
        "recall": list(recall),
        "f1": list(f1),
        "support": [float(images) for images in support],
        "averages": averages,
        "balancedAccuracy": metrics.balanced_accuracy_score(**pair),
        "cohensKappa": metrics.cohen_kappa_score(labels, predictions, sample_weight=weights),
        "matthewsCorrelation": metrics.matthews_corrcoef(**pair),
    }


def exact_confusion(rows):
    """Kappa and Matthews' correlation in whole numbers, for counts where float64's differences lose digits."""
    supports = [sum(row) for row in rows]
    predicted = [sum(column) for column in zip(*rows)]
    total = sum(supports)
    correct = sum(row[k] for k, row in enumerate(rows))
    chance = sum(t * p for t, p in zip(supports, predicted))
    beyond = correct * total - chance
    spread = (total**2 - sum(p * p for p in predicted)) * (total**2 - sum(t * t for t in supports))
    square = Fraction(beyond**2, spread)
    return {
        "cohensKappa": float(Fraction(beyond, total**2 - chance)),
        "matthewsCorrelation": float(np.sqrt(float(square)) * np.sign(beyond)),
    }


def scores(case):
    p = np.array(case["probabilities"]).reshape(len(case["labels"]), case["classes"])
    labels = np.array(case["labels"])
    every = np.arange(case["classes"])
    confidence, right = p.max(axis=1), p.argmax(axis=1) == labels
    edges = np.arange(16) / 15
    # (from, to]: the number of edges below, of which the first is not counted for 0.
    bins = np.maximum(np.searchsorted(edges, confidence, side="left") - 1, 0)
    reliability = [
        [int(inside.sum()), right[inside].mean() if inside.any() else None, confidence[inside].mean() if inside.any() else None]
        for inside in (bins == b for b in range(15))
    ]
    if case["classes"] == 2:
        # top_k_accuracy_score takes two classes for a binary target, whose scores are one column.
        top = float((np.argsort(-p, axis=1)[:, : case["k"]] == labels[:, None]).any(axis=1).mean())
    else:
        top = metrics.top_k_accuracy_score(labels, p, k=case["k"], labels=every)
    return {
        "logLoss": metrics.log_loss(labels, p, labels=every),
        "brierScore": ((p - (labels[:, None] == every)) ** 2).sum(axis=1).mean(),
        "expectedCalibrationError": sum(n * abs(a - c) for n, a, c in reliability if n) / len(labels),
        "reliability": reliability,
        "topK": top,
    }


def top_k(case):
    """Images counted for each k from 1 to the number of classes, at least three."""
    labels = np.array(case["labels"])
    scores = np.array(case["scores"]).reshape(len(labels), case["classes"])
    every = np.arange(case["classes"])
    return [
        int(metrics.top_k_accuracy_score(labels, scores, k=k, labels=every, normalize=False))
        for k in range(1, case["classes"] + 1)
    ]


def evaluation(case):
    """Everything that an evaluation answers, from the labels' file and either the logits' file or probabilities."""
    with gzip.open(case["labels"]) as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8).astype(int)
    if "logits" in case:
        logits = np.load(case["logits"])
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        p = powers / powers.sum(axis=1, keepdims=True)
    else:
        p = np.array(case["probabilities"]).reshape(len(labels), -1)
    classes = p.shape[1]
    predictions = p.argmax(axis=1)
    correct = int(metrics.accuracy_score(labels, predictions, normalize=False))
    scored = {"probabilities": p, "labels": labels, "classes": classes}
    return {
        **classification(labels, predictions, classes),
        "predicted": np.bincount(predictions, minlength=classes).tolist(),
        "confusionMatrix": metrics.confusion_matrix(labels, predictions, labels=np.arange(classes)).tolist(),
        "correct": correct,
        "accuracy": metrics.accuracy_score(labels, predictions),
        "interval": list(scipy.stats.binomtest(correct, len(labels)).proportion_ci(method="wilson")),
        "scores": [scores({**scored, "k": k}) for k in case["ks"]],
    }


def mcnemar(case):
    only_a, only_b = case
    return scipy.stats.binomtest(only_a, only_a + only_b, 0.5).pvalue if only_a + only_b else 1.0


def agreement(case):
    labels, a, b = (np.array(case[name]) for name in ("labels", "a", "b"))
    right_a, right_b = a == labels, b == labels
    return {
        "matrix": metrics.confusion_matrix(a, b, labels=np.arange(case["classes"])).ravel().tolist(),
        "both": int((right_a & right_b).sum()),
        "onlyA": int((right_a & ~right_b).sum()),
        "onlyB": int((~right_a & right_b).sum()),
        "neither": int((~right_a & ~right_b).sum()),
    }


def paired_interval(case):
    """Newcombe's method 10, with the Wilson limits as SciPy has them."""
    both, only_a, only_b, neither = (case[name] for name in ("both", "onlyA", "onlyB", "neither"))
    n = both + only_a + only_b + neither
    a, b = both + only_a, both + only_b
    low_a, high_a = scipy.stats.binomtest(a, n).proportion_ci(method="wilson")
    low_b, high_b = scipy.stats.binomtest(b, n).proportion_ci(method="wilson")
    numerator = Fraction(both * neither - only_a * only_b)
    if numerator > 0:
        numerator = max(Fraction(0), numerator - Fraction(n, 2))
    denominator = a * (n - a) * b * (n - b)
    phi = float(numerator) / float(denominator) ** 0.5 if denominator else 0.0
    down = np.array([a / n - low_a, high_b - b / n])
    up = np.array([high_a - a / n, b / n - low_b])
    correlation = np.array([[1, -phi], [-phi, 1]])
    difference = (only_a - only_b) / n
    return [difference - np.sqrt(down @ correlation @ down), difference + np.sqrt(up @ correlation @ up)]


def bootstrap(case):
    """The 95 % interval of macro F1 over NumPy's multinomial resamples."""
    matrix = np.array(case["rows"])
    cells = matrix.ravel()
    random = np.random.default_rng(case["seed"])
    values = []
    for draw in random.multinomial(cells.sum(), cells / cells.sum(), size=case["resamples"]):
        drawn = draw.reshape(matrix.shape)
        sides = drawn.sum(axis=0) + drawn.sum(axis=1)
        occurs = sides > 0
        values.append((2 * np.diag(drawn)[occurs] / sides[occurs]).mean())
    return {"low": np.quantile(values, 0.025), "high": np.quantile(values, 0.975)}


QUESTIONS = {
    function.__name__: function
    for function in (confusion, exact_confusion, scores, top_k, evaluation, mcnemar, agreement, paired_interval, bootstrap)
}


def plain(value):
    """What JSON can hold: NumPy's numbers as Python's, and an undefined one as null."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if value is None or isinstance(value, int):
        return value
    return None if np.isnan(value) else float(value)


for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps([plain(QUESTIONS[asked["question"]](case)) for case in asked["cases"]]), flush=True)
