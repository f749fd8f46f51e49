/** Licence notices: of every package that is copied into a bundle, and none twice. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { noticesOf, packageFolders } from "../../scripts/notices.js";
import { temporaryFolder } from "../helpers/temporary.js";

const ROOT = fileURLToPath(PACKAGE_ROOT);
const BUNDLES = {
  cli: "dist/bundle/cli-licences.txt",
  worker: "dist/bundle/worker-licences.txt",
  page: "dist/report/page.js",
};

test("every bundle, and so every report, carries the notices of all packages that it holds", async (t) => {
  for (const [name, file] of Object.entries(BUNDLES)) {
    const chunks: Record<string, readonly string[]> = JSON.parse(
      await readFile(join(ROOT, `dist/${name}-modules.json`), "utf8"),
    );
    const folders = packageFolders(Object.values(chunks).flatMap((ids) => ids.map((id) => join(ROOT, id))));
    t.true(folders.length >= 4, `${name}: ${folders.length}`);
    const notices = await readFile(join(ROOT, file), "utf8");
    for (const folder of folders) {
      const { name: packageName, version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
      t.is(`\n${notices}`.split(`\n${packageName} ${version} (`).length, 2, `${file}: ${packageName}`);
    }
    t.regex(notices, /THE SOFTWARE IS PROVIDED "AS IS"/, file);
  }
  const page = await readFile(join(ROOT, BUNDLES.page), "utf8");
  t.regex(page, /@observablehq\/plot [\d.]+ \(ISC\)\n {2}Copyright \S+ Observable, Inc\./);
  // Two of the fifteen packages have terms of other code besides.
  t.true(page.slice(0, page.indexOf("*/")).split("Permission to use, copy").length - 1 <= 3);
});

test("terms that differ only in copyright and line ends are told once; a package without a licence is refused", async (t) => {
  const folder = await temporaryFolder(t);
  const made = async (name: string, licence?: string) => {
    const path = join(folder, "node_modules", name);
    await mkdir(path, { recursive: true });
    await writeFile(join(path, "package.json"), JSON.stringify({ name, version: "1.0.0", license: "ISC" }));
    if (licence !== undefined) await writeFile(join(path, "LICENSE.md"), licence);
    return `${path}/lib/index.js`;
  };
  const ids = [
    await made("@scope/b", "Copyright (c) 2 B\r\n\r\nDo as\r\nyou like."),
    await made("a", "(c) 1 A\n\nDo as you like."),
    await made("a", "(c) 1 A\n\nDo as you like."),
  ];
  const notices = noticesOf(packageFolders([...ids, "/work/src/index.js"]));
  t.is(notices, "@scope/b 1.0.0 (ISC)\n  Copyright (c) 2 B\na 1.0.0 (ISC)\n  (c) 1 A\n\nDo as\nyou like.\n");
  const bare = packageFolders([await made("bare")]);
  t.throws(() => noticesOf(bare), { message: /bare: expected a licence file, found none/ });
});
