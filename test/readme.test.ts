/** The front page: short, the same in both languages as far as a program can see, and without dead links. */
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import test from "ava";
import { PACKAGE_ROOT } from "#src/base/package.js";

const MOST_README_BYTES = 7_000;
/** Written from the table of options, by a program that is not there yet. */
const NOT_YET = /(^|\/)cli\.md$/;
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

test("the README has at most 7,000 bytes", async (t) => {
  const { length } = await readFile(new URL("README.md", PACKAGE_ROOT));
  t.true(length > 0 && length <= MOST_README_BYTES, `${length} bytes`);
});

test("links between the pages lead to a file, and where they name a heading, to that heading", async (t) => {
  const folders = ["", "docs/", "benchmarks/", "fixtures/"];
  const names = await Promise.all(folders.map((folder) => readdir(new URL(`./${folder}`, PACKAGE_ROOT))));
  const pages = folders.flatMap((folder, n) => (names[n] ?? []).map((name) => folder + name)).filter(isPage);
  const dead: string[] = [];
  let checked = 0;
  for (const page of pages) {
    for (const target of await linksOf(page)) {
      checked += 1;
      if (!(await leadsSomewhere(target, page))) dead.push(`${page}: ${target}`);
    }
  }
  t.true(checked > 50, `${checked} links`);
  t.deepEqual(dead, []);
});

function isPage(path: string): boolean {
  return path.endsWith(".md");
}

/** Targets of the page's links and pictures, without those that lead to another site. */
async function linksOf(page: string): Promise<string[]> {
  const text = await readFile(new URL(page, PACKAGE_ROOT), "utf8");
  const targets = [...text.replace(BLOCK, "").matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return targets.filter((target) => !/^\w+:/.test(target) && !NOT_YET.test(target));
}

async function leadsSomewhere(target: string, page: string): Promise<boolean> {
  const [path = "", heading] = target.split("#");
  const file = new URL(path, new URL(page, PACKAGE_ROOT));
  if (!existsSync(file)) return false;
  return heading === undefined || anchorsOf(await readFile(file, "utf8")).includes(heading);
}

/** GitHub's anchor of a heading: lower case, no punctuation, hyphens for blanks. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
