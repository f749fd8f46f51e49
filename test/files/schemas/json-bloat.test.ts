import test from "ava";
import { jsonBloat } from "#src/files/scan-json.js";

const MILLION = 2 ** 20;
const DEEP = "expected nesting at most 32 deep, found deeper";

test("lets short texts be, whatever they hold", (t) => {
  t.is(jsonBloat("[".repeat(MILLION)), undefined);
  t.is(jsonBloat("[],".repeat(1_000)), undefined);
});

test("lets long lists, and long texts of brackets, be", (t) => {
  t.is(jsonBloat(`[${"1,".repeat(MILLION)}1]`), undefined);
  t.is(jsonBloat(`["${"[".repeat(MILLION)}"]`), undefined);
  t.is(jsonBloat(`["${'\\"['.repeat(MILLION)}", "${"[".repeat(100)}"]`), undefined);
  t.is(jsonBloat(`"${"[".repeat(MILLION)}`), undefined);
});

test("lets a timeline of a million characters be", (t) => {
  const entry = '{"batch":0,"thread":1,"startMs":0,"elapsedMs":1},';
  t.is(jsonBloat(`{"timeline":[${entry.repeat(30_000)}null]}`), undefined);
});

test("refuses what is nested deeply, and a crowd of lists or objects that hold nothing", (t) => {
  t.is(jsonBloat("[".repeat(MILLION + 1)), DEEP);
  t.is(jsonBloat(`${"[".repeat(33)}${" ".repeat(MILLION)}`), DEEP);
  t.is(jsonBloat(`${"[".repeat(32)}${" ".repeat(MILLION)}`), undefined);
  t.regex(
    jsonBloat(`[${"[],".repeat(MILLION)}1]`) ?? "",
    /^expected at most 196608 lists and objects, found more$/,
  );
  t.regex(jsonBloat(`[${"{},".repeat(MILLION)}1]`) ?? "", /lists and objects/);
});
