import test from "ava";
import { firstDifference, identityKey, identityOf } from "#src/evaluate/run-identity.js";
import { randomDataset, randomNetwork } from "../helpers/random.js";

const pair = { dataset: randomDataset(10), network: randomNetwork([64, 20, 10]), classes: 10 };
const WHOLE = { offset: 0, limit: 10 };
const OPTIONS = {
  engine: "ml-matrix",
  probabilities: false,
  topK: undefined,
  bootstrap: 0,
  seed: 1,
} as const;
const identity = identityOf(pair, WHOLE, OPTIONS);

test("a run is the same whatever engine of the same predictions computes it", (t) => {
  t.is(identityKey(identity), identityKey(identityOf(pair, WHOLE, { ...OPTIONS, engine: "simd" })));
  t.is(firstDifference(identity, JSON.parse(JSON.stringify(identity))), undefined);
});

test("whatever changes the answer makes another run, and is named", (t) => {
  const { dataset, network } = pair;
  const scaled = { ...network, preprocessing: { kind: "none" } as const };
  const others = [
    ["arithmetic", identityOf(pair, WHOLE, { ...OPTIONS, engine: "onnx" })],
    ["limit", identityOf(pair, { offset: 0, limit: 9 }, OPTIONS)],
    ["topK", identityOf(pair, WHOLE, { ...OPTIONS, topK: 2 })],
    ["dataset", identityOf({ ...pair, dataset: { ...dataset, sha256: "2".repeat(64) } }, WHOLE, OPTIONS)],
    ["network", identityOf({ ...pair, network: { ...network, sha256: "3".repeat(64) } }, WHOLE, OPTIONS)],
    ["preprocessing", identityOf({ ...pair, network: scaled }, WHOLE, OPTIONS)],
    ["labelled", identityOf({ ...pair, dataset: { ...dataset, labelsPath: undefined } }, WHOLE, OPTIONS)],
    ["activations", identityOf({ ...pair, network: randomNetwork([64, 20, 10], "relu") }, WHOLE, OPTIONS)],
  ] as const;
  for (const [what, other] of others) {
    t.is(firstDifference(identity, other)?.what, what);
    t.not(identityKey(other), identityKey(identity));
  }
  t.is(new Set(others.map(([, other]) => identityKey(other))).size, others.length);
});

test("its key does not hang on the order in which its facts were written", (t) => {
  const turned = Object.fromEntries(Object.entries(identity).reverse());
  t.is(identityKey(turned as unknown as typeof identity), identityKey(identity));
});
