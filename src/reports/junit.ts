import { BatchwiseError } from "#src/base/errors.js";
import type { Report } from "./report.js";

/**
 * JUnit's XML as CI viewers read it: the elements and attributes that the schema of Jenkins' xunit plugin allows
 * (jenkinsci/xunit-plugin, junit-10.xsd), which is Maven Surefire's with `testsuites` around it.
 */

export interface JunitSuite {
  readonly name: string;
  readonly properties: readonly (readonly [name: string, value: string])[];
  readonly cases: readonly JunitCase[];
}

export interface JunitCase {
  readonly name: string;
  readonly elapsedMs: number;
  /** A `failure` is a demand that was missed; an `error`, that it could not be tried to the end. */
  readonly problem?: JunitProblem | undefined;
}

export interface JunitProblem {
  readonly kind: "failure" | "error";
  /** A stable code. */
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

/** Children are written as they are: elements, or text that went through `escaped`. */
function element(name: string, attributes: Record<string, string>, children: readonly string[] = []): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`);
  const opening = `${name}${written.join("")}`;
  return children.length === 0 ? `<${opening}/>` : `<${opening}>\n${children.join("\n")}\n</${name}>`;
}

function secondsText(elapsedMs: number): string {
  return (elapsedMs / 1000).toFixed(3);
}

/**
 * What XML 1.0 forbids even as a reference (section 2.2, Char: most controls, lone surrogates, U+FFFE and U+FFFF) becomes
 * U+FFFD; line breaks and tabs become references, since attributes would lose them (section 3.3.3).
 */
function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, "\ufffd")
    .replace(/[&<>"'\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}

// An evaluation as a suite of JUnit: one case for itself and one for each gate.

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
