/** Checks a Redis server: its version, and permission for the commands of a run. docs/scale.md has the same list for an ACL. */
import { RunError } from "#src/base/errors.js";
import { isError } from "#src/base/realm.js";
import type { RedisClient } from "./peers.js";

/** Oldest version of Redis for BullMQ. */
const LEAST_VERSION = 5;

/**
 * Checks the answer to INFO. BullMQ requests it on each connection, and waits forever if it cannot read the answer.
 *
 * @throws RunError ERR_REDIS_CONNECT if the server is no Redis, or too old
 */
export async function readInfo(client: RedisClient, address: string): Promise<string> {
  const info: unknown = await client.info();
  const version = typeof info === "string" ? /^redis_version:(\d+)\.\d+/m.exec(info) : null;
  if (typeof info === "string" && version !== null && Number(version[1]) >= LEAST_VERSION) return info;
  const found = version === null ? "none" : version[0].slice("redis_version:".length);
  const reason = `expected a redis_version from ${LEAST_VERSION}, found ${found}`;
  throw new RunError("ERR_REDIS_CONNECT", { address, reason });
}

const KEY = "batchwise:permitted";

/** Each command with valid arguments: Redis checks their number before the permission. */
export const COMMANDS: ReadonlyMap<string, readonly string[]> = new Map([
  // Ours.
  ["ping", []],
  ["info", []],
  ["type", [KEY]],
  ["get", [KEY]],
  ["strlen", [KEY]],
  ["hstrlen", [KEY, ""]],
  ["set", [KEY, ""]],
  ["scan", ["0"]],
  ["sadd", [KEY, ""]],
  ["hsetnx", [KEY, "", ""]],
  // BullMQ's, those in its scripts included.
  ["eval", ["return 0", "0"]],
  ["evalsha", ["0", "0"]],
  ["del", [KEY]],
  ["exists", [KEY]],
  ["expire", [KEY, "1"]],
  ["pexpire", [KEY, "1"]],
  ["persist", [KEY]],
  ["incr", [KEY]],
  ["decr", [KEY]],
  ["hdel", [KEY, ""]],
  ["hexists", [KEY, ""]],
  ["hget", [KEY, ""]],
  ["hgetall", [KEY]],
  ["hincrby", [KEY, "", "1"]],
  ["hlen", [KEY]],
  ["hmget", [KEY, ""]],
  ["hmset", [KEY, "", ""]],
  ["hset", [KEY, "", ""]],
  ["lindex", [KEY, "0"]],
  ["llen", [KEY]],
  ["lpos", [KEY, ""]],
  ["lpush", [KEY, ""]],
  ["lpop", [KEY]],
  ["lrange", [KEY, "0", "0"]],
  ["lrem", [KEY, "0", ""]],
  ["ltrim", [KEY, "0", "0"]],
  ["rename", [KEY, KEY]],
  ["rpop", [KEY]],
  ["rpoplpush", [KEY, KEY]],
  ["rpush", [KEY, ""]],
  ["scard", [KEY]],
  ["smembers", [KEY]],
  ["srem", [KEY, ""]],
  ["pttl", [KEY]],
  ["bzpopmin", [KEY, "1"]],
  ["xadd", [KEY, "*", "", ""]],
  ["xread", ["STREAMS", KEY, "0"]],
  ["xtrim", [KEY, "MAXLEN", "0"]],
  ["zadd", [KEY, "0", ""]],
  ["zcard", [KEY]],
  ["zcount", [KEY, "0", "0"]],
  ["zpopmin", [KEY]],
  ["zrange", [KEY, "0", "0"]],
  ["zrangebyscore", [KEY, "0", "0"]],
  ["zrem", [KEY, ""]],
  ["zremrangebyrank", [KEY, "0", "0"]],
  ["zrevrange", [KEY, "0", "0"]],
  ["zrevrangebyscore", [KEY, "0", "0"]],
  ["zscore", [KEY, ""]],
]);

/** Commands that frame a transaction. The check needs them. */
export const TRANSACTION = ["multi", "exec", "discard"];

/**
 * Checks every command's permission: each is queued in a transaction, which is then discarded.
 *
 * @throws RunError ERR_REDIS_COMMAND, which names the commands that are missing
 */
export async function assertPermitted(client: RedisClient, address: string): Promise<void> {
  const missing: string[] = [];
  const tries = [["multi", []], ...COMMANDS, ["discard", []]] as const;
  const asked = tries.map(([name, given]) =>
    client.call(name, ...given).catch((error: unknown) => {
      if (!isError(error) || !error.message.startsWith("NOPERM")) throw error;
      missing.push(name);
    }),
  );
  const outcomes = await Promise.allSettled(asked);
  if (missing.length > 0) throw new RunError("ERR_REDIS_COMMAND", { address, missing });
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
