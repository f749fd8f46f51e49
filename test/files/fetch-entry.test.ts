/** Entries of the catalog: what is downloaded, what is taken from the cache, and in which order mirrors are asked. */
import { spawnSync } from "node:child_process";
import { lstat, mkdir, readdir, readFile, symlink, utimes, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import process, { env, platform } from "node:process";
import test, { type ExecutionContext } from "ava";
import { TransferError, UsageError } from "#src/base/errors.js";
import { CATALOG, cacheFolder, DATASET_CATALOG, type DownloadNotice, folderOf } from "#src/files/catalog.js";
import { type FetchOptions, fetchEntry } from "#src/files/fetch-entry.js";
import { processTag } from "#src/files/lock.js";
import { inCase } from "../helpers/in-case.js";
import {
  BODY,
  entryOf,
  forgetEnvironment,
  OTHER_BODY,
  QUICK,
  remoteFile,
  serve,
  startMirror,
  status,
} from "../helpers/mirror.js";
import { mnist, needs } from "../helpers/require.js";
import { temporaryFile, temporaryFolder } from "../helpers/temporary.js";

forgetEnvironment();

async function options(t: ExecutionContext, more: FetchOptions = {}) {
  return { ...more, cache: await temporaryFolder(t), limits: QUICK };
}

test("downloads into a folder of the entry's name, and the next time from nowhere", async (t) => {
  const mirror = await startMirror(t, serve());
  const notices: DownloadNotice[] = [];
  const given = await options(t, { onDownload: (notice) => notices.push(notice) });
  const entry = entryOf([mirror.url]);
  const folder = join(given.cache, "set");
  const path = join(folder, "data.bin");
  for (const expected of [mirror.url.href, undefined]) {
    const [one, ...others] = await fetchEntry(entry, given);
    t.deepEqual([one?.file, one?.path, one?.mirror?.href], [entry.files[0], path, expected]);
    t.deepEqual(others, []);
  }
  t.true((await readFile(path)).equals(BODY));
  t.is(mirror.seen.length, 1);
  t.deepEqual(notices, [{ name: "set", files: 1, bytes: 100_000, folder }]);
});

test("downloads only what is wanted and missing", async (t) => {
  const names = ["a", "b", "c"];
  const mirror = await startMirror(t, serve());
  const entry = entryOf(
    [mirror.url],
    names.map((name) => remoteFile(BODY, name)),
  );
  const given = await options(t);
  await fetchEntry(entry, { ...given, wanted: ["b"] });
  const fetched = await fetchEntry(entry, { ...given, wanted: ["c", "b"] });
  t.deepEqual(
    fetched.map(({ file, mirror: used }) => [file.name, used !== undefined]),
    [
      ["b", false],
      ["c", true],
    ],
  );
  t.deepEqual(
    mirror.seen.map(({ url }) => url),
    ["/files/b", "/files/c"],
  );
});

test("downloads anew a file of another size, and with verify: hash one of other bytes", async (t) => {
  const mirror = await startMirror(t, serve());
  const entry = entryOf([mirror.url]);
  const given = await options(t);
  const path = join(given.cache, "set", "data.bin");
  await fetchEntry(entry, given);

  await writeFile(path, BODY.subarray(1));
  await fetchEntry(entry, given);
  t.true((await readFile(path)).equals(BODY));

  await writeFile(path, OTHER_BODY);
  await fetchEntry(entry, { ...given, verify: "size" });
  t.true((await readFile(path)).equals(OTHER_BODY));
  await fetchEntry(entry, { ...given, verify: "hash" });
  t.true((await readFile(path)).equals(BODY));
  t.is(mirror.seen.length, 3);
});

test("offline refuses what is not in the cache, asks nobody, and names the command that helps", async (t) => {
  const mirror = await startMirror(t, serve());
  const given = await options(t, { offline: true });
  const entry = entryOf([mirror.url]);
  const error = await t.throwsAsync(fetchEntry(entry, given), {
    instanceOf: TransferError,
    code: "ERR_TRANSFER_OFFLINE",
  });
  t.is(error.exitStatus, 5);
  t.regex(error.message, /run "batchwise fetch set" with a network connection$/);
  t.is(mirror.seen.length, 0);
  t.deepEqual(await readdir(given.cache), []);

  await fetchEntry(entry, { ...given, offline: false });
  t.is((await fetchEntry(entry, given)).length, 1);
});

test("asks the given mirror first, under the entry's name, then the catalog's", async (t) => {
  const own = await startMirror(t, status(404));
  const listed = await startMirror(t, serve());
  const mirror = own.url.href.slice(0, -1);
  const [fetched] = await fetchEntry(entryOf([listed.url]), await options(t, { mirror }));
  t.is(fetched?.mirror?.href, listed.url.href);
  t.deepEqual(
    own.seen.map(({ url }) => url),
    ["/files/set/data.bin"],
  );
});

test.serial("asks the mirror of BATCHWISE_MIRROR before the catalog's", async (t) => {
  t.teardown(forgetEnvironment);
  const own = await startMirror(t, serve());
  const listed = await startMirror(t, serve());
  const given = await options(t);
  env.BATCHWISE_MIRROR = `${own.url}?sig=hush`;
  await fetchEntry(entryOf([listed.url]), given);
  t.deepEqual(
    own.seen.map(({ url }) => url),
    ["/files/set/data.bin?sig=hush"],
  );
  t.is(listed.seen.length, 0);
});

test("asks a mirror that failed for one file last for the next", async (t) => {
  const dead = await startMirror(t, status(403));
  const good = await startMirror(t, serve());
  const files = ["a", "b"].map((name) => remoteFile(BODY, name));
  await fetchEntry(entryOf([dead.url, good.url], files), await options(t));
  t.is(dead.seen.length, 1);
  t.is(good.seen.length, 2);
});

test("refuses a mirror that is no http URL, and does not repeat its password", async (t) => {
  for (const mirror of ["files.example", "ftp://anna:geheim@files.example/", "http://anna:geheim@:x/", ""]) {
    const error = await t.throwsAsync(fetchEntry(entryOf([]), await options(t, { mirror })), {
      instanceOf: UsageError,
      code: "ERR_OPTION_VALUE",
    });
    t.regex(error.message, /^--mirror: expected an http or https URL, found "/);
    t.notRegex(`${error.stack}`, /geheim/);
  }
});

test("refuses a file in the place of the cache, and a folder in the place of a file", async (t) => {
  await inCase(t, "says so where the cache's place is a file", async () => {
    const cache = await temporaryFile(t, "x");
    const entry = entryOf([new URL("http://mirror.invalid/")]);
    await t.throwsAsync(fetchEntry(entry, { cache }), { instanceOf: TransferError, code: "ERR_CACHE_WRITE" });
  });

  await inCase(t, "does not take a folder of the file's name for the file", async () => {
    const mirror = await startMirror(t, serve());
    const given = await options(t);
    const nested = entryOf([mirror.url], [remoteFile(BODY, "x")]);
    await fetchEntry({ ...nested, name: "set/data.bin" }, given);
    await t.throwsAsync(fetchEntry(entryOf([mirror.url]), given), { code: "ERR_CACHE_WRITE" });
  });
});

test("every entry of the catalog has its mirrors, and its files their order, size and hash", async (t) => {
  await inCase(t, "every mirror is a folder, and every file has a size and a hash of its own", () => {
    const hashes = new Map<string, string>();
    for (const entry of CATALOG.values()) {
      const { mirrors, files } = entry;
      for (const mirror of mirrors) t.regex(new URL(mirror).href, /^https?:\/\/[^?#]+\/$/);
      t.is(new Set(mirrors).size, mirrors.length);
      for (const { name, bytes, sha256 } of files) {
        t.true(Number.isSafeInteger(bytes) && bytes > 0);
        t.regex(sha256, /^[0-9a-f]{64}$/);
        hashes.set(`${folderOf(entry)}/${name}`, sha256);
      }
    }
    // EMNIST's six splits share one archive.
    t.is(hashes.size, 21);
    t.is(new Set(hashes.values()).size, hashes.size);
  });

  await inCase(t, "data sets list a split's images before its labels", () => {
    for (const name of ["mnist", "fashion-mnist", "kmnist"]) {
      const files = DATASET_CATALOG.get(name)?.files ?? [];
      t.deepEqual(
        files.map(({ name }) => name),
        ["t10k-images", "t10k-labels", "train-images", "train-labels"].map(
          (stem) => `${stem}-idx${stem.endsWith("images") ? 3 : 1}-ubyte.gz`,
        ),
      );
    }
  });
});

needs("mnist", mnist !== undefined)(
  "MNIST's files and the book's network are what the catalog says",
  async (t) => {
    // The training images at hand are the official bytes packed anew.
    const official = [...(CATALOG.get("mnist")?.files ?? []), ...(CATALOG.get("book")?.files ?? [])].filter(
      ({ name }) => name !== "train-images-idx3-ubyte.gz",
    );
    t.is(official.length, 4);
    for (const file of official) {
      t.deepEqual(remoteFile(await readFile(join(mnist ?? "", file.name)), file.name), file);
    }
  },
);

// Where the cache is, on each platform.

const HOME = "/home/anna";

test("the cache is where each platform keeps caches, or where BATCHWISE_CACHE_DIR says", async (t) => {
  await inCase(t, "follows the XDG convention on Linux", () => {
    const at = (env: NodeJS.ProcessEnv) => cacheFolder({ platform: "linux", env, home: HOME });
    t.is(at({}), "/home/anna/.cache/batchwise");
    t.is(at({ XDG_CACHE_HOME: "/var/cache/anna" }), "/var/cache/anna/batchwise");
    t.is(at({ XDG_CACHE_HOME: "" }), "/home/anna/.cache/batchwise");
  });

  await inCase(t, "ignores a relative XDG_CACHE_HOME", () => {
    for (const XDG_CACHE_HOME of ["cache", "./cache", "../cache"]) {
      t.is(
        cacheFolder({ platform: "linux", env: { XDG_CACHE_HOME }, home: HOME }),
        "/home/anna/.cache/batchwise",
      );
    }
  });

  await inCase(t, "follows macOS and Windows", () => {
    t.is(
      cacheFolder({ platform: "darwin", env: {}, home: "/Users/anna" }),
      "/Users/anna/Library/Caches/batchwise",
    );
    const home = "C:\\Users\\anna";
    t.is(
      cacheFolder({ platform: "win32", env: { LOCALAPPDATA: "D:\\Local" }, home }),
      "D:\\Local\\batchwise\\Cache",
    );
    t.is(
      cacheFolder({ platform: "win32", env: {}, home }),
      "C:\\Users\\anna\\AppData\\Local\\batchwise\\Cache",
    );
  });

  await inCase(t, "goes where BATCHWISE_CACHE_DIR says, on every platform", () => {
    for (const platform of ["linux", "darwin", "win32"] as const) {
      const env = {
        BATCHWISE_CACHE_DIR: "some/folder",
        XDG_CACHE_HOME: "/elsewhere",
        LOCALAPPDATA: "D:\\Local",
      };
      t.is(cacheFolder({ platform, env, home: HOME }), resolve("some/folder"));
    }
  });
});

test("leftovers of dead downloads go, also if the file is there, and no link in the cache is followed", async (t) => {
  const mirror = await startMirror(t, serve());
  const { pid: dead } = spawnSync(process.execPath, ["--version"]);
  const [machine] = processTag().split("-");
  const uuid = crypto.randomUUID();
  const victim = await temporaryFile(t, "precious");
  const given = await options(t);
  const folder = join(given.cache, "set");
  await mkdir(folder);
  const longAgo = new Date(Date.now() - 8 * 24 * 3600 * 1000);
  for (const round of ["download", "in the cache"]) {
    const leftovers = [`.data.bin.${machine}-${dead}-${uuid}.tmp`, `data.bin.${dead}-${uuid}.part`];
    for (const name of leftovers) await writeFile(join(folder, name), "left");
    await utimes(join(folder, `data.bin.${dead}-${uuid}.part`), longAgo, longAgo);
    const link = join(folder, `.data.bin.${machine}-${dead}-${crypto.randomUUID()}.tmp`);
    await symlink(victim, link);
    if (round === "download") await symlink(victim, join(folder, "data.bin"));
    await fetchEntry(entryOf([mirror.url]), given);
    t.deepEqual(await readdir(folder), ["data.bin"], round);
    t.true((await lstat(join(folder, "data.bin"))).isFile());
    t.is(await readFile(victim, "utf8"), "precious");
  }
  t.is(mirror.seen.length, 1);
});

test("a cache folder that cannot be made is one error with its cause", async (t) => {
  const mirror = await startMirror(t, serve());
  const file = await temporaryFile(t, "x");
  const folders = [
    join(file, "below"),
    file,
    ...(platform === "linux" ? ["/proc/1/x", "/proc/1/x/y/z"] : []),
  ];
  for (const cache of folders) {
    const error = await t.throwsAsync(fetchEntry(entryOf([mirror.url]), { cache, limits: QUICK }), {
      instanceOf: TransferError,
      code: "ERR_CACHE_WRITE",
    });
    t.regex(
      error?.message ?? "",
      /the cache could not be written: (not a directory|file already exists|no such file)/,
    );
  }
  t.is(mirror.seen.length, 0);
});
