/** Where the cache is, on each platform. */
import { resolve } from "node:path";
import test from "ava";
import { cacheFolder } from "#src/files/catalog.js";

const HOME = "/home/anna";

test("follows the XDG convention on Linux", (t) => {
  const at = (env: NodeJS.ProcessEnv) => cacheFolder({ platform: "linux", env, home: HOME });
  t.is(at({}), "/home/anna/.cache/batchwise");
  t.is(at({ XDG_CACHE_HOME: "/var/cache/anna" }), "/var/cache/anna/batchwise");
  t.is(at({ XDG_CACHE_HOME: "" }), "/home/anna/.cache/batchwise");
});

test("ignores a relative XDG_CACHE_HOME", (t) => {
  for (const XDG_CACHE_HOME of ["cache", "./cache", "../cache"]) {
    t.is(
      cacheFolder({ platform: "linux", env: { XDG_CACHE_HOME }, home: HOME }),
      "/home/anna/.cache/batchwise",
    );
  }
});

test("follows macOS and Windows", (t) => {
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

test("goes where BATCHWISE_CACHE_DIR says, on every platform", (t) => {
  for (const platform of ["linux", "darwin", "win32"] as const) {
    const env = {
      BATCHWISE_CACHE_DIR: "some/folder",
      XDG_CACHE_HOME: "/elsewhere",
      LOCALAPPDATA: "D:\\Local",
    };
    t.is(cacheFolder({ platform, env, home: HOME }), resolve("some/folder"));
  }
});
