/** A network between a process and Redis that swallows or changes bytes while its connections stand. */
import { connect, createServer, type Socket } from "node:net";
import type { Teardown } from "./temporary.js";

export interface Proxy {
  readonly url: string;
  /** Bytes in both directions are lost from now on; with false, they pass again. */
  swallow(isOn: boolean): void;
  /** Answers of Redis pass through this from now on. */
  change(answers: (bytes: Buffer) => Buffer): void;
}

export async function startProxy(t: Teardown, url: string): Promise<Proxy> {
  const { port, hostname } = new URL(url);
  const sockets = new Set<Socket>();
  let swallows = false;
  let change = (bytes: Buffer) => bytes;
  const server = createServer((client) => {
    const redis = connect(Number(port), hostname);
    for (const [from, to] of [
      [client, redis],
      [redis, client],
    ] as const) {
      sockets.add(from);
      from.on("data", (bytes: Buffer) => {
        if (!swallows) to.write(from === redis ? change(bytes) : bytes);
      });
      from.on("error", () => to.destroy());
      from.on("close", () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const own = new URL(url);
  own.port = String(address.port);
  return {
    url: own.href,
    swallow(isOn) {
      swallows = isOn;
    },
    change(answers) {
      change = answers;
    },
  };
}
