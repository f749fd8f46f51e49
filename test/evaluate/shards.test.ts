import test from "ava";
import { DatasetError, UsageError } from "#src/base/errors.js";
import { parseShard, shardOf } from "#src/evaluate/options.js";

test("shards follow each other without gap or overlap, and differ by one image at most", (t) => {
  for (const [limit, count] of [
    [10, 3],
    [10_000, 7],
    [5, 5],
    [1, 1],
    [4_294_967_295, 999],
  ]) {
    let next = 42;
    const sizes = new Set<number>();
    for (let index = 1; index <= count; index++) {
      const range = shardOf({ offset: 42, limit }, { index, count });
      t.is(range.offset, next);
      next += range.limit;
      sizes.add(range.limit);
    }
    t.is(next, 42 + limit);
    t.true(Math.max(...sizes) - Math.min(...sizes) <= 1);
  }
});

test("refuses to cut fewer images than shards", (t) => {
  const error = t.throws(() => shardOf({ offset: 0, limit: 3 }, { index: 1, count: 4 }), {
    instanceOf: DatasetError,
    code: "ERR_SHARD_EMPTY",
  });
  t.regex(error?.message ?? "", /found 3 for 4/);
});

test("reads i/n, and refuses all that is none", (t) => {
  t.deepEqual(parseShard("2/3"), { index: 2, count: 3 });
  for (const text of ["0/3", "4/3", "1", "1/0", "-1/3", "1/3/5", "1.5/3", " 1/3", ""]) {
    t.throws(() => parseShard(text), { instanceOf: UsageError, code: "ERR_OPTION_VALUE" }, text);
  }
});
