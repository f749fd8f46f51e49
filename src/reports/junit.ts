/**
 * JUnit XML for CI. Elements and attributes follow the schema of Jenkins' xunit plugin (jenkinsci/xunit-plugin,
 * junit-10.xsd): Maven Surefire's schema, with `testsuites` around it.
 */
import { hashOf } from "#src/base/contracts/dataset.js";
import { BatchwiseError } from "#src/base/errors.js";
import { escaped, element as markup } from "./markup.js";
import type { Report } from "./report.js";

export interface JunitSuite {
  readonly name: string;
  readonly properties: readonly (readonly [name: string, value: string])[];
  readonly cases: readonly JunitCase[];
}

export interface JunitCase {
  readonly name: string;
  readonly elapsedMs: number;
  /** Undefined if the case passed. A `failure` is a missed gate; an `error` is an evaluation that did not finish. */
  readonly problem?: JunitProblem | undefined;
}

export interface JunitProblem {
  readonly kind: "failure" | "error";
  /** Stable error code. */
  readonly type: string;
  readonly message: string;
}

export function renderJunit(suites: readonly JunitSuite[]): string {
  const cases = suites.flatMap((suite) => suite.cases);
  const content = element("testsuites", { name: "batchwise", ...totalsOf(cases) }, suites.map(suiteElement));
  return `<?xml version="1.0" encoding="UTF-8"?>\n${content}\n`;
}

function suiteElement({ name, properties, cases }: JunitSuite): string {
  return element("testsuite", { name, ...totalsOf(cases) }, [
    element(
      "properties",
      {},
      properties.map(([key, value]) => element("property", { name: key, value })),
    ),
    ...cases.map((one) => caseElement(name, one)),
  ]);
}

function caseElement(suite: string, { name, elapsedMs, problem }: JunitCase): string {
  const children =
    problem === undefined
      ? []
      : [element(problem.kind, { type: problem.type, message: problem.message }, [escaped(problem.message)])];
  return element("testcase", { name, classname: suite, time: secondsText(elapsedMs) }, children);
}

function totalsOf(cases: readonly JunitCase[]): Record<string, string> {
  const having = (kind: JunitProblem["kind"]) => cases.filter(({ problem }) => problem?.kind === kind).length;
  return {
    tests: String(cases.length),
    failures: String(having("failure")),
    errors: String(having("error")),
    time: secondsText(cases.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0)),
  };
}

/** Element with each child on its own lines. */
function element(name: string, attributes: Record<string, string>, children?: readonly string[]): string {
  return markup(name, attributes, children, "\n");
}

function secondsText(elapsedMs: number): string {
  return (elapsedMs / 1000).toFixed(3);
}

const EVALUATION = "evaluation";

/** Suite of an evaluation: one case for the evaluation, and one per gate. */
export function junitSuite({ evaluation, gates, fault }: Report, name?: string): JunitSuite {
  const { assumptions, dataset, network, run, result, timing } = evaluation;
  const scores: JunitSuite["properties"] =
    result.labelled && result.total > 0 ? [["accuracy", String(result.accuracy)]] : [];
  return {
    name: name ?? `${network.name} on ${dataset.name}, ${dataset.split}`,
    properties: [
      [dataset.sha256 === null ? "dataset.sampled-sha256" : "dataset.sha256", hashOf(dataset)],
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

/** Suite of an evaluation without a result. */
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
