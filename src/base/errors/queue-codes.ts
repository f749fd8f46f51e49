/** Codes of runs over Redis: address (2), peers and hosts (4), connection (5). No fact may hold a credential. */

import { printable } from "#src/base/text.js";
import { grouped, row } from "./define.js";

/** Command that installs both optional peers, also in a checkout: see `onnxInstallCommand`. */
export const QUEUE_INSTALL_COMMAND = "npm install --save-dev bullmq@6 ioredis@5";

export const queueCodes = {
  ERR_REDIS_URL: row(
    2,
    () =>
      "--redis: expected redis://[user:password@]host[:port][/database], or rediss:// for TLS, found another value (hidden, because it can contain a password)",
  ),
  ERR_QUEUE_PEER: row(
    4,
    (f: { peer: string; found: string }) =>
      `expected the packages bullmq and ioredis for a run over Redis, found ${f.found} of ${f.peer}; install them with: ${QUEUE_INSTALL_COMMAND}`,
  ),
  ERR_REDIS_CONNECT: row(
    5,
    (f: { address: string; reason: string }) =>
      `${f.address}: no Redis answers: ${f.reason}; check that the server runs and the address is right`,
  ),
  ERR_REDIS_AUTH: row(
    5,
    (f: { address: string }) =>
      `${f.address}: Redis rejects the password or requires one; set redis://user:password@host, preferably in BATCHWISE_REDIS`,
  ),
  ERR_REDIS_LOST: row(
    5,
    (f: { address: string; seconds: number }) =>
      `${f.address}: Redis did not answer for ${f.seconds} s; finished work is kept there: continue with the same --run-id`,
  ),
  ERR_REDIS_REFUSED: row(
    5,
    (f: { address: string; reason: string }) =>
      `${f.address}: Redis rejects a command: ${printable(f.reason)}; finished work is kept there: fix the cause and continue with the same --run-id`,
  ),
  ERR_REDIS_COMMAND: row(
    5,
    (f: { address: string; missing: readonly string[] }) =>
      `${f.address}: expected a user who may run the commands of docs/scale.md, found ${f.missing.length} that it may not: ${f.missing.join(" ")}; add them to its ACL`,
  ),
  ERR_SECRET: row(
    2,
    (f: { expected: string; found: string }) =>
      `BATCHWISE_SECRET: expected ${f.expected}, found ${f.found}; make one with: head -c 32 /dev/urandom | base64`,
  ),
  ERR_HOST_LOCATION: row(
    3,
    (f: { location: string }) =>
      `${printable(f.location)}: expected a file below an --allow or the TO of a --map, or a URL below an --allow, found another; start the worker with --allow FOLDER or --allow URL`,
  ),
  ERR_RUN_UNKNOWN: row(
    2,
    (f: { runId: string; address: string }) =>
      `${f.address}: expected the run "${f.runId}", found none; "batchwise runs list" lists the runs`,
  ),
  ERR_RUN_MISMATCH: row(
    2,
    (f: { runId: string; what: string; expected: string; found: string }) =>
      `run "${f.runId}": expected the same run, found a different ${f.what}: ${f.expected} there and ${f.found} here; choose another --run-id`,
  ),
  ERR_RUN_CANCELLED: row(
    4,
    (f: { runId: string; doneImages: number; totalImages: number }) =>
      `the run "${f.runId}" was cancelled after ${grouped(f.doneImages)} of ${grouped(f.totalImages)} images; the result is partial`,
  ),
  ERR_RANGE_FAILED: row(
    4,
    (f: { firstImage: number; lastImage: number; attempts: number; failedRanges: number; reason: string }) =>
      `images ${f.firstImage} to ${f.lastImage} failed ${f.attempts} times: ${f.reason}${f.failedRanges > 1 ? `; ${grouped(f.failedRanges)} ranges failed in total` : ""}; the result is partial`,
  ),
  ERR_HOST_DATA: row(
    3,
    (f: { what: string; path: string; expected: string; found: string }) =>
      `${f.path}: expected the run's ${f.what} with SHA-256 ${f.expected}, found ${f.found}; copy the coordinator's file to this host`,
  ),
  ERR_HOST_VERSION: row(
    4,
    (f: { expected: string; found: string }) =>
      `expected Batchwise ${f.expected}, the coordinator's version, found ${f.found}; install the same version on every host`,
  ),
  ERR_RANGE_JOB: row(
    4,
    (f: { jobId: string; problem: string }) =>
      `${printable(f.jobId)}: expected a job of the run, found another: ${f.problem}; who else writes to this Redis?`,
  ),
  ERR_HOSTS_REFUSED: row(
    4,
    (f: { host: string; reason: string; hosts: number }) =>
      `expected at least one host, found only rejections: ${printable(f.host)}: ${f.reason}${f.hosts > 1 ? `; ${f.hosts} hosts in total` : ""}`,
  ),
  ERR_RUN_DISTURBED: row(
    5,
    (f: { address: string; runId: string; seconds: number }) =>
      `${f.address}: hosts are there, but found no job of the run "${f.runId}" for ${f.seconds} s; stop the client that changes keys below batchwise: and continue with the same --run-id`,
  ),
  ERR_HOSTS_ABSENT: row(
    4,
    (f: { seconds: number }) =>
      `no host worked for ${f.seconds} s; start one with "batchwise worker --redis …" and continue with the same --run-id`,
  ),
} as const;
