import test from "ava";
import { suggest } from "../src/suggest.js";

test("suggests the closest name that is known", (t) => {
  t.is(suggest("bundlde", ["mnist", "bundled"]), "bundled");
  t.is(suggest("mnits", ["mnist", "bundled"]), "mnist");
});

test("suggests nothing when no name is close, or none is known", (t) => {
  t.is(suggest("weights.pkl", ["mnist", "bundled"]), undefined);
  t.is(suggest("mnist", []), undefined);
});
