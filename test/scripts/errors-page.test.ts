import { readFile } from "node:fs/promises";
import test from "ava";
import { ERROR_CODES } from "#src/base/errors.js";
import { ERRORS_PAGE, errorsPage } from "../../scripts/errors-page.js";

test("docs/errors.md equals what npm run docs:errors writes", async (t) => {
  t.is(await readFile(ERRORS_PAGE, "utf8"), errorsPage());
});

test("docs/errors.md lists every code once, below its exit status", (t) => {
  const found: [string, number][] = [];
  for (const section of errorsPage().split("\n## ").slice(1)) {
    for (const [, code = ""] of section.matchAll(/^\| `(\w+)` \| \S/gm)) {
      found.push([code, Number.parseInt(section, 10)]);
    }
  }
  const expected = Object.entries(ERROR_CODES).map(([code, { status }]): [string, number] => [code, status]);
  t.deepEqual(found.sort(), expected.sort());
});

test("no message of docs/errors.md shows what an unknown fact became", (t) => {
  t.notRegex(errorsPage(), /Infinity|undefined|\[object|=\\?>|\*\d|\*\*|\uE000|\uE001/);
  t.regex(errorsPage(), /^\| `ERR_FILE_READ` \| \*path\*.*\*reason\*/m);
});
