/** The same 10,000 test images of MNIST in every format, written by Python. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { evaluate } from "#src/index.js";
import { pythonWith } from "../helpers/python.js";
import { needs } from "../helpers/require.js";
import { temporaryFolder } from "../helpers/temporary.js";

const FOLDER = process.env.BATCHWISE_MNIST_DIR;
const numpy = pythonWith("numpy");
/** Files, and their labels where these are in another file. */
const SETS: readonly (readonly [dataset: string, labels?: string])[] = [
  ["train.csv"],
  ["openml.csv"],
  ["mnist_test.tsv"],
  ["test.csv.gz"],
  ["parts.csv"],
  ["keras.npz"],
  ["medmnist.npz"],
  ["one_hot.npz"],
  ["arr.npz"],
  ["x_test.npy"],
  ["mnist.pkl"],
  ["nielsen.pkl.gz"],
  ["qmnist-images-idx3-ubyte", "qmnist-labels-idx2-int"],
  ["float-images", "float-labels"],
  ...(pythonWith("numpy", "torch") === undefined ? [] : [["test.pt"] as const]),
];

needs("mnist", FOLDER !== undefined && numpy !== undefined)(
  "the book's network gets 9352 from every format",
  async (t) => {
    const folder = await temporaryFolder(t);
    const mnist = FOLDER ?? "";
    execFileSync(pythonWith("numpy", "torch") ?? numpy ?? "", [
      join("test", "data", "write-sets.py"),
      mnist,
      folder,
    ]);
    for (const [dataset, labels] of SETS) {
      const { result } = await evaluate({
        dataset: join(folder, dataset),
        ...(labels !== undefined && { labels: join(folder, labels) }),
        weights: join(mnist, "sample_weight.pkl"),
        engine: "simd",
        threads: 0,
      });
      t.is(result.accuracy, 0.9352, dataset);
    }
  },
);
