import test from "ava";
import { UsageError } from "#src/base/errors.js";
import { learn, materialise } from "#src/redis/materialise.js";

const { signal } = new AbortController();

for (const url of [
  "http://127.0.0.1:1/",
  "http://127.0.0.1:1/a%2F..%2F..%2Fb",
  "http://127.0.0.1:1/a%5Cb",
  "http://127.0.0.1:1/a%00b",
  "http://127.0.0.1:1/%zz",
  "file://another-host/a",
]) {
  test(`refuses a URL that names no file, before anything is asked for: ${url}`, async (t) => {
    const error = await t.throwsAsync(learn(url, signal), { instanceOf: UsageError, code: "ERR_USAGE" });
    t.regex(error.message, /expected the URL of a file/);
  });
}

test("a host refuses a file of another machine's by name", async (t) => {
  await t.throwsAsync(materialise("file://another-host/a", {}, signal), { code: "ERR_USAGE" });
});

const URL_OF_FILE = "http://127.0.0.1:1/weights";
for (const [what, file] of [
  ["name", { name: "../../weights", sha256: "0".repeat(64), bytes: 1 }],
  ["hash", { name: "weights", sha256: "../..", bytes: 1 }],
] as const) {
  test(`a host refuses a file whose ${what} leads out of the cache`, async (t) => {
    const files = { [URL_OF_FILE]: file };
    await t.throwsAsync(materialise(URL_OF_FILE, files, signal), { code: "ERR_USAGE" });
  });
}
