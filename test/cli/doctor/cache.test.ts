import { createHash } from "node:crypto";
import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { getuid } from "node:process";
import test from "ava";
import { checkCache } from "#src/cli/doctor/checks.js";
import { temporaryFolder } from "../../helpers/temporary.js";

const CONTENT = "pixels and labels";
const file = (name: string) => ({
  name,
  bytes: CONTENT.length,
  sha256: createHash("sha256").update(CONTENT).digest("hex"),
});
const CATALOG = new Map([["small", { name: "small", mirrors: [], files: [file("images"), file("labels")] }]]);

test("a cache that is not there is made when it is needed, and is not made by looking", async (t) => {
  const folder = await temporaryFolder(t);
  const cache = join(folder, "a", "b");
  const [place, entry] = await checkCache(cache, CATALOG);
  t.deepEqual([place.name, place.state], ["Cache", "ok"]);
  t.is(place.found, `${cache}, not there yet, writable`);
  t.deepEqual(entry, {
    name: "Download small",
    state: "absent",
    found: "not downloaded",
    advice: "batchwise fetch small",
  });
  t.deepEqual(await readdir(folder), []);
});

test("counts files by their hashes, and names those that are damaged", async (t) => {
  const cache = await temporaryFolder(t);
  await mkdir(join(cache, "small"));
  await writeFile(join(cache, "small", "images"), CONTENT);
  const [place, partly] = await checkCache(cache, CATALOG);
  t.is(place.found, `${cache}, 0.0 MB, writable`);
  t.deepEqual([partly.state, partly.found], ["ok", "1 of 2 files, verified by SHA-256"]);
  t.is(partly.advice, "batchwise fetch small");

  await writeFile(join(cache, "small", "labels"), CONTENT);
  const [, whole] = await checkCache(cache, CATALOG);
  t.deepEqual(whole, { name: "Download small", state: "ok", found: "2 of 2 files, verified by SHA-256" });

  for (const damage of [CONTENT.replace("p", "q"), `${CONTENT}!`]) {
    await writeFile(join(cache, "small", "labels"), damage);
    const [, damaged] = await checkCache(cache, CATALOG);
    t.deepEqual([damaged.state, damaged.found], ["warning", "damaged: labels"]);
  }
});

test("warns where a file stands in the cache's place", async (t) => {
  const path = join(await temporaryFolder(t), "cache");
  await writeFile(path, "no folder");
  const [place] = await checkCache(path, CATALOG);
  t.is(place.state, "warning");
  t.regex(place.advice ?? "", /BATCHWISE_CACHE_DIR/);
});

// The superuser may write everywhere.
(getuid?.() === 0 ? test.skip : test)("warns of a folder that cannot be written", async (t) => {
  const folder = await temporaryFolder(t);
  await chmod(folder, 0o500);
  const [place] = await checkCache(join(folder, "cache"), CATALOG);
  t.is(place.state, "warning");
});
