/** `predict` in memory: bytes and pixels ÷ 255 are two ways to say the same image. */
import test from "ava";
import type { Preprocessing } from "#src/base/contracts/network.js";
import { predict } from "#src/engines/predict.js";
import { softmax } from "#src/engines/softmax.js";
import { inCase } from "../helpers/in-case.js";
import { explicitLogits, explicitly, largestDifference } from "../helpers/preprocess.js";
import { randomNetwork, seeded } from "../helpers/random.js";

const network = randomNetwork([16, 8, 4]);
const random = seeded(6);
const bytes = Uint8Array.from({ length: 16 }, () => Math.floor(random() * 256));
const fractions = Float64Array.from(bytes, (byte) => byte / 255);

const RECIPES: readonly Preprocessing[] = [
  { kind: "scale" },
  { kind: "standardize", mean: 0.4, std: 0.3 },
  { kind: "whiten-zca", epsilon: 0.1, folded: true },
  { kind: "whiten-pca", epsilon: 0.1, folded: true },
];

test("takes bytes and pixels ÷ 255 alike under every preprocessing", async (t) => {
  for (const preprocessing of RECIPES) {
    await inCase(t, `takes bytes and pixels ÷ 255 alike under ${preprocessing.kind}`, () => {
      const asked = { ...network, preprocessing };
      const expected = softmax(explicitLogits(network.layers, bytes, explicitly(preprocessing)));
      t.true(largestDifference(predict(asked, bytes).data, expected) < 1e-9);
      t.true(largestDifference(predict(asked, fractions).data, expected) < 1e-9);
    });
  }
});

test("takes every value as it is where nothing is to be done", (t) => {
  const asked = { ...network, preprocessing: { kind: "none" } as const };
  t.deepEqual(predict(asked, Float64Array.from(bytes)), predict(asked, bytes));
  t.notDeepEqual(predict(asked, fractions), predict(asked, bytes));
});
