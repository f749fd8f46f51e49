/** One GET over undici: through the proxy that the environment names, following a bounded number of redirects. */

import { env } from "node:process";
import type { Readable } from "node:stream";
import type { Dispatcher, EnvHttpProxyAgent } from "undici";
import { reasonOf, TransferError, UsageError } from "#src/base/errors.js";

/** undici, which the caller loads: only when something is really downloaded, and before it looks at the clock. */
export type Undici = typeof import("undici");

export interface HttpAnswer {
  readonly status: number;
  /** A header's value; the first where it was sent more than once. */
  header(name: string): string | undefined;
  readonly body: Readable;
}

/**
 * undici 7 ends the process with an AssertionError where a server closes the connection while the parser is paused, which it
 * is when the body holds more than this (nodejs/undici#5360; mended in 8, which needs Node.js 22.19).
 */
const NEVER_PAUSED = Number.MAX_SAFE_INTEGER;

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const PROXY_AUTHENTICATION_REQUIRED = 407;

/**
 * Answers with the headers, and leaves the body to `use`. When that ends, or `signal` is aborted, the connection is
 * gone, whatever state it was in: each request has an agent of its own for that.
 *
 * @throws MirrorFault for redirects that lead nowhere and a proxy's 407; TransferError ERR_PROXY_URL; undici's errors.
 */
