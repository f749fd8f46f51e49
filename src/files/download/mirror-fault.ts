/** Why a mirror did not give a file, in words fit for one line, and whether asking it again may help. */
import { reasonOf } from "#src/base/errors.js";
import { withoutCredentials } from "./mirror-url.js";

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
