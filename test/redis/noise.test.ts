/** Answers that are not Redis' protocol. */
import { createServer } from "node:net";
import test from "ava";
import { spawnCli } from "../helpers/cli.js";

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
