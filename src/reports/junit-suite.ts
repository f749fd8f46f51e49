/** An evaluation as a suite of JUnit: one case for itself and one for each gate. */
import { BatchwiseError } from "#src/base/errors.js";
import type { JunitCase, JunitProblem, JunitSuite } from "./junit.js";
import type { Report } from "./report.js";

const EVALUATION = "evaluation";

export function junitSuite({ evaluation, gates, fault }: Report, name?: string): JunitSuite {
  const { assumptions, dataset, network, run, result, timing } = evaluation;
  const scores: JunitSuite["properties"] = result.labelled ? [["accuracy", String(result.accuracy)]] : [];
  return {
    name: name ?? `${network.name} on ${dataset.name}, ${dataset.split}`,
    properties: [
      ["dataset.sha256", dataset.sha256],
      ["network.sha256", network.sha256],
      ["engine", run.engine],
      ["images", String(result.total)],
      ...scores,
      ...assumptions.map(
        ({ subject, what, source }) => [`assumed.${subject}`, `${what} (${source})`] as const,
      ),
    ],
    cases: [
      { name: EVALUATION, elapsedMs: timing.totalMs, problem: fault && errorProblem(fault) },
      ...gates.map((gate): JunitCase => {
        const { code: type, message, passed } = gate;
        const problem: JunitProblem | undefined = passed ? undefined : { kind: "failure", type, message };
        return { name: gate.name, elapsedMs: 0, problem };
      }),
    ],
  };
}

/** Of an evaluation that gave no result at all. */
export function brokenSuite(name: string, fault: Error): JunitSuite {
  return {
    name,
    properties: [],
    cases: [{ name: EVALUATION, elapsedMs: 0, problem: errorProblem(fault) }],
  };
}

function errorProblem(fault: Error): JunitProblem {
  const type = fault instanceof BatchwiseError ? fault.code : "ERR_INTERNAL";
  return { kind: "error", type, message: fault.message };
}
