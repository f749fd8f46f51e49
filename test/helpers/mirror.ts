/** Mirrors and proxies on 127.0.0.1, well-behaved or not, and files for them to serve. Real sockets throughout. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Server } from "node:net";
import { env } from "node:process";
import type { ExecutionContext } from "ava";
import type { CatalogEntry, RemoteFile } from "#src/files/catalog.js";
import type { TransferLimits } from "#src/files/download.js";
import { seeded } from "./random.js";

/** Retries come soon; the rest is longer than a busy machine needs, and short where a test is about it. */
export const QUICK: TransferLimits = {
  connectMs: 10_000,
  idleMs: 20_000,
  totalMs: 60_000,
  attempts: 3,
  backoffMs: 5,
  redirects: 5,
};

/** What this machine's own network needs must not reach the tests' servers. */
export function forgetEnvironment(): void {
  for (const name of ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"]) {
    delete env[name];
    delete env[name.toLowerCase()];
  }
  delete env.BATCHWISE_MIRROR;
}

export const BODY: Uint8Array = Uint8Array.from({ length: 100_000 }, seededBytes(1));
export const OTHER_BODY: Uint8Array = Uint8Array.from({ length: 100_000 }, seededBytes(2));

function seededBytes(seed: number): () => number {
  const random = seeded(seed);
  return () => Math.floor(random() * 256);
}

export function remoteFile(bytes: Uint8Array = BODY, name = "data.bin"): RemoteFile {
  return { name, bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

export function entryOf(
  mirrors: readonly URL[],
  files: readonly RemoteFile[] = [remoteFile()],
): CatalogEntry {
  return { name: "set", mirrors: mirrors.map(String), files };
}

export interface Seen {
  readonly url: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

export interface Mirror {
  /** Address of its folder, with a slash at the end. */
  readonly url: URL;
  readonly seen: readonly Seen[];
}

/** Answers request number `n`, from 0. */
export type Answer = (request: IncomingMessage, response: ServerResponse, n: number) => void;

export async function startMirror(t: ExecutionContext, answer: Answer): Promise<Mirror> {
  const seen: Seen[] = [];
  const port = await listen(t, (request, response) => {
    const { url = "", headers } = request;
    seen.push({ url, range: headers.range, authorization: headers.authorization });
    answer(request, response, seen.length - 1);
  });
  return { url: new URL(`http://127.0.0.1:${port}/files/`), seen };
}

/** A port where nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Serves `bytes` under every name, whole or from where a range begins. */
export function serve(bytes: Uint8Array = BODY): Answer {
  return ({ headers }, response) => {
    const first = Number(/^bytes=(\d+)-\d*$/.exec(headers.range ?? "")?.[1] ?? 0);
    const range = first > 0 ? { "content-range": `bytes ${first}-${bytes.length - 1}/${bytes.length}` } : {};
    response.writeHead(first > 0 ? 206 : 200, { "content-length": bytes.length - first, ...range });
    response.end(bytes.subarray(first));
  };
}

/** Answers with this status and no file. */
export function status(code: number): Answer {
  return (_, response) => {
    response.writeHead(code).end("no file here");
  };
}

/** The first answer to the first request, the second to the second, the last to all others. */
export function inTurn(...answers: readonly [Answer, ...Answer[]]): Answer {
  return (request, response, n) => answers[Math.min(n, answers.length - 1)]!(request, response, n);
}

/** Sends `count` of the bytes, and the rest to all at once when `requests` of them are under way. */
export function inStep(requests: number, count: number, bytes: Uint8Array = BODY): Answer {
  const waiting: ServerResponse[] = [];
  return (_, response) => {
    response.writeHead(200, { "content-length": bytes.length });
    response.write(bytes.subarray(0, count));
    waiting.push(response);
    if (waiting.length < requests) return;
    for (const one of waiting.splice(0)) one.end(bytes.subarray(count));
  };
}

/** Announces all of `bytes`, sends `count` of them, and resets the connection. */
export function breakAfter(count: number, bytes: Uint8Array = BODY): Answer {
  return (request, response) => {
    response.writeHead(200, { "content-length": bytes.length });
    // In time for the other side to take in what was sent: a reset throws away what was not yet read.
    response.write(bytes.subarray(0, count), () => setTimeout(() => request.socket.resetAndDestroy(), 50));
  };
}

export interface Proxy {
  readonly url: (credentials?: string) => string;
  /** `GET http://host/path` or `CONNECT host:port` of each request. */
  readonly asked: readonly string[];
  readonly authorizations: readonly (string | undefined)[];
}

/** Forwards plain http and tunnels CONNECT, or answers all with `refusal`. */
export async function startProxy(t: ExecutionContext, refusal?: number): Promise<Proxy> {
  const asked: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const note = ({ method, url, headers }: IncomingMessage) => {
    asked.push(`${method} ${url}`);
    authorizations.push(headers["proxy-authorization"]);
  };
  const port = await listen(
    t,
    async (incoming, response) => {
      note(incoming);
      if (refusal !== undefined) return void response.writeHead(refusal).end("refused");
      try {
        const answer = await fetch(incoming.url ?? "");
        response.writeHead(answer.status).end(new Uint8Array(await answer.arrayBuffer()));
      } catch {
        response.destroy();
      }
    },
    (server) =>
      server.on("connect", (incoming, socket) => {
        // Node.js hands the socket over without a listener: a client that resets it would end the test's process.
        socket.on("error", () => {});
        note(incoming);
        if (refusal !== undefined) return void socket.end(`HTTP/1.1 ${refusal} Refused\r\n\r\n`);
        const { hostname, port } = new URL(`http://${incoming.url}`);
        const target = connect(Number(port), hostname, () => {
          socket.write("HTTP/1.1 200 Connected\r\n\r\n");
          socket.pipe(target).pipe(socket);
        });
        target.on("error", () => socket.destroy());
      }),
  );
  return {
    url: (credentials) => `http://${credentials === undefined ? "" : `${credentials}@`}127.0.0.1:${port}`,
    asked,
    authorizations,
  };
}

async function listen(
  t: ExecutionContext,
  listener: RequestListener,
  more: (server: Server) => void = () => {},
): Promise<number> {
  const server = createServer(listener);
  more(server);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
