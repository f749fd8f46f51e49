/** Records in Redis beside the jobs: runs, hosts, answers of each image. All of them expire. */

import { isError } from "#src/base/realm.js";
import { printable } from "#src/base/text.js";
import { bounded, readBytes, readFields, readTexts } from "./bounded.js";
import type { Link } from "./link.js";
import {
  type HostPresence,
  hostBeats,
  hostPresence,
  parsed,
  RUN_ID,
  type RunSpec,
  runSpec,
  wholeOf,
} from "./messages.js";
import { inGroups, type RedisClient } from "./peers.js";
import { type About, NonsenseError, type Role } from "./seal.js";
import {
  attendedKey,
  HOSTS,
  hostKey,
  packedKey,
  QUEUE_PARTS,
  QUEUE_PREFIX,
  RUNS,
  type RunIds,
  runKey,
} from "./spec.js";

/** A host or coordinator that is silent for this long counts as gone. */
const PRESENCE_MS = 5000;
const DAY_SECONDS = 86_400;
/** Lifetime of a run that has not ended, from the last sign of its coordinator. */
export const KEEP_OPEN_SECONDS = 7 * DAY_SECONDS;
export const KEEP_ENDED_SECONDS = DAY_SECONDS;

const RUN_STATES = ["open", "stopped", "done", "failed", "cancelled"] as const;
export type RunState = (typeof RUN_STATES)[number];

export interface RunRecord {
  readonly spec: RunSpec;
  readonly state: RunState;
  readonly createdAt: string;
  readonly probeImages: number;
  /** Images per job; undefined until the first range was timed. */
  readonly jobImages: number | undefined;
  readonly doneImages: number;
}

export class Records {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  /** The record of a run; undefined where there is none, or nonsense. */
  async run(runId: string): Promise<RunRecord | undefined> {
    const key = runKey(runId);
    const fields = await this.#own(key, (redis) => readFields(redis, key, FIELDS));
    if (Object.values(fields).every((value) => value === null)) return undefined;
    return this.#link.skipNonsense(key, () => this.#recordOf(runId, fields));
  }

