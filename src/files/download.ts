/** Downloads one URL into a file over undici, which follows redirects and repeats requests that broke. */

import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { env } from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import type { Dispatcher, RetryHandler } from "undici";
import { type Log, SILENT } from "#src/base/contracts/run.js";
import { grouped } from "#src/base/errors/define.js";
import { BatchwiseError, reasonOf, TransferError } from "#src/base/errors.js";
import { MirrorFault, mayPass, mirrorFault, shownUrl, statusFault } from "./mirror-fault.js";

/** How long a download waits, and how often it tries again. */
export interface TransferLimits {
  /** Time limit for the connection, in milliseconds. */
  readonly connectMs: number;
  /** Longest time without a byte, from the request on, in milliseconds. */
  readonly idleMs: number;
  /** Time limit for one file from one mirror, with all attempts, in milliseconds. */
  readonly totalMs: number;
  /** Requests to one mirror; only a fault that may pass is followed by another request. */
  readonly attempts: number;
  /** Pause before the second request, in milliseconds; it doubles before each further one. */
  readonly backoffMs: number;
  readonly redirects: number;
}

export const DEFAULT_LIMITS: TransferLimits = {
  connectMs: 10_000,
  idleMs: 30_000,
  totalMs: 30 * 60_000,
  attempts: 3,
  backoffMs: 250,
  redirects: 5,
};

export interface TransferOptions {
  readonly signal: AbortSignal;
  readonly limits: TransferLimits;
  readonly log?: Log | undefined;
  /** Whether a URL may be requested; redirects are checked too. Default: any. */
  readonly mayRequest?: ((url: URL) => boolean) | undefined;
  /** Called after each chunk with the number of bytes written so far. */
  readonly onBytes?: ((doneBytes: number) => void) | undefined;
}

/** A downloaded file: its length and its SHA-256 in hex. */
export interface Received {
  readonly bytes: number;
  readonly sha256: string;
}

const OK = 200;

/**
 * undici 7 ends the process with an AssertionError if a server closes the connection while the parser is paused. The
 * parser is paused when the body holds more bytes than this (nodejs/undici#5360; fixed in 8, which needs Node.js 22.19).
 * `receive` bounds the memory instead: it writes each chunk before the event loop can read the next one.
 */
const NEVER_PAUSED = Number.MAX_SAFE_INTEGER;

/**
 * Downloads `url` into a new file at `path`, at most `limitBytes` bytes. On failure the file may hold some of them.
 *
 * @throws MirrorFault if the server or the way to it is at fault
 * @throws TransferError ERR_CACHE_WRITE, ERR_PROXY_URL
 * @throws the signal's reason if it was aborted
 */
export async function download(
  url: URL,
  path: string,
  limitBytes: number,
  options: TransferOptions,
): Promise<Received> {
  const { signal, limits } = options;
  const clock = startClock(signal, limits);
  let client: Client | undefined;
  // undici would first wait for a connection that is being made.
  const destroy = () => client?.destroy();
  clock.signal.addEventListener("abort", destroy);
  let doneBytes = 0;
  const onBytes = (bytes: number) => {
    doneBytes = bytes;
    clock.touch();
    options.onBytes?.(bytes);
  };
  let target: FileHandle | undefined;
  try {
    client = await openClient(url, { ...options, signal: clock.signal });
    const { statusCode, body } = await client.get();
    if (statusCode !== OK) throw statusFault(statusCode);
    target = await writing(path, () => open(path, "wx"));
    const received = await receive(body, target, path, limitBytes, onBytes);
    await writing(path, async () => target?.sync());
    return received;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof BatchwiseError) throw error;
    // After an abort undici reports its own clearing up.
    const fault = mirrorFault(clock.signal.aborted ? clock.signal.reason : error);
    throw doneBytes === 0 ? fault : new MirrorFault(`${fault.message}, after ${grouped(doneBytes)} bytes`);
  } finally {
    clock.stop();
    clock.signal.removeEventListener("abort", destroy);
    destroy();
    await target?.close();
  }
}

interface Clock {
  /** Aborted with a MirrorFault when a limit is reached, and with the run's reason when the run is aborted. */
  readonly signal: AbortSignal;
  /** Called when bytes have come. */
  touch(): void;
  stop(): void;
}

