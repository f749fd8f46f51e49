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

test("a run that lost its journal leaves the predictions to the other run, and states that cause alone", async (t) => {
  const lost = new RunError("ERR_JOURNAL_LOCKED", { path: "run.journal" });
  const reasons: Error[] = [];
  const listeners = (fault: RunError) => [
    { end: () => ({ faults: [fault] }), abort: () => ({ faults: [fault] }) },
    {
      durable: {},
      end: () => ({ written: ["p.csv"] }),
      abort(reason: Error) {
        reasons.push(reason);
        return {};
      },
    },
  ];
  const evaluation = { ...sampleEvaluation(), predictionsFile: null };
  const { faults, written } = await closeListeners(listeners(lost), { evaluation });
  t.deepEqual([faults, written, reasons], [[lost], [], [lost]]);
  const full = new RunError("ERR_OUTPUT_WRITE", { path: "run.journal", reason: "no space" });
  const other = await closeListeners(listeners(full), { evaluation });
  t.deepEqual([other.faults, other.written, reasons.length], [[full], ["p.csv"], 1]);
});
