/** Downloads through the proxies that the environment names. Serial: there is one environment. */
import { join } from "node:path";
import { env } from "node:process";
import anyTest, { type ExecutionContext, type TestFn } from "ava";
import { TransferError } from "#src/base/errors.js";
import { downloadFile } from "#src/files/fetch-entry.js";
import { inCase } from "../helpers/in-case.js";
import {
  closedPort,
  forgetEnvironment,
  QUICK,
  remoteFile,
  serve,
  startMirror,
  startProxy,
} from "../helpers/mirror.js";
import { temporaryFolder } from "../helpers/temporary.js";

const { serial: test } = anyTest as TestFn;
anyTest.beforeEach(forgetEnvironment);

const SECRET = /anna|geheim|YW5uYTpnZWhlaW0/;

async function download(t: ExecutionContext, url: URL) {
  const target = join(await temporaryFolder(t), "data.bin");
  const signal = new AbortController().signal;
  return downloadFile(remoteFile(), [url], target, { signal, limits: QUICK, onBytes() {} });
}

async function failure(t: ExecutionContext, url: URL) {
  const error = await t.throwsAsync(download(t, url), { instanceOf: TransferError });
  t.is(error.exitStatus, 5);
  t.notRegex(`${error.stack}${JSON.stringify(error.facts)}`, SECRET);
  return error;
}

test("sends http through either spelling of HTTP_PROXY, with its name and password", async (t) => {
  for (const variable of ["HTTP_PROXY", "http_proxy"]) {
    forgetEnvironment();
    await inCase(t, variable, async () => {
      const mirror = await startMirror(t, serve());
      const proxy = await startProxy(t);
      env[variable] = proxy.url("anna:geheim");
      await download(t, mirror.url);
      t.deepEqual(proxy.asked, [`GET ${mirror.url}data.bin`]);
      t.deepEqual(proxy.authorizations, [`Basic ${Buffer.from("anna:geheim").toString("base64")}`]);
      t.is(mirror.seen.length, 1);
    });
  }
});

test("takes a proxy without a protocol for one by http", async (t) => {
  const mirror = await startMirror(t, serve());
  const proxy = await startProxy(t);
  env.HTTP_PROXY = proxy.url().replace("http://", "");
  await download(t, mirror.url);
  t.is(proxy.asked.length, 1);
});

test("tunnels https through HTTPS_PROXY, and tells when there is no TLS at its end", async (t) => {
  const mirror = await startMirror(t, serve());
  const proxy = await startProxy(t);
  env.HTTPS_PROXY = proxy.url("anna:geheim");
  const secure = new URL(mirror.url.href.replace("http:", "https:"));
  const error = await failure(t, secure);
  t.regex(error.message, /: TLS failed: /);
  t.deepEqual(new Set(proxy.asked), new Set([`CONNECT ${mirror.url.host}`]));
  t.is(mirror.seen.length, 0);
});

test("reports that a proxy refuses", async (t) => {
  for (const [variable, url] of [
    ["HTTP_PROXY", "http://mirror.invalid/"],
    ["HTTPS_PROXY", "https://mirror.invalid/"],
  ] as const) {
    forgetEnvironment();
    await inCase(t, variable, async () => {
      const proxy = await startProxy(t, 403);
      env[variable] = proxy.url("anna:geheim");
      const error = await failure(t, new URL(url));
      t.is(error.code, "ERR_TRANSFER_FAILED");
      t.regex(error.message, /answered 403/);
      t.is(proxy.asked.length, 1);
    });
  }
});

test("reports that a proxy wants a password", async (t) => {
  for (const [variable, url] of [
    ["HTTP_PROXY", "http://mirror.invalid/"],
    ["HTTPS_PROXY", "https://mirror.invalid/"],
  ] as const) {
    forgetEnvironment();
    await inCase(t, variable, async () => {
      const proxy = await startProxy(t, 407);
      env[variable] = proxy.url("anna:geheim");
      const error = await failure(t, new URL(url));
      t.regex(
        error.message,
        /the proxy answered 407, it requires a name and password in HTTP_PROXY or HTTPS_PROXY/,
      );
      t.is(proxy.asked.length, 1);
    });
  }
});

test("reports that no one listens at the address of a proxy", async (t) => {
  for (const [variable, url] of [
    ["HTTP_PROXY", "http://mirror.invalid/"],
    ["HTTPS_PROXY", "https://mirror.invalid/"],
  ] as const) {
    forgetEnvironment();
    await inCase(t, variable, async () => {
      env[variable] = `http://anna:geheim@127.0.0.1:${await closedPort()}`;
      const error = await failure(t, new URL(url));
      t.regex(error.message, /connection refused/);
    });
  }
});

test("goes around the proxy for the hosts of NO_PROXY", async (t) => {
  for (const variable of ["NO_PROXY", "no_proxy"]) {
    forgetEnvironment();
    const mirror = await startMirror(t, serve());
    const proxy = await startProxy(t, 403);
    env.HTTP_PROXY = proxy.url();
    env[variable] = "example.org,127.0.0.1";
    await download(t, mirror.url);
    t.is(proxy.asked.length, 0);
    t.is(mirror.seen.length, 1);
  }
});

test("refuses a proxy that is no URL, and does not repeat it", async (t) => {
  env.HTTP_PROXY = "http://anna:geheim@:port";
  const error = await failure(t, new URL("http://mirror.invalid/"));
  t.is(error.code, "ERR_PROXY_URL");
  t.deepEqual(error.facts, { variable: "HTTP_PROXY" });
});

test("refuses a proxy of another protocol, and does not repeat it", async (t) => {
  env.HTTP_PROXY = "ftp://anna:geheim@127.0.0.1";
  await failure(t, new URL("http://mirror.invalid/"));
});

test("gives a proxy that never answers no more than its time", async (t) => {
  const silent = await startMirror(t, () => {});
  env.HTTPS_PROXY = silent.url.origin;
  const target = join(await temporaryFolder(t), "data.bin");
  const error = await t.throwsAsync(
    downloadFile(remoteFile(), [new URL("https://mirror.invalid/")], target, {
      signal: new AbortController().signal,
      limits: { ...QUICK, idleMs: 100, attempts: 1 },
      onBytes() {},
    }),
    { code: "ERR_TRANSFER_FAILED" },
  );
  t.regex(error.message, /no data for 0.1 s/);
});
