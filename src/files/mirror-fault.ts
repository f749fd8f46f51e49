/** Reasons why a mirror did not give a file, in words that fit on one line and hold no secret. */

import { asError, reasonOf } from "#src/base/errors.js";
import { codeOf, isError } from "#src/base/realm.js";

export class MirrorFault extends Error {}

const PROXY_AUTHENTICATION_REQUIRED = 407;

/** URL without its name, password, query and fragment, all of which may be secret. */
export function shownUrl({ origin, pathname }: URL): string {
  return origin + pathname;
}

/** Text without what is between `//` and `@`, and without what looks like a query. */
export function withoutCredentials(text: string): string {
  return text.replace(/\/\/\S*@/g, "//").replace(/\?\S*/g, "");
}

/** Reasons by code of Node.js (errors, "Common system errors") and undici (docs/api/Errors.md). */
const REASONS: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "connection refused"],
  ["ENOTFOUND", "no such host"],
  ["EAI_AGAIN", "the host's name could not be looked up"],
  ["ECONNRESET", "the connection was reset"],
  ["EPIPE", "the connection was closed"],
  ["ETIMEDOUT", "the connection timed out"],
  ["UND_ERR_SOCKET", "the connection was closed"],
  ["UND_ERR_CONNECT_TIMEOUT", "no connection in time"],
  ["UND_ERR_RES_CONTENT_LENGTH_MISMATCH", "the body did not have the announced length"],
]);
/** Faults that a second request would meet too. */
const LASTING: ReadonlySet<string> = new Set(["ECONNREFUSED", "ENOTFOUND"]);

/** Status in undici's words for a proxy's refusal: "Proxy response (403) !== 200", "Proxy Authentication Required (407)". */
const PROXY_REFUSAL = /^Proxy .*\((\d{3})\)/;

const TLS_CODE = "ERR_SSL_";

/** True for a fault that may pass. undici throws "Request failed" only for statuses that may. */
export function mayPass(error: Error): boolean {
  if (error.message === "Request failed") return true;
  return REASONS.has(codeOf(error)) && !LASTING.has(codeOf(error));
}

export function mirrorFault(error: unknown): MirrorFault {
  if (error instanceof MirrorFault) return error;
  const [, proxyStatus] = PROXY_REFUSAL.exec(asError(error).message) ?? [];
  if (proxyStatus !== undefined) return proxyFault(Number(proxyStatus));
  if (isRequestFailed(error)) return statusFault(error.statusCode);
  return new MirrorFault(REASONS.get(codeOf(error)) ?? otherReason(error));
}

/** undici's RequestRetryError for a status, which its other errors have too. */
function isRequestFailed(error: unknown): error is { readonly statusCode: number } {
  return isError(error) && error.message === "Request failed" && "statusCode" in error;
}

export function statusFault(status: number): MirrorFault {
  return status === PROXY_AUTHENTICATION_REQUIRED
    ? proxyFault(status)
    : new MirrorFault(`answered ${status}`);
}

function proxyFault(status: number): MirrorFault {
  const advice =
    status === PROXY_AUTHENTICATION_REQUIRED
      ? ", it requires a name and password in HTTP_PROXY or HTTPS_PROXY"
      : "";
  return new MirrorFault(`the proxy answered ${status}${advice}`);
}

function otherReason(error: unknown): string {
  const code = codeOf(error);
  // OpenSSL's messages name its source files; the code has the same words: ERR_SSL_WRONG_VERSION_NUMBER.
  if (!code.startsWith(TLS_CODE)) return withoutCredentials(reasonOf(error));
  return `TLS failed: ${code.slice(TLS_CODE.length).toLowerCase().replaceAll("_", " ")}`;
}
