/** One file from several mirrors: repeated requests, redirects, and interruption. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { TransferError } from "#src/base/errors.js";
import { downloadFile } from "#src/files/fetch-entry.js";
import { assertWhole, download, failure } from "../helpers/download.js";
import {
  type Answer,
  BODY,
  breakAfter,
  closedPort,
  forgetEnvironment,
  inStep,
  inTurn,
  OTHER_BODY,
  QUICK,
  remoteFile,
  serve,
  startMirror,
  status,
} from "../helpers/mirror.js";
import { temporaryFolder } from "../helpers/temporary.js";

forgetEnvironment();

test("refuses a port where nobody listens, at once", async (t) => {
  const url = new URL(`http://127.0.0.1:${await closedPort()}/`);
  const error = await t.throwsAsync(download(t, [{ url, seen: [] }]), { code: "ERR_TRANSFER_FAILED" });
  t.regex(error.message, /: connection refused;/);
});

test("downloads a file and leaves nothing beside it", async (t) => {
  const mirror = await startMirror(t, serve());
  const { folder, mirror: used } = await download(t, [mirror]);
  await assertWhole(t, folder);
  t.is(used, mirror.url);
  t.deepEqual(mirror.seen, [{ url: "/files/data.bin", range: undefined, authorization: undefined }]);
});

test("asks again after one 500", async (t) => {
  const mirror = await startMirror(t, inTurn(status(500), serve()));
  const { folder } = await download(t, [mirror]);
  await assertWhole(t, folder);
  t.is(mirror.seen.length, 2);
});

test("goes on by Range after a reset in the middle", async (t) => {
  const mirror = await startMirror(t, inTurn(breakAfter(40_000), serve()));
  const { folder } = await download(t, [mirror]);
  await assertWhole(t, folder);
  t.deepEqual(
    mirror.seen.map(({ range }) => range),
    [undefined, "bytes=40000-99999"],
  );
});

test("refuses a mirror that cannot go on after a reset in the middle", async (t) => {
  const whole: Answer = (_, response) => void response.end(BODY);
  const wrong: Answer = (_, response) => {
    response.writeHead(206, { "content-range": "bytes 0-99999/100000" }).end(BODY);
  };
  for (const answer of [whole, wrong]) {
    const { error, names } = await failure(t, [inTurn(breakAfter(40_000), answer)]);
    t.regex(error.message, /, after 40,000 bytes;/);
    t.deepEqual(names, []);
  }
});

test("asks the second mirror for the whole file where the first broke", async (t) => {
  const first = await startMirror(t, breakAfter(40_000, OTHER_BODY));
  const second = await startMirror(t, serve());
  const { folder, mirror } = await download(t, [first, second], { limits: { attempts: 1 } });
  await assertWhole(t, folder);
  t.is(mirror, second.url);
  t.is(second.seen[0]?.range, undefined);
});

test("takes the second mirror where the first has other bytes", async (t) => {
  const first = await startMirror(t, serve(OTHER_BODY));
  const second = await startMirror(t, serve());
  const { folder, mirror } = await download(t, [first, second]);
  await assertWhole(t, folder);
  t.is(mirror, second.url);
  t.is(second.seen[0]?.range, undefined);
});

test("tells every mirror's reason in one line", async (t) => {
  const { error, mirrors } = await failure(t, [status(403), status(404)]);
  t.deepEqual(error.facts, {
    file: "data.bin",
    failures: [
      { mirror: `${mirrors[0]?.url}`, reason: "answered 403" },
      { mirror: `${mirrors[1]?.url}`, reason: "answered 404" },
    ],
  });
  t.false(error.message.includes("\n"));
});

test("follows a redirect to another server, which is not told the mirror's password", async (t) => {
  const target = await startMirror(t, serve());
  const mirror = await startMirror(t, (_, response) => {
    response.writeHead(307, { location: `${target.url}elsewhere.bin` }).end();
  });
  const url = new URL(mirror.url);
  url.username = "anna";
  url.password = "p%40ss";
  const { folder } = await download(t, [{ url, seen: [] }]);
  await assertWhole(t, folder);
  t.is(mirror.seen[0]?.authorization, `Basic ${Buffer.from("anna:p@ss").toString("base64")}`);
  t.deepEqual(target.seen, [{ url: "/files/elsewhere.bin", range: undefined, authorization: undefined }]);
});

test("tells neither a mirror's password nor its token", async (t) => {
  const { url } = await startMirror(t, status(403));
  const secret = new URL(url);
  secret.username = "anna";
  secret.password = "geheim";
  secret.search = "?sig=hush";
  const mirror = { url: secret, seen: [] };
  const error = await t.throwsAsync(download(t, [mirror]), { instanceOf: TransferError });
  t.notRegex(`${error.stack}${JSON.stringify(error.facts)}`, /anna|geheim|hush/);
});

test("ends at once when it is interrupted, and leaves nothing", async (t) => {
  for (const [reason, code, exitStatus] of [
    ["SIGINT", "ERR_TRANSFER_INTERRUPTED", 130],
    ["SIGTERM", "ERR_TRANSFER_TERMINATED", 143],
  ] as const) {
    const folder = await temporaryFolder(t);
    const mirror = await startMirror(t, (_, response) => {
      response.writeHead(200, { "content-length": BODY.length });
      response.write(BODY.subarray(0, 7000));
    });
    const stop = new AbortController();
    const running = downloadFile(remoteFile(), [mirror.url], join(folder, "data.bin"), {
      signal: stop.signal,
      limits: QUICK,
      onBytes: (doneBytes) => doneBytes === 7000 && stop.abort(reason),
    });
    const error = await t.throwsAsync(running, { instanceOf: TransferError, code });
    t.is(error.exitStatus, exitStatus);
    t.deepEqual(error.facts, { file: "data.bin", doneBytes: 7000, totalBytes: 100_000 });
    t.deepEqual(await readdir(folder), []);
  }
});

/** Longer than any machine takes to stop waiting. */
const BACKOFF_MS = 60_000;

test("can be interrupted between two attempts", async (t) => {
  const stop = new AbortController();
  const mirror = await startMirror(t, (request, response, n) => {
    status(500)(request, response, n);
    setTimeout(() => stop.abort("SIGINT"), 50);
  });
  const running = download(t, [mirror], { signal: stop.signal, limits: { backoffMs: BACKOFF_MS } });
  await t.throwsAsync(running, { code: "ERR_TRANSFER_INTERRUPTED" });
});

test("two downloads of one file at once both end well and leave one file", async (t) => {
  const folder = await temporaryFolder(t);
  const mirror = await startMirror(t, inStep(2, 50_000));
  await Promise.all([download(t, [mirror], { folder }), download(t, [mirror], { folder })]);
  await assertWhole(t, folder);
  t.is(mirror.seen.length, 2);
});

test("says so where the cache cannot be written", async (t) => {
  const folder = join(await temporaryFolder(t), "absent");
  const mirror = await startMirror(t, serve());
  const error = await t.throwsAsync(download(t, [mirror], { folder }), { instanceOf: TransferError });
  t.is(error.code, "ERR_CACHE_WRITE");
  t.is(error.exitStatus, 6);
});
