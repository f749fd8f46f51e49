/** The README's two languages say the same, as far as that can be seen without reading them. */
import { readFile } from "node:fs/promises";
import test from "ava";
import { PACKAGE_ROOT } from "#src/base/package-root.js";

const BLOCK = /^```\w*\n[\s\S]*?^```$/gm;

async function partsOf(name: string) {
  const text = await readFile(new URL(name, PACKAGE_ROOT), "utf8");
  const lines = text.replace(BLOCK, "").split("\n");
  return {
    blocks: text.match(BLOCK) ?? [],
    headings: lines.flatMap((line) => /^(#+) /.exec(line)?.[1] ?? []),
    rows: lines.filter((line) => line.startsWith("|")).map((line) => line.split(/(?<!\\)\|/).length),
    links: [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target).filter((t) => !/^README/.test(t)),
    text,
  };
}

test("the Korean README has the English one's code, headings, tables and links, in its order", async (t) => {
  const [english, korean] = await Promise.all(["README.md", "README.ko.md"].map(partsOf));
  t.true(english.blocks.length > 0);
  t.deepEqual(korean.blocks, english.blocks);
  t.deepEqual(korean.headings, english.headings);
  t.deepEqual(korean.rows, english.rows);
  t.deepEqual(korean.links, english.links);
});
