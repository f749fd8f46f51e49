/** Suggestions for names that are nearly known. */
import test from "ava";
import { suggest } from "#src/base/text.js";

test("suggests the closest known name", (t) => {
  t.is(suggest("sind", ["onnx", "simd", "reference"]), "simd");
});

test("suggests within a third of the letters, and within two for short names", (t) => {
  t.is(suggest("abcdefXYZ", ["abcdefghi"]), "abcdefghi");
  t.is(suggest("abcdeWXYZ", ["abcdefghi"]), undefined);
  t.is(suggest("smd", ["simd"]), "simd");
  t.is(suggest("xyd", ["simd"]), undefined);
});

test("suggests nothing where nothing is known", (t) => {
  t.is(suggest("simd", []), undefined);
});
