/** Labels held against classes. */
import test from "ava";
import { DatasetError } from "#src/base/errors.js";
import { assertLabelsWithin } from "#src/data/labels.js";

test("accepts labels up to the last class", (t) => {
  t.notThrows(() => assertLabelsWithin({ labels: Uint8Array.of(0, 9, 5), firstImage: 0 }, 10, "f"));
});

test("refuses label 11 of ten classes, at its index within the data set", (t) => {
  const run = { labels: Uint8Array.of(0, 9, 11, 12), firstImage: 32_000 };
  const error = t.throws(() => assertLabelsWithin(run, 10, "labels"), {
    instanceOf: DatasetError,
    code: "ERR_LABEL_RANGE",
  });
  t.is(error.message, "labels: expected labels from 0 to 9, found 11 at index 32,002");
});

test("refuses the first label beyond the last class", (t) => {
  const run = { labels: Uint8Array.of(10), firstImage: 0 };
  t.throws(() => assertLabelsWithin(run, 10, "f"), { code: "ERR_LABEL_RANGE" });
  t.notThrows(() => assertLabelsWithin(run, 11, "f"));
});
