/** Predictions against NumPy's, in float64 and in an order of sums that is NumPy's own. */
import { execFileSync } from "node:child_process";
import { ACTIVATIONS } from "#src/base/contracts/network.js";
import { predictClass } from "#src/engines/argmax.js";
import { createEngine } from "#src/engines/registry.js";
import { foldPreprocessing } from "#src/networks/fold.js";
import { pythonWith } from "../helpers/python.js";
import { randomNetwork, seeded } from "../helpers/random.js";
import { needs } from "../helpers/require.js";

const interpreter = pythonWith("numpy");

/**
 * Logits with products by BLAS, and a bound of what the order of float64 sums can change in them: γ(n + 2) Σ|x||w| a layer
 * (Higham, Accuracy and Stability of Numerical Algorithms, 3.1), carried through activations of slope 1 at most.
 */
const SCRIPT = `
import json, sys
import numpy as np
np.seterr(all="ignore")
f = {"sigmoid": lambda v: 1 / (1 + np.exp(-v)), "relu": lambda v: np.maximum(v, 0), "tanh": np.tanh, "identity": lambda v: v}
answers = []
for case in json.load(sys.stdin):
    x = np.array(case["pixels"], float).reshape(case["images"], -1)
    error = np.zeros_like(x)
    for layer in case["layers"]:
        w = np.array(layer["weights"], float).reshape(layer["inputs"], layer["outputs"])
        b = np.array(layer["biases"], float)
        error = error @ np.abs(w) + (layer["inputs"] + 8) * 2.0**-52 * ((np.abs(x) + error) @ np.abs(w) + np.abs(b))
        x = f[layer["activation"]](x @ w + b)
        if layer["activation"] in ("sigmoid", "tanh"):
            error = error + 2.0**-50
    order = np.sort(x, axis=1)
    apart = order[:, -1] - order[:, -2] > 2 * error.max(axis=1)
    answers.append({"classes": x.argmax(axis=1).tolist(), "apart": apart.tolist()})
json.dump(answers, sys.stdout)
`;

needs("numpy", interpreter !== undefined)(
  "every engine predicts as NumPy wherever the two largest logits differ by more than float64's bound",
  async (t) => {
    const random = seeded(23);
    const images = 40;
    const cases = Array.from({ length: 240 }, (_, n) => {
      const hidden = Array.from({ length: n % 4 }, () => 1 + Math.floor(random() * 20));
      const sizes = [1 + Math.floor(random() * 60), ...hidden, 2 + Math.floor(random() * 8)];
      const scale = 10 ** (n % 3 === 0 ? 0 : random() * 60 - 30);
      const layers = foldPreprocessing(randomNetwork(sizes, ACTIVATIONS[n % ACTIVATIONS.length], n + 1)).map(
        (layer) => ({ ...layer, weights: layer.weights.map((weight) => weight * scale) }),
      );
      const pixels = Uint8Array.from({ length: images * sizes[0] }, () =>
        random() < 0.5 ? 0 : Math.floor(random() * 256),
      );
      return { layers, pixels };
    });
    const asked = cases.map(({ layers, pixels }) => ({
      images,
      pixels: [...pixels],
      layers: layers.map((layer) => ({
        ...layer,
        weights: [...layer.weights],
        biases: [...layer.biases],
      })),
    }));
    const answers: readonly { readonly classes: readonly number[]; readonly apart: readonly boolean[] }[] =
      JSON.parse(
        execFileSync(interpreter ?? "python3", ["-c", SCRIPT], {
          input: JSON.stringify(asked),
          encoding: "utf8",
          maxBuffer: 2 ** 26,
        }),
      );
    let compared = 0;
    for (const [n, { layers, pixels }] of cases.entries()) {
      const { classes, apart } = answers[n];
      const { outputs } = layers[layers.length - 1];
      for (const name of ["reference", "ml-matrix", "simd"] as const) {
        const engine = await createEngine(name, layers);
        const found = new Uint16Array(images);
        if (engine.predict !== undefined) engine.predict(pixels, images, found);
        else {
          const logits = new Float64Array(images * outputs);
          await engine.forward(pixels, images, logits);
          for (let image = 0; image < images; image++) {
            found[image] = predictClass(logits, image, image * outputs, outputs);
          }
        }
        for (let image = 0; image < images; image++) {
          if (!apart[image]) continue;
          t.is(found[image], classes[image], `${name}, network ${n}, image ${image}`);
          compared++;
        }
      }
    }
    t.true(compared > (3 * images * cases.length) / 2, `${compared} compared`);
  },
);
