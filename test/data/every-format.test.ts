/** The same 10,000 test images of MNIST in every format, written by Python. */
import { execFileSync } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { evaluate } from "#src/index.js";
import { pythonWith } from "../helpers/python.js";
import { isThorough, needs } from "../helpers/require.js";
import { temporaryFolder } from "../helpers/temporary.js";

const FOLDER = process.env.BATCHWISE_MNIST_DIR;
const numpy = pythonWith("numpy");
const pillow = pythonWith("numpy", "PIL");
/** Libraries that write a part of the sets, the most useful first. */
const INTERPRETER = pythonWith("numpy", "torch") ?? pillow ?? numpy ?? "";
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
  ["fortran.npz"],
  ["bytes_as_floats.npz"],
  ["transposed.npz"],
  ["x_test.npy"],
  ["mnist.pkl"],
  ["nielsen.pkl.gz"],
  ["qmnist-images-idx3-ubyte", "qmnist-labels-idx2-int"],
  ["float-images", "float-labels"],
];
/** Files that are there only if Python has their library. */
const MORE_SETS = ["test.pt", "turned.pt", "nested.parquet", "channels.parquet", "flat.parquet"];
/** Images of which PNG files are written. */
const PICTURES = isThorough ? 10_000 : 500;

needs("mnist", FOLDER !== undefined && numpy !== undefined)(
  "the book's network gets 9352 from every format",
  async (t) => {
    t.timeout(10 * 60_000);
    const folder = await temporaryFolder(t);
    const mnist = FOLDER ?? "";
    const pictures = pillow === INTERPRETER ? [`${PICTURES}`] : [];
    execFileSync(INTERPRETER, [join("test", "data", "write-sets.py"), mnist, folder, ...pictures]);
    const accuracyOf = async (dataset: string, options: object = {}) => {
      const weights = join(mnist, "sample_weight.pkl");
      const run = {
        dataset: join(folder, dataset),
        weights,
        engine: "simd",
        threads: 0,
        ...options,
      } as const;
      return (await evaluate(run)).result.accuracy;
    };
    const names = await readdir(folder);
    const more = MORE_SETS.filter((name) => names.includes(name));
    const missing = MORE_SETS.filter((name) => !names.includes(name));
    if (missing.length > 0)
      t.log(`skipped, as Python lacks the library that writes them: ${missing.join(", ")}`);
    for (const [dataset, labels] of [...SETS, ...more.map((name) => [name] as const)]) {
      const options = labels === undefined ? {} : { labels: join(folder, labels) };
      t.is(await accuracyOf(dataset, options), 0.9352, dataset);
    }
    if (pictures.length === 0) return;
    // Folders have the images of a class one after the other; a part of the set has its own number.
    t.is(await accuracyOf("pictures"), await accuracyOf("keras.npz", { limit: PICTURES }), "pictures");
  },
);
