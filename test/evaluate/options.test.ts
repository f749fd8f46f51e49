import test from "ava";
import { UsageError } from "#src/base/errors.js";
import { resolveOptions } from "#src/evaluate/options.js";

test("a plain evaluation asks for no probabilities and no bootstrap", (t) => {
  const { probabilities, topK, bootstrap, seed } = resolveOptions({}, 2);
  t.deepEqual(
    { probabilities, topK, bootstrap, seed },
    { probabilities: false, topK: undefined, bootstrap: 0, seed: 1 },
  );
});

test("top k, calibration and probabilities ask for probabilities, which simd leaves to ml-matrix", (t) => {
  for (const input of [{ topK: "1" }, { calibration: true }, { probabilities: true }]) {
    const { probabilities, engine } = resolveOptions({ ...input, engine: "simd" }, 2);
    t.deepEqual([probabilities, engine], [true, "ml-matrix"], JSON.stringify(input));
    t.is(resolveOptions({ ...input, engine: "reference" }, 2).engine, "reference");
  }
});

test("options that were resolved mean the same when they are resolved again", (t) => {
  for (const input of [{}, { topK: 3 }, { calibration: true, bootstrap: 10, seed: 4 }]) {
    const options = resolveOptions(input, 2);
    t.deepEqual(resolveOptions({ ...options, timeoutSeconds: options.timeoutMs / 1000 }, 2), options);
  }
});

test("refuses values out of range, and scores without labels", (t) => {
  for (const input of [
    { topK: 0 },
    { topK: "2.5" },
    { bootstrap: -1 },
    { bootstrap: 1_000_001 },
    { seed: 2 ** 32 },
    { seed: "x" },
  ]) {
    const refused = { instanceOf: UsageError, code: "ERR_OPTION_VALUE" };
    t.throws(() => resolveOptions(input, 2), refused, JSON.stringify(input));
  }
  for (const [option, input] of [
    ["--top-k", { topK: 3 }],
    ["--calibration", { calibration: true }],
    ["--bootstrap", { bootstrap: 10 }],
  ] as const) {
    t.throws(() => resolveOptions({ ...input, labels: false }, 2), {
      instanceOf: UsageError,
      code: "ERR_USAGE",
      message: new RegExp(`^${option} .* --no-labels`),
    });
  }
});
