import test from "ava";
import { mutantsOf } from "../../scripts/mutants.js";

test("changes one operator a mutant, and nothing else", (t) => {
  const text =
    "function f(a) {\n  for (let i = 0; i < a; i++) if (!a || i === 2) continue;\n  return true;\n}\n";
  t.deepEqual(
    mutantsOf(text).map(({ line, change }) => `${line}: ${change}`),
    [
      "2: < → <=",
      "2: i++ → i--",
      "2: || → &&",
      "2: !a → a",
      "2: === → !==",
      "2: continue; → ;",
      "3: true → false",
    ],
  );
  t.is(mutantsOf(text)[0].text, text.replace("i < a", "i <= a"));
});

test("changes only the functions that are named", (t) => {
  const text = "const f = 1 + 1;\nfunction g() { return 1 - 1; }\nfunction h() { return 1 * 1; }\n";
  t.deepEqual(
    mutantsOf(text, ["g"]).map(({ change }) => change),
    ["- → +"],
  );
});
