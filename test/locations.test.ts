import { resolve } from "node:path";
import test from "ava";
import { evaluate } from "#src/evaluate/evaluate.js";
import { datasetLocation, networkLocation } from "#src/evaluate/facts.js";
import { randomDataset, randomNetwork } from "./helpers/random.js";

test("names stay as they were given, and paths become absolute", (t) => {
  t.deepEqual(datasetLocation({ dataset: "bundled", labels: undefined, classes: "names.txt" }), {
    dataset: "bundled",
    labels: null,
    classes: resolve("names.txt"),
  });
  t.deepEqual(datasetLocation({ dataset: "./bundled", labels: "l.gz", classes: undefined }), {
    dataset: resolve("bundled"),
    labels: resolve("l.gz"),
    classes: null,
  });
  t.is(datasetLocation({ dataset: "x", labels: false, classes: undefined })?.labels, null);
  t.deepEqual(
    networkLocation({ weights: "w.npz", activation: "relu", normalize: "none", mean: undefined, std: 2 }),
    {
      weights: resolve("w.npz"),
      activation: "relu",
      normalize: "none",
      mean: null,
      std: 2,
    },
  );
  const nothing = { activation: undefined, normalize: undefined, mean: undefined, std: undefined };
  t.is(networkLocation({ weights: "book", ...nothing })?.weights, "book");
});

test("an evaluation of the package's own says where they are, and one of open data and network does not", async (t) => {
  const named = await evaluate({ threads: 0, limit: 10 });
  t.deepEqual(named.dataset.location, { dataset: "bundled", labels: null, classes: null });
  t.deepEqual(named.network.location, {
    weights: "bundled",
    activation: null,
    normalize: null,
    mean: null,
    std: null,
  });
  const open = await evaluate({ dataset: randomDataset(10), weights: randomNetwork([64, 10]), threads: 0 });
  t.is(open.dataset.location, null);
  t.is(open.network.location, null);
  t.is(open.predictionsFile, null);
});
