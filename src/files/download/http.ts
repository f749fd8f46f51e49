/** One GET over undici: through the proxy that the environment names, following a bounded number of redirects. */
import { env } from "node:process";
import type { Readable } from "node:stream";
import type { Dispatcher, EnvHttpProxyAgent } from "undici";
import { TransferError } from "#src/base/errors.js";
import type { TransferLimits } from "./limits.js";
import { MirrorFault, proxyFault } from "./mirror-fault.js";
import { isHttp } from "./mirror-url.js";

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