  #recordOf(runId: string, fields: Readonly<Record<string, unknown>>): RunRecord {
    const { seals } = this.#link;
    const spec = parsed(runSpec, seals.open("spec", [runId], bounded(fields.spec)));
    if (spec.runId !== runId) throw new NonsenseError(`expected the run "${runId}", found another`);
    const field = (name: string) => seals.open(roleOf(name), aboutField(spec, name), bounded(fields[name]));
    const state = field("state");
    const known = RUN_STATES.find((each) => each === state);
    if (known === undefined)
      throw new NonsenseError(`state: expected ${RUN_STATES.join(", ")}, found another`);
    return {
      spec,
      state: known,
      createdAt: printable(field("createdAt"), LONGEST_TIME),
      probeImages: wholeOf(field("probeImages"), 0),
      jobImages: fields.jobImages === null ? undefined : wholeOf(field("jobImages"), 1),
      doneImages: fields.doneImages === null ? 0 : wholeOf(field("doneImages"), 0),
    };
  }

  /** All runs, oldest first. Removes those that have expired. */
  async runs(): Promise<RunRecord[]> {
    const found: RunRecord[] = [];
    const runIds = await this.#own(RUNS, (redis) => redis.smembers(RUNS));
    for (const ids of inGroups(runIds.filter((id) => RUN_ID.test(id)))) {
      const records = await Promise.all(ids.map((id) => this.run(id)));
      found.push(...records.filter((record) => record !== undefined));
      const unread = ids.filter((_, n) => records[n] === undefined);
      const counts = await Promise.all(unread.map((id) => this.#ask((redis) => redis.exists(runKey(id)))));
      const gone = unread.filter((_, n) => counts[n] === 0);
      await this.#forget(RUNS, gone);
    }
    return found.sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
  }

  /** Writes a record in place of whatever is there. */
  async writeRun({ spec, state, createdAt, probeImages, jobImages, doneImages }: RunRecord): Promise<void> {
    const key = runKey(spec.runId);
    const texts = {
      state,
      createdAt,
      probeImages: String(probeImages),
      doneImages: String(doneImages),
      ...(jobImages !== undefined && { jobImages: String(jobImages) }),
    };
    const sealed = Object.entries(texts).map(([name, text]) => [name, this.#sealed(spec, name, text)]);
    const text = this.#link.seals.seal("spec", [spec.runId], JSON.stringify(spec));
    await this.#ask((redis) => redis.del(key));
    await this.#ask((redis) => redis.hset(key, { spec: text, ...Object.fromEntries(sealed) }));
    await this.#own(RUNS, (redis) => redis.sadd(RUNS, spec.runId));
    await this.#ask((redis) => redis.expire(key, KEEP_OPEN_SECONDS));
  }

  #sealed(run: RunIds, name: string, text: string): string {
    return this.#link.seals.seal(roleOf(name), aboutField(run, name), text);
  }

  /** Sets the images per job, unless they are set already. Returns what is set. */
  async agreeOnJobImages(run: RunIds, jobImages: number): Promise<number> {
    const key = runKey(run.runId);
    const sealed = this.#sealed(run, "jobImages", String(jobImages));
    await this.#own(key, (redis) => redis.hsetnx(key, "jobImages", sealed));
    const { jobImages: found } = await this.#own(key, (redis) => readFields(redis, key, ["jobImages"]));
    const agreed = this.#link.skipNonsense(key, () =>
      wholeOf(this.#link.seals.open("spec", aboutField(run, "jobImages"), bounded(found)), 1),
    );
    if (agreed === undefined) await this.#own(key, (redis) => redis.hset(key, { jobImages: sealed }));
    return agreed ?? jobImages;
  }

  async setState(run: RunIds, state: RunState): Promise<void> {
    const key = runKey(run.runId);
    await this.#own(key, (redis) => redis.hset(key, { state: this.#sealed(run, "state", state) }));
  }

  /**
   * Declares that the coordinator is there: the sign names the latest message of each host, which that host alone can check.
   * Removes keys of the queue that are no part of one.
   */
  async attend(run: RunIds, doneImages: number, hosts: readonly HostPresence[]): Promise<void> {
    const { runId } = run;
    const [key, here] = [runKey(runId), attendedKey(runId)];
    const done = this.#sealed(run, "doneImages", String(doneImages));
    const beats = Object.fromEntries(hosts.slice(0, MOST_BEATS).map(({ host, beat }) => [host, beat]));
    const sign = this.#link.seals.seal("presence", aboutField(run, "attended"), JSON.stringify(beats));
    await this.#ask((redis) => redis.set(here, sign, "PX", PRESENCE_MS));
    await this.#own(key, (redis) => redis.hset(key, { doneImages: done }));
    await this.#ask((redis) => redis.expire(key, KEEP_OPEN_SECONDS));
    const parts = [...QUEUE_PARTS].map(([part, type]) =>
      this.#attendPart(`${QUEUE_PREFIX}:${runId}:${part}`, type),
    );
    await Promise.all(parts);
  }

  async #attendPart(name: string, type: string): Promise<void> {
    const found = await this.#ask((redis) => redis.type(name));
    if (found === type) await this.#ask((redis) => redis.expire(name, KEEP_OPEN_SECONDS));
    else if (found !== "none") await this.#remove(name, `expected a ${type}, found a ${found}`);
  }

  /** Numbers of the hosts' latest messages that the run's coordinator has seen; undefined where it gives no sign. */
  async beatsSeen(run: RunIds): Promise<ReadonlyMap<string, number> | undefined> {
    const key = attendedKey(run.runId);
    const [sent = null] = await this.#ask((redis) => readTexts(redis, [key]));
    if (sent === null) return undefined;
    const open = () =>
      parsed(hostBeats, this.#link.seals.open("presence", aboutField(run, "attended"), bounded(sent)));
    const beats = this.#link.skipNonsense(key, open);
    return beats && new Map(Object.entries(beats));
  }

  async leave(runId: string): Promise<void> {
    await this.#ask((redis) => redis.del(attendedKey(runId)));
  }

  /** Sets the lifetime of jobs and of their answers. */
  async expireJobs(runId: string, jobIds: readonly string[], seconds: number): Promise<void> {
    await Promise.all(
      jobIds.map((id) => this.#ask((redis) => redis.expire(`${QUEUE_PREFIX}:${runId}:${id}`, seconds))),
    );
  }

  /** Sets the lifetime of everything of a run. */
  async expireRun(runId: string, seconds: number): Promise<void> {
    for (const pattern of [`${QUEUE_PREFIX}:${runId}:*`, packedKey(runId, "*")]) {
      for await (const keys of this.#keys(pattern)) {
        await Promise.all(keys.map((key) => this.#ask((redis) => redis.expire(key, seconds))));
      }
    }
    await this.#ask((redis) => redis.expire(runKey(runId), seconds));
  }

  async writePacked(runId: string, offset: number, bytes: Buffer): Promise<void> {
    await this.#ask((redis) => redis.set(packedKey(runId, offset), bytes, "EX", KEEP_OPEN_SECONDS));
  }

  /** Each image's answers of a range; null where there are none, or of more bytes than it has. */
  readPacked(runId: string, offset: number, mostBytes: number): Promise<Uint8Array | null> {
    return this.#ask((redis) => readBytes(redis, packedKey(runId, offset), mostBytes));
  }

  async deletePacked(runId: string): Promise<void> {
    for await (const keys of this.#keys(packedKey(runId, "*"))) {
      if (keys.length > 0) await this.#ask((redis) => redis.del(...keys));
    }
  }

  async showPresence(presence: HostPresence): Promise<void> {
    const { host } = presence;
    const text = this.#link.seals.seal("presence", [host], JSON.stringify(presence));
    await this.#ask((redis) => redis.set(hostKey(host), text, "PX", PRESENCE_MS));
    await this.#own(HOSTS, (redis) => redis.sadd(HOSTS, host));
  }

  async endPresence(host: string): Promise<void> {
    await this.#ask((redis) => redis.del(hostKey(host)));
    await this.#own(HOSTS, (redis) => redis.srem(HOSTS, host));
  }

  /** Hosts that are present. Nonsense is no host. */
  async hosts(): Promise<HostPresence[]> {
    const names = await this.#own(HOSTS, (redis) => redis.smembers(HOSTS));
    const present: HostPresence[] = [];
    for (const group of inGroups(names)) {
      const found = await this.#ask((redis) => readTexts(redis, group.map(hostKey)));
      const gone = group.filter((_, n) => found[n] === null);
      await this.#forget(HOSTS, gone);
      for (const [n, name] of group.entries()) {
        const sent = found[n] ?? null;
        if (sent === null) continue;
        const open = () => parsed(hostPresence, this.#link.seals.open("presence", [name], bounded(sent)));
        const presence = this.#link.skipNonsense(hostKey(name), open);
        if (presence?.host === name) present.push(presence);
      }
    }
    return present;
  }

  async #forget(set: string, names: readonly string[]): Promise<void> {
    if (names.length > 0) await this.#ask((redis) => redis.srem(set, ...names));
  }

  #ask<T>(command: (redis: RedisClient) => Promise<T>): Promise<T> {
    return this.#link.ask(() => command(this.#link.redis));
  }

  /** Runs a command on a key of ours. A key of another type is removed first. */
  async #own<T>(key: string, command: (redis: RedisClient) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#ask(command);
      } catch (error) {
        if (!isOfOtherType(error) || tries > MOST_REMOVALS) throw error;
        await this.#remove(key, "expected a key of another type");
      }
    }
  }

  async #remove(key: string, problem: string): Promise<void> {
    this.#link.report(key, `${problem}; it is removed`);
    await this.#ask((redis) => redis.del(key));
  }

  async *#keys(pattern: string): AsyncGenerator<readonly string[]> {
    let cursor = "0";
    do {
      const [next, keys] = await this.#ask((redis) => redis.scan(cursor, "MATCH", pattern, "COUNT", 1000));
      yield keys;
      cursor = next;
    } while (cursor !== "0");
  }
}

const FIELDS = ["spec", "state", "createdAt", "probeImages", "jobImages", "doneImages"] as const;
/** Hosts that the sign of a coordinator names. */
const MOST_BEATS = 10_000;

const LONGEST_TIME = 40;
/** A client that writes a key again at once is not outrun. */
const MOST_REMOVALS = 20;

/** The state of a run has the key of cancellations: no other message can end a run. */
function roleOf(field: string): Role {
  return field === "state" ? "cancel" : "spec";
}

function aboutField({ runId, key, nonce }: RunIds, field: string): About {
  return [runId, field, key, nonce];
}

function isOfOtherType(error: unknown): boolean {
  return isError(error) && error.message.includes("WRONGTYPE");
}