export async function withAnswer<T>(
  { EnvHttpProxyAgent, request }: Undici,
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
  limits: Pick<TransferLimits, "connectMs" | "redirects">,
  use: (answer: HttpAnswer) => Promise<T>,
): Promise<T> {
  const agent = createAgent(EnvHttpProxyAgent, limits.connectMs);
  // undici would first wait for the connection that is being made.
  const destroy = () => void agent.destroy().catch(() => {});
  signal.addEventListener("abort", destroy);
  try {
    signal.throwIfAborted();
    let at = url;
    for (let redirects = 0; redirects <= limits.redirects; redirects++) {
      const response = await request(at, {
        dispatcher: agent,
        headers: { "accept-encoding": "identity", ...headers, ...authorization(at, url) },
        signal,
        highWaterMark: NEVER_PAUSED,
        // The caller's clock measures all of it.
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      if (!REDIRECTS.has(response.statusCode)) return await use(answerOf(response));
      abandon(response.body);
      at = redirected(at, answerOf(response));
    }
    throw new MirrorFault(`more than ${limits.redirects} redirects`, false);
  } catch (error) {
    // After an abort undici tells of its own clearing up.
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener("abort", destroy);
    destroy();
  }
}

function createAgent(Agent: typeof EnvHttpProxyAgent, connectMs: number): EnvHttpProxyAgent {
  const timeout = { timeout: connectMs };
  const proxies = { httpProxy: proxyOf("HTTP_PROXY"), httpsProxy: proxyOf("HTTPS_PROXY") };
  return new Agent({
    ...proxies,
    connect: timeout,
    proxyTls: timeout,
    requestTls: timeout,
    // Plain http is forwarded, as curl does: many proxies refuse tunnels to other ports than 443.
    proxyTunnel: false,
  });
}

/**
 * The variable's proxy, in lower case first; `host:port` alone is a proxy by http, as for curl (man curl, ENVIRONMENT).
 * Checked here, because the error that the URL class throws repeats the text with its password.
 */
function proxyOf(variable: string): string {
  const value = env[variable.toLowerCase()] ?? env[variable] ?? "";
  const url = value === "" || value.includes("://") ? value : `http://${value}`;
  if (url !== "" && !URL.canParse(url)) throw new TransferError("ERR_PROXY_URL", { variable });
  return url;
}

/** Name and password of the mirror's URL, for its own origin only. */
function authorization(at: URL, mirror: URL): Record<string, string> {
  if (mirror.username === "" || at.origin !== mirror.origin) return {};
  const pair = `${decodeURIComponent(mirror.username)}:${decodeURIComponent(mirror.password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}

/** Also from https to http: what is trusted is the pinned hash. */
function redirected(from: URL, { status, header }: HttpAnswer): URL {
  const location = header("location");
  const to =
    location !== undefined && URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (to === undefined || !isHttp(to))
    throw new MirrorFault(`answered ${status} without a usable address`, false);
  return to;
}

function answerOf({ statusCode, headers, body }: Dispatcher.ResponseData): HttpAnswer {
  if (statusCode === PROXY_AUTHENTICATION_REQUIRED) {
    abandon(body);
    throw proxyFault(statusCode);
  }
  return {
    status: statusCode,
    header(name) {
      const value = headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
    body,
  };
}

/** A body that is not read may still end in an error, which nobody wants to hear. */
function abandon(body: Readable): void {
  body.on("error", () => {}).destroy();
}

// URLs of mirrors: how they are made, and how they may be shown.

/** The folder of a mirror that the user named; its entries stand in folders of their own, as in the cache. */
export function userMirror(option: string, base: string, entryName: string): URL {
  const url = URL.canParse(base) ? new URL(base) : undefined;
  if (url === undefined || !isHttp(url)) {
    throw new UsageError("ERR_OPTION_VALUE", {
      option,
      expected: "an http or https URL",
      found: withoutCredentials(base),
    });
  }
  return below(url, `${entryName}/`);
}

/** The URL of a file in a mirror's folder; a query, which may be a token of access, stays behind it. */
export function below(folder: URL, name: string): URL {
  const url = new URL(folder);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/${name}`;
  return url;
}

export function isHttp({ protocol }: URL): boolean {
  return protocol === "http:" || protocol === "https:";
}

/** A URL without its name, password, query and fragment, all of which may be secret. */
export function shownUrl({ origin, pathname }: URL): string {
  return origin + pathname;
}

/** Any text without what stands between `//` and `@`, and without what looks like a query. */
export function withoutCredentials(text: string): string {
  return text.replace(/\/\/\S*@/g, "//").replace(/\?\S*/g, "");
}

// Why a mirror did not give a file, in words fit for one line, and whether asking it again may help.

export class MirrorFault extends Error {
  readonly passing: boolean;

  /** `passing`: the same request may succeed a moment later. */
  constructor(reason: string, passing: boolean) {
    super(reason);
    this.passing = passing;
  }
}

/** Codes of Node.js (errors, "Common system errors") and undici (docs/api/Errors.md). */
const REASONS: ReadonlyMap<string, readonly [reason: string, passing: boolean]> = new Map([
  ["ECONNREFUSED", ["connection refused", false]],
  ["ENOTFOUND", ["no such host", false]],
  ["EAI_AGAIN", ["the host's name could not be looked up", true]],
  ["ECONNRESET", ["the connection was reset", true]],
  ["EPIPE", ["the connection was closed", true]],
  ["ETIMEDOUT", ["the connection timed out", true]],
  ["UND_ERR_SOCKET", ["the connection was closed", true]],
  ["UND_ERR_CONNECT_TIMEOUT", ["no connection in time", true]],
  ["UND_ERR_RES_CONTENT_LENGTH_MISMATCH", ["the body was not of the announced length", true]],
]);

/** undici tells a proxy's refusal in words only: "Proxy response (403) !== 200", "Proxy Authentication Required (407)". */
const PROXY_REFUSAL = /^Proxy .*\((\d{3})\)/;

const TLS_CODE = "ERR_SSL_";

/** What a failed request comes to; `progress` is said of faults that came amid a body. */
export function mirrorFault(error: unknown, progress = ""): MirrorFault {
  if (error instanceof MirrorFault) return error;
  const [, proxyStatus] = PROXY_REFUSAL.exec(error instanceof Error ? error.message : "") ?? [];
  if (proxyStatus !== undefined) return proxyFault(Number(proxyStatus));
  const [reason, passing] = REASONS.get(codeOf(error)) ?? [otherReason(error), false];
  return new MirrorFault(`${reason}${progress}`, passing);
}

export function proxyFault(status: number): MirrorFault {
  const advice = status === 407 ? ", it wants a name and password in HTTP_PROXY or HTTPS_PROXY" : "";
  return new MirrorFault(`the proxy answered ${status}${advice}`, status >= 500);
}

function otherReason(error: unknown): string {
  const code = codeOf(error);
  // OpenSSL's messages tell of its source files; the code tells the same in words: ERR_SSL_WRONG_VERSION_NUMBER.
  if (!code.startsWith(TLS_CODE)) return withoutCredentials(reasonOf(error));
  return `TLS failed: ${code.slice(TLS_CODE.length).toLowerCase().replaceAll("_", " ")}`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** How long a download waits, and how often it tries again. */

export interface TransferLimits {
  /** Until a connection stands. */
  readonly connectMs: number;
  /** Without a byte, from the request on. */
  readonly idleMs: number;
  /** One attempt at one file from its beginning to its end. */
  readonly totalMs: number;
  /** At one mirror, after faults that may pass. */
  readonly attempts: number;
  /** Before the second attempt; twice as long before each further one. */
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
