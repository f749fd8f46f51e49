import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { interruption, TERMINATED } from "#src/base/abort.js";
import { SILENT } from "#src/base/contracts/run.js";
import { RunError } from "#src/base/errors.js";
import type { OpenExecutor } from "#src/evaluate/evaluate.js";
import { loadPair } from "#src/evaluate/open-inputs.js";
import { resolveOptions } from "#src/evaluate/options.js";
import { identityKey, identityOf } from "#src/evaluate/run-identity.js";
import { openExecutor } from "#src/pool/registry.js";
import { serve } from "#src/redis/host.js";
import { type Link, redisFault } from "#src/redis/link.js";
import type { RunSpec } from "#src/redis/messages.js";
import type { Peers, RedisClient } from "#src/redis/peers.js";
import { sealsOf } from "#src/redis/seal.js";

/** A run over the bundled images, as its coordinator writes it down. */
async function bundledSpec(): Promise<RunSpec> {
  const options = resolveOptions({ limit: 500 }, 1);
  const pair = await loadPair(options);
  const identity = await identityOf(pair, pair.range, options);
  return {
    runId: "a-run",
    key: identityKey(identity),
    nonce: "0".repeat(32),
    identity,
    dataset: {
      location: { dataset: "bundled", labels: null, classes: null },
      split: "test",
      sha256: await pair.dataset.sha256(),
    },
    network: {
      location: {
        weights: "bundled",
        activation: null,
        architecture: null,
        normalize: null,
        mean: null,
        std: null,
      },
      sha256: pair.network.sha256,
    },
    files: {},
    range: pair.range,
    classes: pair.classes,
    engine: "ml-matrix",
    batchSize: 100,
    timeoutSeconds: 30,
    retries: 0,
    verify: false,
    packed: false,
  };
}

/** As much of a Redis with one open run as a host asks for. */
function linkOver(spec: RunSpec, events: string[], exists: RedisClient["exists"] = async () => 1): Link {
  const names = new Set<string>();
  const redis = {
    async set(key: string) {
      names.add(key.slice("batchwise:host:".length));
    },
    sadd: async () => 1,
    srem: async () => 1,
    del: async () => 1,
    smembers: async () => [spec.runId],
    /** Scripts: the fields of the run's record, and the sign of its coordinator, which has seen all hosts. */
    async call(_name: string, _script: string, _keys: string, key: string) {
      if (key.includes(":run:")) return [JSON.stringify(spec), "open", "now", "0", null, null];
      const beats = Object.fromEntries([...names].map((name) => [name, 1]));
      return [(await exists("")) === 1 ? JSON.stringify(beats) : null];
    },
  };
  class Worker {
    constructor() {
      events.push("listens");
    }
    on() {}
    async close() {
      events.push("has closed its queue");
    }
  }
  return {
    peers: { Worker } as unknown as Peers,
    redis: redis as unknown as RedisClient,
    address: "redis://nowhere",
    awayMs: 0,
    seals: sealsOf(undefined),
    skipNonsense: (_, read) => read(),
    report() {},
    async ask(command) {
      try {
        return await command();
      } catch (error) {
        throw redisFault("redis://nowhere", error);
      }
    },
    close() {},
  };
}

/** Executors of this thread, whose end is an event. */
function opening(events: string[], warm: () => Promise<void> = async () => {}): OpenExecutor {
  return async (options, source, work) => ({
    ...(await openExecutor({ ...options, threads: 0 }, source, work)),
    warm,
    async close() {
      events.push("has closed its pool");
    },
  });
}

const HOST = { threads: 1, maps: [], allow: [] };
const HOOKS = { log: SILENT, note() {}, onDownload() {} };

test("a host that is told to stop while it opens a run closes what it has opened, and takes no job", async (t) => {
  const events: string[] = [];
  const stop = new AbortController();
  const open = opening(events, async () => {
    stop.abort();
    await sleep(100);
  });
  await serve(linkOver(await bundledSpec(), events), open, HOST, { ...HOOKS, signal: stop.signal });
  await sleep(500);
  t.deepEqual(events, ["has closed its pool"]);
});

test("a host whose Redis refuses a command leaves its run, and closes its pool", async (t) => {
  const events: string[] = [];
  const exists = async () => {
    if (events.includes("listens")) {
      throw Object.assign(new Error("OOM command not allowed"), { name: "ReplyError" });
    }
    return 1;
  };
  const link = linkOver(await bundledSpec(), events, exists);
  const { signal } = new AbortController();
  await t.throwsAsync(serve(link, opening(events), HOST, { ...HOOKS, signal }), {
    code: "ERR_REDIS_REFUSED",
    message: /^redis:\/\/nowhere: Redis rejects a command: OOM command not allowed; /,
  });
  t.deepEqual(events, ["listens", "has closed its queue", "has closed its pool"]);
});

test("a host opens a run again whose loading a signal ended, and refuses one that cannot be opened", async (t) => {
  const spec = await bundledSpec();
  const { signal: never } = new AbortController();
  for (const [error, isRefused] of [
    [interruption(never, 0, 0), false],
    [interruption(AbortSignal.abort(TERMINATED), 0, 0), false],
    [new RunError("ERR_WORKER_THREAD", { reason: "none is left" }), true],
  ] as const) {
    const notes: string[] = [];
    const stop = new AbortController();
    let opened = 0;
    const open: OpenExecutor = async () => {
      opened++;
      if (opened === 2) stop.abort();
      throw error;
    };
    const note = (text: string) => {
      notes.push(text);
      stop.abort();
    };
    await serve(linkOver(spec, []), open, HOST, { ...HOOKS, note, signal: stop.signal });
    t.is(opened, isRefused ? 1 : 2, error.code);
    t.deepEqual(
      notes.map((text) => text.slice(0, 34)),
      isRefused ? [`refuses run a-run: ${error.code}`.slice(0, 34)] : [],
    );
  }
});
