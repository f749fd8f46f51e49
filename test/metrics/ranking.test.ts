/** The order of classes by logits, against a sort that is stable by the language's own definition. */
import test from "ava";
import { classRanker } from "#src/metrics/score-metrics.js";
import { seeded } from "../helpers/random.js";

test("ranks any number of classes as a stable sort does, with ties and infinities", (t) => {
  const random = seeded(3);
  for (const classes of [1, 2, 3, 10, 15, 16, 17, 31, 32, 33, 64, 65, 100, 257, 1000]) {
    const rank = classRanker(classes);
    const images = 20;
    const logits = Float64Array.from({ length: images * classes }, () => {
      const value = Math.floor(random() * classes);
      return value === 0 ? Number.NEGATIVE_INFINITY : value === 1 ? Number.POSITIVE_INFINITY : value;
    });
    const ranking = new Uint16Array(images * classes);
    for (let image = 0; image < images; image++) rank(logits, ranking, image * classes);
    for (let image = 0; image < images; image++) {
      const row = logits.subarray(image * classes, (image + 1) * classes);
      const expected = Array.from(row.keys()).sort((a, b) =>
        row[a] === row[b] ? 0 : row[b] > row[a] ? 1 : -1,
      );
      t.deepEqual(
        [...ranking.subarray(image * classes, (image + 1) * classes)],
        expected,
        `${classes} classes`,
      );
    }
  }
});
