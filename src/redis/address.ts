/** Addresses of Redis. */
import { RunError } from "#src/base/errors.js";

/** Environment variable with the address: a list of processes does not show its password. */
export const REDIS_VARIABLE = "BATCHWISE_REDIS";
const DEFAULT_PORT = 6379;

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: boolean;
  /** `redis://host:port/database`, for messages. */
  readonly shown: string;
}

/** Parses an address. @throws RunError ERR_REDIS_URL, whose message does not repeat the address */
export function readRedisUrl(given: string): RedisAddress {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const database = /^\/?(\d{0,5})$/.exec(url?.pathname ?? "");
  const isRedis = url?.protocol === "redis:" || url?.protocol === "rediss:";
  if (!url || !isRedis || url.hostname === "" || database === null) throw new RunError("ERR_REDIS_URL", {});
  const port = url.port === "" ? DEFAULT_PORT : Number(url.port);
  const db = Number(database[1]);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port,
    db,
    username: decoded(url.username),
    password: decoded(url.password),
    tls: url.protocol === "rediss:",
    shown: `${url.protocol}//${url.hostname}:${port}/${db}`,
  };
}

function decoded(part: string): string | undefined {
  if (part === "") return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
