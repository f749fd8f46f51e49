/** The rules of the JUnit schema that CI viewers keep to: jenkinsci/xunit-plugin, junit-10.xsd. */
import { allWithin, parseXml, type XmlElement } from "./xml.js";

interface Rule {
  readonly required: readonly string[];
  readonly optional: readonly string[];
  readonly children: readonly string[];
}

const RULES: Readonly<Record<string, Rule>> = {
  testsuites: {
    required: [],
    optional: ["name", "time", "tests", "failures", "errors"],
    children: ["testsuite"],
  },
  testsuite: {
    required: ["name", "tests", "failures", "errors"],
    optional: ["group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"],
    children: ["testsuite", "properties", "testcase", "system-out", "system-err"],
  },
  properties: { required: [], optional: [], children: ["property"] },
  property: { required: ["name", "value"], optional: [], children: [] },
  testcase: {
    required: ["name"],
    optional: ["time", "classname", "group"],
    children: ["skipped", "error", "failure", "system-out", "system-err"],
  },
  failure: { required: [], optional: ["type", "message"], children: [] },
  error: { required: [], optional: ["type", "message"], children: [] },
};
const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';
const SECONDS = /^\d+(?:\.\d*)?$/;

/** The root of a document as we write it. */
export function parseJunit(xml: string): XmlElement {
  if (!xml.startsWith(DECLARATION)) throw new Error("no XML declaration");
  return parseXml(xml.slice(DECLARATION.length).trim());
}

/** What the document breaks; counts are held against the cases too, which a schema cannot do. */
export function junitFaults(root: XmlElement): string[] {
  const faults = root.name === "testsuites" ? [] : [`the root is ${root.name}`];
  for (const element of allWithin(root)) {
    const { name, attributes, children } = element;
    const rule = RULES[name];
    if (rule === undefined) {
      faults.push(`${name} is no element of JUnit's`);
      continue;
    }
    const given = Object.keys(attributes);
    const known = [...rule.required, ...rule.optional];
    faults.push(
      ...rule.required.filter((key) => !given.includes(key)).map((key) => `${name} has no ${key}`),
      ...given.filter((key) => !known.includes(key)).map((key) => `${name} has ${key}`),
      ...children
        .filter((child) => !rule.children.includes(child.name))
        .map((child) => `${child.name} in ${name}`),
    );
    if ("time" in attributes && !SECONDS.test(attributes.time)) faults.push(`time ${attributes.time}`);
    if (name === "testsuite" || name === "testsuites") faults.push(...countFaults(element));
  }
  return faults;
}

function countFaults(element: XmlElement): string[] {
  const within = allWithin(element).map(({ name }) => name);
  const counts = { tests: "testcase", failures: "failure", errors: "error" };
  return Object.entries(counts)
    .filter(([key, name]) => element.attributes[key] !== String(within.filter((one) => one === name).length))
    .map(([key]) => `${element.name}: ${key} is ${element.attributes[key]}`);
}
