import test from "ava";
import { IncompleteError } from "#src/base/abort.js";
import { RunError } from "#src/base/errors.js";
import { closeListeners } from "#src/evaluate/listeners.js";
import { sampleEvaluation } from "../helpers/sample-result.js";

const EVALUATION = { ...sampleEvaluation(), predictionsFile: null };
const FILE = { path: "/p.csv", sha256: "0".repeat(64), format: "csv" } as const;

test("later listeners see the predictions file of earlier ones, at the end and after an abort", async (t) => {
  const failure = new IncompleteError(new RunError("ERR_INTERRUPTED", { doneImages: 1, totalImages: 2 }), {
    ...EVALUATION,
  });
  for (const result of [{ evaluation: EVALUATION }, { failure }]) {
    const seen: unknown[] = [];
    const writer = { written: ["p.csv"], predictionsFile: FILE };
    const ending = await closeListeners(
      [
        { end: () => writer, abort: () => writer },
        {
          end({ predictionsFile }) {
            seen.push(predictionsFile);
            return { written: ["r.html"] };
          },
          abort(reason) {
            seen.push(reason instanceof IncompleteError && reason.partial.predictionsFile);
            return { written: ["r.html"] };
          },
        },
      ],
      result,
    );
    t.deepEqual(seen, [FILE]);
    t.deepEqual(ending.written, ["p.csv", "r.html"]);
    t.deepEqual(ending.evaluation?.predictionsFile, FILE);
    t.is(ending.failure instanceof IncompleteError, "failure" in result);
  }
});

test("a listener that throws at the end is a fault, and those after it are closed", async (t) => {
  let closed = 0;
  const broken = new Error("broken");
  const { evaluation, faults } = await closeListeners(
    [
      {
        end() {
          throw broken;
        },
      },
      {
        end() {
          closed++;
          return {};
        },
      },
    ],
    { evaluation: EVALUATION },
  );
  t.deepEqual([evaluation, faults, closed], [EVALUATION, [broken], 1]);
});
