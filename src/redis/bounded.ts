/** Reads from Redis with a limit. Redis compares the size, so a value above the limit is never sent. */
import { types } from "node:util";
import type { RedisClient } from "./peers.js";
import { NonsenseError } from "./seal.js";

/** Most bytes of a message that is read. Another client can write 512 MB. */
const MOST_BYTES = 4 * 2 ** 20;

/** Script: the text of each key; its size if that is above the limit; false for a key of another type. */
const TEXTS = `
local found = {}
for n, key in ipairs(KEYS) do
  local bytes = redis.pcall('STRLEN', key)
  if type(bytes) ~= 'number' then found[n] = false
  elseif bytes > tonumber(ARGV[1]) then found[n] = bytes
  else found[n] = redis.call('GET', key) end
end
return found`;

/** Script: the text of each field, or its size. */
const FIELDS = `
local found = {}
for n = 2, #ARGV do
  local bytes = redis.call('HSTRLEN', KEYS[1], ARGV[n])
  if bytes > tonumber(ARGV[1]) then found[n - 1] = bytes
  else found[n - 1] = redis.call('HGET', KEYS[1], ARGV[n]) end
end
return found`;

/** Texts of keys, in the order of the keys: null for a key without a text, the size for a text above the limit. */
export async function readTexts(redis: RedisClient, keys: readonly string[]): Promise<readonly unknown[]> {
  return listOf(await redis.call("eval", TEXTS, String(keys.length), ...keys, String(MOST_BYTES)));
}

/** Bytes of a key; null if there are none, or more than `mostBytes`. */
export async function readBytes(
  redis: RedisClient,
  key: string,
  mostBytes: number,
): Promise<Uint8Array | null> {
  const [bytes] = listOf(await redis.callBuffer("eval", TEXTS, "1", key, String(mostBytes)));
  return types.isUint8Array(bytes) ? bytes : null;
}

/** Fields of a hash. Values are as in `readTexts`. */
export async function readFields(
  redis: RedisClient,
  key: string,
  names: readonly string[],
): Promise<Readonly<Record<string, unknown>>> {
  const found = listOf(await redis.call("eval", FIELDS, "1", key, String(MOST_BYTES), ...names));
  return Object.fromEntries(names.map((name, n) => [name, found[n] ?? null]));
}

function listOf(answer: unknown): readonly unknown[] {
  return Array.isArray(answer) ? answer : [];
}

/** Returns what was read. @throws NonsenseError if it is the size of a text above the limit */
export function bounded(sent: unknown): unknown {
  if (typeof sent !== "number") return sent;
  throw new NonsenseError(`expected at most ${MOST_BYTES} bytes, found ${sent}`);
}
