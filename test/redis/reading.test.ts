/** What a host reads for a run: below its folders and URLs alone, and every byte where the coordinator verifies. */

import { createHash } from "node:crypto";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import test from "ava";
import { Allowed, materialise } from "#src/redis/materialise.js";
import { coordinateHere, startHost } from "../helpers/hosts.js";
import { redisTest, startRedis } from "../helpers/redis.js";
import { repeatedSet } from "../helpers/repeated-set.js";
import { temporaryFolder } from "../helpers/temporary.js";

test("a host reads below its folders and URLs alone, after links are followed", async (t) => {
  const folder = await temporaryFolder(t);
  for (const name of ["in", "inside", "out"]) await mkdir(join(folder, name));
  await writeFile(join(folder, "in/a"), "a");
  await writeFile(join(folder, "out/b"), "b");
  await writeFile(join(folder, "in/list.json"), JSON.stringify([{ images: "../out/b" }]));
  await symlink(join(folder, "out/b"), join(folder, "in/link"));
  const allowed = new Allowed([join(folder, "in"), "https://h.example/data", "http://h.example:81/x/"], []);
  t.is(await allowed.network(join(folder, "in/a")), join(folder, "in/a"));
  t.is(await allowed.dataset("bundled", true), "bundled");
  const refused = { code: "ERR_HOST_LOCATION" };
  for (const path of ["out/b", "in/link", "inside/a", "in/../out/b", "in/absent/../../out/b", "in"]) {
    await t.throwsAsync(allowed.network(join(folder, path)), refused, path);
  }
  for (const path of [
    "/etc/shadow",
    "etc/shadow",
    `${folder}/in/list.json`,
    `${folder}/in/{a,../../out}/*`,
    `${folder}/*/b`,
  ]) {
    await t.throwsAsync(allowed.dataset(path, false), refused, path);
  }
  for (const [url, isPermitted] of [
    ["https://h.example/data/a", true],
    ["https://h.example/data", true],
    ["http://h.example:81/x/y", true],
    ["https://h.example/database", false],
    ["https://h.example/data/../a", false],
    ["https://h.example/data/%2e%2e/a", false],
    ["https://h.example/data/..%2fa", false],
    ["http://h.example/data/a", false],
    ["https://h.example:444/data/a", false],
    ["https://other/data/a", false],
  ] as const) {
    t.is(allowed.permitsUrl(new URL(url)), isPermitted, url);
  }
});

test("a redirect leaves neither the origin nor the folder that a host may read", async (t) => {
  const asked: string[] = [];
  const targets = new Map<string, string>();
  const serveHere = async () => {
    const server = createServer((request, response) => {
      const path = request.url ?? "";
      asked.push(path);
      const location = targets.get(path);
      if (location === undefined) response.end("bytes");
      else response.writeHead(302, { location }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.teardown(() => server.close());
    const address = server.address();
    return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  };
  const [here, there] = [await serveHere(), await serveHere()];
  process.env.BATCHWISE_CACHE_DIR = await temporaryFolder(t);
  t.teardown(() => void delete process.env.BATCHWISE_CACHE_DIR);
  const allowed = new Allowed([`${here}/data`], []);
  const sha256 = createHash("sha256").update("bytes").digest("hex");
  const read = (path: string) => {
    const url = `${here}${path}`;
    const files = { [url]: { name: "a", bytes: 5, sha256 } };
    return materialise(url, files, allowed, new AbortController().signal);
  };
  for (const [n, target] of [
    `${there}/data/secret`,
    "/secret",
    "/data/../secret",
    "/database/secret",
    "/data/%2e%2e/secret",
    "/data/hop",
  ].entries()) {
    targets.set("/data/hop", `${there}/data/secret`);
    const path = `/data/${n}/a`;
    targets.set(path, target);
    await t.throwsAsync(read(path), { code: "ERR_TRANSFER_FAILED" }, target);
  }
  t.false(asked.some((path) => path.includes("secret")));
  targets.set("/data/in/a", "/data/b");
  t.is(await readFile(await read("/data/in/a"), "utf8"), "bytes");
});

redisTest("hosts hash every byte of a set where the coordinator verifies it", async (t) => {
  const { url, kill } = await startRedis(t);
  startHost(t, url);
  const [, dataset = "", , labels = ""] = await repeatedSet(t, 3);
  for (const verify of [true, false]) {
    const { dataset: seen } = await coordinateHere(url, { dataset, labels, verify, limit: 500 });
    t.is(seen.sha256 !== null, verify);
  }
  await kill();
});
