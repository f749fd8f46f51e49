/** A Redis that is silent while its connections stand, and answers that are not its protocol. */
import { createServer } from "node:net";
import test from "ava";
import { IncompleteError } from "#src/base/abort.js";
import { spawnCli } from "../helpers/cli.js";
import { coordinateHere, sleep, startHost, whenDone } from "../helpers/hosts.js";
import { startProxy } from "../helpers/proxy.js";
import { redisTest, startRedis } from "../helpers/redis.js";

const SLOW = { delayMs: 40 };

redisTest("a silent Redis ends a run after its patience, and both sides after a signal", async (t) => {
  for (const kind of ["frozen", "swallowed"] as const) {
    for (const end of ["patience", "signal"] as const) {
      const redis = await startRedis(t);
      const proxy = await startProxy(t, redis.url);
      const silence = () => (kind === "frozen" ? redis.freeze(true) : proxy.swallow(true));
      const host = startHost(t, proxy.url, SLOW);
      const stop = new AbortController();
      const { reached, onProgress } = whenDone(1000);
      const options = { jobImages: 500, patienceMs: end === "patience" ? 3000 : 600_000 };
      const run = coordinateHere(proxy.url, {}, options, { onProgress, signal: stop.signal });
      const expected = end === "patience" ? "ERR_REDIS_LOST" : "ERR_INTERRUPTED";
      const ended = t.throwsAsync(run, { instanceOf: IncompleteError, code: expected }, `${kind}, ${end}`);
      await reached;
      silence();
      if (end === "signal") {
        await sleep(500);
        stop.abort("SIGINT");
      }
      t.true(((await ended)?.partial.result.total ?? 0) >= 1000, `${kind}, ${end}`);
      const left = new Promise((resolve) => host.once("exit", resolve));
      host.kill("SIGTERM");
      t.is(await left, 0, `${kind}, ${end}`);
      redis.freeze(false);
      await redis.kill();
    }
  }
});

test("a port that answers with arrays nested deeper than the stack, or with noise, is one coded line", async (t) => {
  for (const bytes of ["*1\r\n".repeat(200_000), "HTTP/1.1 200 OK\r\n\r\n", "\0\0\0"]) {
    const server = createServer((socket) => void socket.on("error", () => {}).end(bytes));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.teardown(() => server.close());
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const { status, stderr } = await spawnCli(["worker", "--redis", `redis://127.0.0.1:${port}`]);
    t.is(status, 5, bytes.slice(0, 20));
    t.regex(stderr, /^batchwise: ERR_REDIS_CONNECT: [^\n]+\n$/, bytes.slice(0, 20));
  }
});
