/** Mirrors that misbehave, and servers that close the connection after each answer. */

import { readFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import type { TransferLimits } from "#src/files/download.js";
import { downloadFile } from "#src/files/fetch-entry.js";
import { fetchFile } from "#src/redis/materialise.js";
import { failure } from "../helpers/download.js";
import { inCase } from "../helpers/in-case.js";
import {
  type Answer,
  BODY,
  breakAfter,
  forgetEnvironment,
  OTHER_BODY,
  QUICK,
  remoteFile,
  serve,
  status,
} from "../helpers/mirror.js";
import { seeded } from "../helpers/random.js";
import { temporaryFolder } from "../helpers/temporary.js";

forgetEnvironment();

/** Faults of the only mirror: the reason in the message, and the number of requests. */
const FAULTS: readonly {
  readonly title: string;
  readonly answer: Answer;
  readonly reason: RegExp;
  readonly requests: number;
  readonly limits?: Partial<TransferLimits>;
}[] = [
  { title: "403", answer: status(403), reason: /answered 403/, requests: 1 },
  { title: "404", answer: status(404), reason: /answered 404/, requests: 1 },
  { title: "500 every time", answer: status(500), reason: /answered 500/, requests: 3 },
  { title: "304, which nobody asked for", answer: status(304), reason: /answered 304/, requests: 1 },
  {
    title: "headers that never come",
    answer: () => {},
    reason: /: no data for 0.5 s/,
    requests: 1,
    limits: { idleMs: 500 },
  },
  {
    title: "a body that stops coming",
    answer: (_, response) => {
      response.writeHead(200, { "content-length": BODY.length });
      response.write(BODY.subarray(0, 1000));
    },
    reason: /no data for 0.5 s, after 1,000 bytes/,
    requests: 1,
    limits: { idleMs: 500 },
  },
  {
    title: "a body that trickles beyond the whole time",
    answer: (_, response) => {
      response.writeHead(200, { "content-length": BODY.length });
      const trickle = setInterval(() => response.write(BODY.subarray(0, 1)), 20);
      response.on("close", () => clearInterval(trickle));
    },
    reason: /not complete within 1 s/,
    requests: 1,
    limits: { totalMs: 1000, attempts: 1 },
  },
  {
    title: "a shorter body than announced, the connection closed in order",
    answer: (request, response) => {
      response.writeHead(200, { "content-length": BODY.length, connection: "close" });
      response.write(BODY.subarray(0, 5000), () => request.socket.end());
    },
    reason: /the body did not have the announced length/,
    requests: 1,
    limits: { attempts: 1 },
  },
  {
    title: "a shorter body, of a length not announced",
    answer: (_, response) => void response.end(BODY.subarray(0, 5000)),
    reason: /expected 100,000 bytes, found 5,000/,
    requests: 1,
  },
  {
    title: "a shorter body in chunks",
    answer: (_, response) => {
      response.write(BODY.subarray(0, 5000));
      response.end();
    },
    reason: /expected 100,000 bytes, found 5,000/,
    requests: 1,
  },
  {
    title: "a connection reset in the middle, every time",
    answer: breakAfter(3000),
    reason: /the connection was (reset|closed)/,
    requests: 1,
    limits: { attempts: 1 },
  },
  {
    title: "other bytes of the same length",
    answer: serve(OTHER_BODY),
    reason: /expected SHA-256 [0-9a-f]{64}, found [0-9a-f]{64}/,
    requests: 1,
  },
  {
    title: "an error page with status 200",
    answer: (_, response) => void response.end("<html>please log in</html>"),
    reason: /expected 100,000 bytes, found 26/,
    requests: 1,
  },
  {
    title: "a body without an end",
    answer: (_, response) => {
      const pour = () => {
        while (!response.destroyed && response.write(OTHER_BODY));
      };
      response.on("drain", pour);
      pour();
    },
    reason: /expected 100,000 bytes, found more/,
    requests: 1,
  },
  {
    title: "redirects in a circle",
    answer: ({ url }, response) => void response.writeHead(302, { location: url }).end(),
    reason: /Redirect loop detected/,
    requests: 1,
  },
  {
    title: "a redirect to nowhere",
    answer: (_, response) => void response.writeHead(302).end(),
    reason: /answered 302/,
    requests: 1,
  },
  {
    title: "a redirect to another protocol",
    answer: (_, response) => void response.writeHead(302, { location: "file:///etc/hostname" }).end(),
    reason: /Invalid URL protocol/,
    requests: 1,
  },
  {
    title: "something that is not HTTP",
    answer: ({ socket }) => void socket.end("220 ready when you are\r\n"),
    reason: /127\.0\.0\.1:\d+\/files\/: \S/,
    requests: 1,
  },
  {
    title: "headers without an end",
    answer: ({ socket }) => void socket.end(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(100_000)}\r\n\r\n`),
    reason: /127\.0\.0\.1:\d+\/files\/: \S/,
    requests: 1,
  },
  {
    title: "206 to a request for the whole",
    answer: (_, response) => {
      response.writeHead(206, { "content-range": "bytes 50000-99999/100000" }).end(BODY.subarray(50_000));
    },
    reason: /answered 206/,
    requests: 1,
  },
];
test("refuses each fault of a mirror with its reason, and leaves nothing", async (t) => {
  for (const { title, answer, reason, requests, limits = {} } of FAULTS) {
    await inCase(t, `refuses ${title}`, async () => {
      const { error, mirrors, names } = await failure(t, [answer], { limits });
      t.regex(error.message, reason);
      t.is(mirrors[0]?.seen.length, requests);
      t.deepEqual(names, []);
    });
  }
});

// Downloads from servers that close the connection after each answer, as Python's http.server does (HTTP/1.0).

function randomBytes(count: number): Uint8Array {
  const random = seeded(count);
  const bytes = new Uint8Array(count);
  for (let n = 0; n < count; n++) bytes[n] = random() * 256;
  return bytes;
}

/** Sends the bytes in pieces of 64 KiB, as Python's copyfileobj does, and closes. */
async function startClosing(t: ExecutionContext, bytes: Uint8Array): Promise<URL> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write(`HTTP/1.0 200 OK\r\nServer: SimpleHTTP\r\nContent-Length: ${bytes.length}\r\n\r\n`);
      for (let at = 0; at < bytes.length; at += 65_536) socket.write(bytes.subarray(at, at + 65_536));
      socket.end();
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}

// 181,853 bytes as the book's network; the others as a set's images, and more than is written without waiting.
test("files of every length come whole from a server that closes after each answer", async (t) => {
  for (const [count, times] of [
    [181_853, 40],
    [9_912_422, 2],
    [40_000_000, 1],
  ] as const) {
    await inCase(t, `${count} bytes come whole, ${times} times of ${times}`, async () => {
      const bytes = randomBytes(count);
      const mirror = await startClosing(t, bytes);
      const folder = await temporaryFolder(t);
      const signal = new AbortController().signal;
      for (let n = 0; n < times; n++) {
        const target = join(folder, String(n));
        await downloadFile(remoteFile(bytes), [mirror], target, { signal, limits: QUICK, onBytes() {} });
        t.is(Buffer.compare(await readFile(target), bytes), 0);
      }
    });
  }
});

test("a file of a run over Redis comes whole from such a server too", async (t) => {
  process.env.BATCHWISE_CACHE_DIR = await temporaryFolder(t);
  const bytes = randomBytes(1_000_000);
  const mirror = await startClosing(t, bytes);
  for (let n = 0; n < 5; n++) {
    const { file, path } = await fetchFile(`${mirror}data.bin`, new AbortController().signal);
    t.is(file?.sha256, remoteFile(bytes).sha256);
    t.is(Buffer.compare(await readFile(path), bytes), 0);
  }
});
