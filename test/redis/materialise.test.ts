import test from "ava";
import { UsageError } from "#src/base/errors.js";
import { learn, materialise } from "#src/redis/materialise.js";

const { signal } = new AbortController();

test("refuses a URL that names no file, before anything is asked for", async (t) => {
  for (const url of [
    "http://127.0.0.1:1/",
    "http://127.0.0.1:1/a%2F..%2F..%2Fb",
    "http://127.0.0.1:1/a%5Cb",
    "http://127.0.0.1:1/a%00b",
    "http://127.0.0.1:1/%zz",
    "file://another-host/a",
  ]) {
    const error = await t.throwsAsync(learn(url, signal), { instanceOf: UsageError, code: "ERR_USAGE" }, url);
    t.regex(error.message, /expected the URL of a file/);
  }
});

const URL_OF_FILE = "http://127.0.0.1:1/weights";

test("a host refuses another machine's file, and one whose name or hash leads out of the cache", async (t) => {
  await t.throwsAsync(materialise("file://another-host/a", {}, signal), { code: "ERR_USAGE" });
  for (const file of [
    { name: "../../weights", sha256: "0".repeat(64), bytes: 1 },
    { name: "weights", sha256: "../..", bytes: 1 },
  ]) {
    const files = { [URL_OF_FILE]: file };
    await t.throwsAsync(materialise(URL_OF_FILE, files, signal), { code: "ERR_USAGE" }, file.name);
  }
});
