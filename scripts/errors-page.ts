/** The page docs/errors.md, made from the table of error codes. */
import { ERROR_CODES, type ErrorCode, type ExitStatus } from "#src/base/errors.js";
import { PACKAGE_ROOT } from "#src/base/package.js";

export const ERRORS_PAGE = new URL("docs/errors.md", PACKAGE_ROOT);

/** Meaning of each exit status that an error can end the process with. */
const STATUS_MEANINGS: Readonly<Record<ExitStatus, string>> = {
  1: "a fault in Batchwise itself",
  2: "wrong usage: the command line, a configuration, or a call of the library",
  3: "bad input: images, labels, weights, or another file that was read",
  4: "the run is incomplete, a worker failed, or an optional part is missing",
  5: "network: a download or a Redis connection failed",
  6: "the output could not be written",
  100: "a gate failed",
  129: "interrupted by SIGHUP, which a closed terminal sends; what was done is reported as for SIGTERM",
  130: "interrupted by SIGINT (Ctrl+C); what was done is reported",
  143: "interrupted by SIGTERM; what was done is reported",
};

const HEAD = `# Exit status and errors

<!-- Written from the code by \`npm run docs:errors\`. Do not edit. -->

Every error is one line on stderr: \`batchwise: CODE: message\`. The message names the file, what was expected, what was
found, and often what to do next. A code is stable from version to version. The words of a message may change. With
\`--log-level debug\` the log also holds the stack. In the library the same code is the \`code\` of a \`BatchwiseError\`.

In the tables below, a word in *italics* stands for a fact of the single case: *found* is what was found, and *next* is
advice that depends on the file.

| status | meaning |
| ---: | --- |
| 0 | done |
`;

/** The whole page, in Markdown. */
export function errorsPage(): string {
  const statuses = Object.entries(STATUS_MEANINGS);
  const overview = statuses.map(([status, meaning]) => `| ${status} | ${meaning} |\n`).join("");
  return HEAD + overview + statuses.map(([status, meaning]) => sectionOf(Number(status), meaning)).join("");
}

function sectionOf(status: number, meaning: string): string {
  const codes = Object.keys(ERROR_CODES).filter(isCode);
  const rows = codes
    .filter((code) => ERROR_CODES[code].status === status)
    .sort()
    .map(rowOf);
  return `
## ${status}: ${meaning}

| code | what is wrong | what follows, or what to do |
| --- | --- | --- |
${rows.join("\n")}
`;
}

function isCode(key: string): key is ErrorCode {
  return Object.hasOwn(ERROR_CODES, key);
}

/** The first semicolon of a message parts what is wrong from what follows. */
function rowOf(code: ErrorCode): string {
  // Each row takes its own facts. A placeholder stands for any of them, which no static type expresses.
  const say = ERROR_CODES[code].say as (facts: unknown) => string;
  const [wrong = "", ...rest] = readable(say(placeholder(""))).split("; ");
  // A message that ends in a space ends in a list, which is empty here.
  return `| \`${code}\` | ${wrong.replace(/ $/, " …")} | ${rest.join("; ")} |`;
}

/** Marks where a fact begins and ends; private characters, so that no message holds them. */
const [OPEN, CLOSE] = ["\uE000", "\uE001"];

/** A number that no message holds, and that stays itself when a message adds to it or divides it. */
const UNKNOWN_NUMBER = Number.NEGATIVE_INFINITY;

/** A fact that is not known: it prints its own name, whatever a message does with it. */
function placeholder(name: string): unknown {
  const shown = `${OPEN}${name}${CLOSE}`;
  const members: Readonly<Record<PropertyKey, unknown>> = {
    [Symbol.toPrimitive]: (hint: string) => (hint === "string" ? shown : UNKNOWN_NUMBER),
    [Symbol.iterator]: () => [placeholder(name)].values(),
    length: 2,
    includes: () => false,
    join: () => shown,
    map: (make: (item: unknown) => unknown) => [make(placeholder(name))],
    replace: () => placeholder(name),
    slice: () => placeholder(name),
    toString: () => shown,
  };
  return new Proxy(members, {
    get: (_, key) => (Object.hasOwn(members, key) ? members[key] : placeholder(String(key))),
  });
}

/** The message in Markdown: facts in italics, the characters that Markdown reads escaped. */
function readable(message: string): string {
  return message
    .replace(/[<>|*_[\]\\]/g, "\\$&")
    .replaceAll(String(UNKNOWN_NUMBER), `${OPEN}number${CLOSE}`)
    .replace(new RegExp(`${OPEN}([^${CLOSE}]*)${CLOSE}`, "g"), (_, name: string) => `*${wordsOf(name)}*`);
}

/** `expectedBytes` → `expected bytes`. */
function wordsOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
