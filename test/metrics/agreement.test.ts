import test from "ava";
import { agreementOf } from "#src/metrics/paired.js";
import { seeded } from "../helpers/random.js";
import { askScikit, withScikit } from "../helpers/scikit.js";

test("six images give what is counted by hand", (t) => {
  const labels = Uint8Array.of(0, 0, 1, 1, 2, 2);
  const a = Uint16Array.of(0, 1, 1, 1, 0, 0);
  const b = Uint16Array.of(0, 0, 1, 2, 2, 0);
  t.deepEqual(agreementOf(labels, a, b, 3), {
    // Rows are A's: 0 0, 0 2 and 0 0; 1 0, 1 1 and 1 2.
    matrix: Uint32Array.of(2, 0, 1, 1, 1, 1, 0, 0, 0),
    both: 2,
    onlyA: 1,
    onlyB: 2,
    neither: 1,
  });
});

test("no images give zeros", (t) => {
  t.deepEqual(agreementOf(new Uint8Array(0), new Uint16Array(0), new Uint16Array(0), 2), {
    matrix: new Uint32Array(4),
    both: 0,
    onlyA: 0,
    onlyB: 0,
    neither: 0,
  });
});

withScikit("scikit-learn's confusion matrix of the two, and NumPy's counts, are the same", (t) => {
  const cases = [2, 10, 26].map((classes) => {
    const random = seeded(classes);
    const labels = Uint8Array.from({ length: 2000 }, () => Math.floor(random() * classes));
    const predictions = () =>
      Uint16Array.from(labels, (label) => (random() < 0.7 ? label : Math.floor(random() * classes)));
    return { labels, a: predictions(), b: predictions(), classes };
  });
  const answers = askScikit<object>(
    "agreement",
    cases.map(({ labels, a, b, classes }) => ({ labels: [...labels], a: [...a], b: [...b], classes })),
  );
  for (const [n, { labels, a, b, classes }] of cases.entries()) {
    const found = agreementOf(labels, a, b, classes);
    t.deepEqual({ ...found, matrix: [...found.matrix] }, answers[n]);
  }
});