/** Time limits beside undici's, which do not cover a proxy's tunnel: it reconnects endlessly if CONNECT is closed. */
function startClock(run: AbortSignal, { idleMs, totalMs }: TransferLimits): Clock {
  const expired = new AbortController();
  const expire = (reason: string) => () => expired.abort(new MirrorFault(reason));
  const total = setTimeout(expire(`not complete within ${totalMs / 1000} s`), totalMs);
  const idle = setTimeout(expire(`no data for ${idleMs / 1000} s`), idleMs);
  return {
    signal: AbortSignal.any([run, expired.signal]),
    touch() {
      idle.refresh();
    },
    stop() {
      clearTimeout(total);
      clearTimeout(idle);
    },
  };
}

/** Writes synchronously, so that a network which is faster than the disk does not fill the memory. */
async function receive(
  body: AsyncIterable<Uint8Array>,
  target: FileHandle,
  path: string,
  limitBytes: number,
  onBytes: (doneBytes: number) => void,
): Promise<Received> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of body) {
    if (bytes + chunk.length > limitBytes) {
      throw new MirrorFault(`expected ${grouped(limitBytes)} bytes, found more`);
    }
    hash.update(chunk);
    await writing(path, async () => writeFileSync(target.fd, chunk));
    bytes += chunk.length;
    onBytes(bytes);
  }
  return { bytes, sha256: hash.digest("hex") };
}

async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new TransferError("ERR_CACHE_WRITE", { path, reason: reasonOf(error) }, { cause: error });
  }
}

interface Client {
  get(): Promise<Dispatcher.ResponseData>;
  /** Closes the connection, whatever its state. */
  destroy(): void;
}

/** Client for one download. undici is loaded here, because few commands download. */
async function openClient(url: URL, options: TransferOptions): Promise<Client> {
  const { signal, limits } = options;
  // undici parses HTTP by WebAssembly; without it, the process would end by an error that nobody can catch.
  if (typeof WebAssembly === "undefined") {
    throw new MirrorFault("a download needs WebAssembly, which node --jitless does not have");
  }
  const { EnvHttpProxyAgent, interceptors, request } = await import("undici");
  const timeout = { timeout: limits.connectMs };
  const agent = new EnvHttpProxyAgent({
    httpProxy: proxyOf("HTTP_PROXY"),
    httpsProxy: proxyOf("HTTPS_PROXY"),
    connect: timeout,
    proxyTls: timeout,
    requestTls: timeout,
    // Plain http is forwarded, as curl does: many proxies refuse tunnels to other ports than 443.
    proxyTunnel: false,
  });
  // An agent that is being destroyed rejects what is under way; `get` has reported that already.
  const destroy = () => void agent.destroy().catch(() => {});
  return {
    get: () =>
      request(url, {
        dispatcher: agent.compose(
          // The first is next to the network: it sees each redirect.
          guard(options.mayRequest),
          interceptors.redirect({ maxRedirections: limits.redirects }),
          interceptors.retry({ retry: retryPolicy(url, options) }),
        ),
        headers: { "accept-encoding": "identity", ...authorization(url) },
        signal,
        highWaterMark: NEVER_PAUSED,
        // The clock measures both.
        headersTimeout: 0,
        bodyTimeout: 0,
      }),
    destroy,
  };
}

/** Refuses requests that are not permitted. */
function guard(mayRequest: TransferOptions["mayRequest"]): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (request, handler) => {
    const url = new URL(request.path, request.origin);
    if (mayRequest?.(url) === false)
      throw new MirrorFault(`${shownUrl(url)} is not permitted; see worker --allow`);
    return dispatch(request, handler);
  };
}

/** Repeats a request after a fault that may pass. A body that broke is continued by a range request. */
function retryPolicy(
  url: URL,
  { signal, limits, log = SILENT }: TransferOptions,
): RetryHandler.RetryCallback {
  return (error, { state: { counter } }, answer) => {
    log.info({ url: shownUrl(url), attempt: counter, reason: mirrorFault(error).message }, "a mirror failed");
    if (!mayPass(error) || counter >= limits.attempts) return answer(error);
    delay(limits.backoffMs * 2 ** (counter - 1), undefined, { signal }).then(() => answer(null), answer);
  };
}

/**
 * Proxy from the environment; a variable in lower case comes first. `host:port` is a proxy over http, as for curl (man curl,
 * ENVIRONMENT). Checked here, because the error that the URL class throws repeats the text with its password.
 */
function proxyOf(variable: string): string {
  const value = env[variable.toLowerCase()] ?? env[variable] ?? "";
  const url = value === "" || value.includes("://") ? value : `http://${value}`;
  if (url !== "" && !URL.canParse(url)) throw new TransferError("ERR_PROXY_URL", { variable });
  return url;
}

/** Name and password of the mirror's URL. undici removes the header when a redirect leads to another origin. */
function authorization({ username, password }: URL): Record<string, string> {
  if (username === "") return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}
