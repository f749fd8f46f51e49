"""What NumPy makes of small random images: `python3 preprocess-reference.py` writes preprocess-reference.json again.

Apart from Batchwise on purpose: it shares no line of code with what it checks. The tests read the JSON alone.
"""
import json
import pathlib

import numpy as np

CASES = [
    # name, images, pixels, epsilon, share of black pixels, pixels that are always black
    ("many more images than pixels", 60, 6, 0.1, 0.5, 0),
    ("mostly black", 40, 9, 0.01, 0.8, 0),
    ("fewer images than pixels, and pixels that are always black", 5, 8, 0.1, 0.3, 2),
    ("nothing damped", 50, 5, 1e-6, 0.0, 0),
]
SMALLEST_GAP = 1e-6


def case(random, name, images, pixels, epsilon, black, dead):
    x = random.integers(0, 256, (images, pixels))
    x[random.random(x.shape) < black] = 0
    if dead:
        x[:, -dead:] = 0
    y = x / 255
    covariance = np.cov(y, rowvar=False, bias=True)
    values, vectors = np.linalg.eigh(covariance)
    values, vectors = values[::-1], vectors[:, ::-1]
    largest = np.abs(vectors).argmax(axis=0)
    vectors = vectors * np.sign(vectors[largest, np.arange(pixels)])
    pca = vectors / np.sqrt(np.maximum(values, 0) + epsilon)
    answer = {
        "name": name,
        "epsilon": epsilon,
        "inputs": pixels,
        "pixels": x.ravel().tolist(),
        "mean": y.mean(),
        "std": y.std(),
        "means": y.mean(axis=0).tolist(),
        "covariance": covariance.ravel().tolist(),
        "eigenvalues": values.tolist(),
        "zca": (pca @ vectors.T).ravel().tolist(),
    }
    # Where eigenvalues are equal, PCA's columns are anybody's choice.
    if np.diff(-values).min() > SMALLEST_GAP:
        answer["pca"] = pca.ravel().tolist()
    return answer


random = np.random.default_rng(11)
answers = [case(random, *facts) for facts in CASES]
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text("[\n" + ",\n".join(json.dumps(answer) for answer in answers) + "\n]\n")
