/** What measurements of runs over Redis need: a large data set, a redis-server, worker processes, commands' answers. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import type { ResultFile } from "#src/base/contracts/result.js";
import { FIXTURES, PACKAGE_ROOT } from "#src/base/package.js";

const CLI = fileURLToPath(new URL("bin/batchwise.cjs", PACKAGE_ROOT));
const IMAGES_HEADER_BYTES = 16;
const LABELS_HEADER_BYTES = 8;
/** Place, in both files, of the count of items, big-endian. */
const COUNT_AT = 4;

/** Whether there are a redis-server and the peers that runs over Redis need. */
export function canQueue(): boolean {
  const { resolve } = createRequire(import.meta.url);
  try {
    resolve("bullmq");
    resolve("ioredis");
  } catch {
    return false;
  }
  return spawnSync("redis-server", ["--version"]).status === 0;
}

/** The bundled images, so many times over; the options that name them. */
export async function repeatedDigits(folder: string, times: number): Promise<readonly string[]> {
  const images = join(folder, "images-idx3-ubyte");
  const labels = join(folder, "labels-idx1-ubyte");
  await repeat("digits-images-idx3-ubyte.gz", images, IMAGES_HEADER_BYTES, times);
  await repeat("digits-labels-idx1-ubyte.gz", labels, LABELS_HEADER_BYTES, times);
  return ["--dataset", images, "--labels", labels];
}

async function repeat(fixture: string, path: string, headerBytes: number, times: number): Promise<void> {
  const once = gunzipSync(await readFile(new URL(fixture, FIXTURES)));
  const header = Buffer.from(once.subarray(0, headerBytes));
  header.writeUInt32BE(header.readUInt32BE(COUNT_AT) * times, COUNT_AT);
  const items = once.subarray(headerBytes);
  await writeFile(path, Buffer.concat([header, ...new Array<Buffer>(times).fill(items)]));
}

export class RedisProcess {
  readonly #folder: string;
  readonly #port: number;
  #child: ChildProcess | undefined;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
  }

  static async open(folder: string): Promise<RedisProcess> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    await new Promise((resolve) => server.close(resolve));
    if (address === null || typeof address === "string") throw new Error("no port is free");
    const redis = new RedisProcess(folder, address.port);
    await redis.start();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    const options = { port: this.#port, bind: "127.0.0.1", dir: this.#folder, appendonly: "yes", save: "" };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    this.#child = spawn("redis-server", args, { stdio: "ignore" });
    while (!(await this.#accepts())) await sleep(20);
  }

  async kill(): Promise<void> {
    if (this.#child !== undefined) await killed(this.#child);
  }

  #accepts(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.#port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      }).once("error", () => resolve(false));
    });
  }
}

/** One thread, and a cache folder of its own. */
export async function startWorker(
  url: string,
  folder: string,
  name: string,
  node: string = process.execPath,
): Promise<ChildProcess> {
  const cache = join(folder, name);
  await mkdir(cache, { recursive: true });
  return spawn(node, [CLI, "worker", "--threads", "1", "--allow", folder], {
    env: { ...process.env, BATCHWISE_REDIS: url, BATCHWISE_CACHE_DIR: cache },
    stdio: "ignore",
  });
}

export async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}

/** The JSON that `evaluate` answers, run by a `node` of the caller's choice. */
export async function evaluated(
  args: readonly string[],
  node: string = process.execPath,
): Promise<ResultFile> {
  const child = spawn(node, [CLI, "evaluate", "--no-config", "--quiet", "--format", "json", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk) => {
    text += chunk;
  });
  const status = await new Promise((resolve) => child.once("close", resolve));
  if (status !== 0) throw new Error(`evaluate ended with ${status}`);
  return JSON.parse(text);
}
