/** Downloads from servers that close the connection after each answer, as Python's http.server does (HTTP/1.0). */
import { readFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { downloadFile } from "#src/files/fetch-entry.js";
import { learn } from "#src/redis/materialise.js";
import { inCase } from "../../helpers/in-case.js";
import { forgetEnvironment, QUICK, remoteFile } from "../../helpers/mirror.js";
import { seeded } from "../../helpers/random.js";
import { temporaryFolder } from "../../helpers/temporary.js";

forgetEnvironment();

function randomBytes(count: number): Uint8Array {
  const random = seeded(count);
  return Uint8Array.from({ length: count }, () => Math.floor(random() * 256));
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
    const { file, path } = await learn(`${mirror}data.bin`, new AbortController().signal);
    t.is(file?.sha256, remoteFile(bytes).sha256);
    t.is(Buffer.compare(await readFile(path), bytes), 0);
  }
});
