/** Options of runs over Redis. */

import { MAX_COUNT } from "#src/base/contracts/run.js";
import { rows, TEXT_TYPE, whole, word } from "./define.js";
import { DAY_SECONDS, OVER_REDIS } from "./run.js";

const NEEDS_REDIS = { ...OVER_REDIS, because: "only runs over Redis use it" } as const;

/** Options that say who computes an evaluation. */
export const EXECUTOR_OPTIONS = rows({
  /** Who computes: `local`, this machine; or `bullmq`, the hosts that `batchwise worker` runs on. Default `local`. */
  executor: {
    flag: "--executor",
    value: "<name>",
    type: word(["local", "bullmq"]),
    default: "local",
    help: "local, or bullmq: workers over Redis",
    group: "scale",
    commands: ["evaluate"],
  },
  /** Address of Redis, `redis://host:port`. Default: the environment variable BATCHWISE_REDIS. */
  redis: {
    flag: "--redis",
    value: "<url>",
    type: TEXT_TYPE,
    defaultText: "BATCHWISE_REDIS",
    help: "redis://host:port",
    group: "scale",
    commands: ["evaluate", "worker", "runs"],
    requires: [NEEDS_REDIS],
  },
  /** Name of the run: up to 64 letters, digits, `-` and `_`. The same name continues the run. Default: a new name. */
  runId: {
    flag: "--run-id",
    value: "<id>",
    type: TEXT_TYPE,
    help: "name of the run, to start or continue it",
    group: "scale",
    commands: ["evaluate"],
    requires: [NEEDS_REDIS],
  },
  /** Images per job. Default: by the time that the first job takes. */
  jobImages: {
    flag: "--job-images",
    value: "<n>",
    type: whole(1, MAX_COUNT),
    defaultText: "by time",
    help: "images per job",
    group: "scale",
    commands: ["evaluate"],
    requires: [NEEDS_REDIS],
  },
  /** Longest time without a host at work, in seconds, up to a day. Default 600. */
  patience: {
    flag: "--patience",
    value: "<seconds>",
    type: whole(1, DAY_SECONDS),
    default: 600,
    help: "wait this long without a worker",
    group: "scale",
    commands: ["evaluate"],
    requires: [NEEDS_REDIS],
  },
});

/** Options of `worker` alone. */
export const WORKER_OPTIONS = rows({
  allow: {
    flag: "--allow",
    value: "<place>",
    type: { kind: "texts" },
    defaultText: "cache, --map's TO",
    help: "read below this; repeatable",
    group: "scale",
    commands: ["worker"],
  },
  map: {
    flag: "--map",
    value: "<from=to>",
    type: { kind: "texts" },
    help: "paths below FROM are here below TO; repeatable",
    group: "scale",
    commands: ["worker"],
  },
});
