/** A real redis-server, a test's own or a test file's: its folder, its port, its password; killed and started again as tests want it. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { connect, createServer } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { needs } from "./require.js";
import { type Teardown, temporaryFolder } from "./temporary.js";

const hasRedis = spawnSync("redis-server", ["--version"]).status === 0;

const available = hasRedis ? needs("bullmq", hasPeers()) : needs("redis", false);
/** AVA's `test.serial` where there is a redis-server and the two peers: each starts processes enough for a machine. */
export const redisTest: typeof test.skip = available === test.skip ? test.skip : test.serial;

export interface RedisServer {
  readonly url: string;
  /** Without the password. */
  readonly shown: string;
  kill(): Promise<void>;
  /** Connections stand, and nothing answers. */
  freeze(isOn: boolean): void;
  /** On the same port; with what it had written down, or empty. */
  start(): Promise<void>;
  /** In words (redis.io/docs, "Inline commands"); expected to answer OK. */
  command(words: string): Promise<void>;
}

export async function startRedis(
  t: Teardown,
  { password, keepsData = true }: { readonly password?: string; readonly keepsData?: boolean } = {},
): Promise<RedisServer> {
  const folder = await temporaryFolder(t);
  const port = await freePort();
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    const options = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""];
    const durable = keepsData ? ["--appendonly", "yes", "--appendfsync", "always"] : [];
    const secret = password === undefined ? [] : ["--requirepass", password];
    child = spawn("redis-server", [...options, ...durable, ...secret], { stdio: "ignore" });
    while (!(await accepts(port))) await sleep(20);
  }

  async function kill(): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child?.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }

  t.teardown(kill);
  await start();
  const shown = `redis://127.0.0.1:${port}/0`;
  return {
    url: password === undefined ? shown : `redis://:${password}@127.0.0.1:${port}/0`,
    shown,
    kill,
    freeze: (isOn) => void child?.kill(isOn ? "SIGSTOP" : "SIGCONT"),
    start,
    async command(words) {
      const lines = password === undefined ? [words] : [`AUTH ${password}`, words];
      const socket = connect(port, "127.0.0.1").end(`${lines.join("\r\n")}\r\n`);
      const answer = String(await buffer(socket));
      if (answer !== "+OK\r\n".repeat(lines.length)) throw new Error(`${words}: ${answer}`);
    },
  };
}

/** One server for all tests of a file, which are serial; empty for each of them. */
export function sharedRedis(password: string): () => Promise<RedisServer> {
  const ends: (() => unknown)[] = [];
  let server: Promise<RedisServer> | undefined;
  test.after.always("the file's Redis ends", async () => {
    for (const end of ends.reverse()) await end();
  });
  return async () => {
    server ??= startRedis({ teardown: (end) => void ends.push(end) }, { password });
    await (await server).command("FLUSHALL");
    return server;
  };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

function hasPeers(): boolean {
  const { resolve } = createRequire(import.meta.url);
  try {
    resolve("bullmq");
    resolve("ioredis");
    return true;
  } catch {
    return false;
  }
}
