/** The address of a Redis: read from a URL, and shown without what is secret in it. */
import { RunError } from "#src/base/errors.js";

/** Where the address may stand, so that no list of processes shows its password. */
export const REDIS_VARIABLE = "BATCHWISE_REDIS";
const DEFAULT_PORT = 6379;

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: boolean;
  /** `redis://host:port/database`: what messages may say. */
  readonly shown: string;
}

/** @throws RunError ERR_REDIS_URL, which does not repeat what was given. */
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
