/** Codes of runs over Redis: its address (2), the peers and hosts (4), the connection (5). No fact may hold a credential. */
import { printable } from "#src/base/text.js";
import { grouped, row } from "./define.js";

/** Installs both optional peers, in a checkout too: see `onnxInstallCommand`. */
export const QUEUE_INSTALL_COMMAND = "npm install --save-dev bullmq@6 ioredis@5";

export const queueCodes = {
  ERR_REDIS_URL: row(
    2,
    () =>
      "--redis: expected redis://[user:password@]host[:port][/database], or rediss:// for TLS, found another word (not shown, since it may hold a password)",
  ),
  ERR_QUEUE_PEER: row(
    4,
    (f: { peer: string; found: string }) =>
      `runs over Redis need the packages bullmq and ioredis: found ${f.found} of ${f.peer}; install them with: ${QUEUE_INSTALL_COMMAND}`,
  ),
  ERR_REDIS_CONNECT: row(
    5,
    (f: { address: string; reason: string }) =>
      `${f.address}: no Redis answers: ${f.reason}; is the server running, and the address right?`,
  ),
  ERR_REDIS_AUTH: row(
    5,
    (f: { address: string }) =>
      `${f.address}: Redis refuses the password, or asks for one; give it as redis://user:password@host, best in BATCHWISE_REDIS`,
  ),
  ERR_REDIS_LOST: row(
    5,
    (f: { address: string; seconds: number }) =>
      `${f.address}: Redis has been away for ${f.seconds} s; what was done is kept there: go on with the same --run-id`,
  ),
  ERR_REDIS_REFUSED: row(
    5,
    (f: { address: string; reason: string }) =>
      `${f.address}: Redis refuses a command: ${printable(f.reason)}; what was done is kept there: mend that, and go on with the same --run-id`,
  ),
  ERR_RUN_UNKNOWN: row(
    2,
    (f: { runId: string; address: string }) =>
      `${f.address} has no run "${f.runId}"; "batchwise runs list" tells those that it has`,
  ),
  ERR_RUN_MISMATCH: row(
    2,
    (f: { runId: string; what: string; expected: string; found: string }) =>
      `the run "${f.runId}" is another: its ${f.what} is ${f.expected}, found ${f.found}; give this one a --run-id of its own`,
  ),
  ERR_RUN_CANCELLED: row(
    4,
    (f: { runId: string; doneImages: number; totalImages: number }) =>
      `the run "${f.runId}" was cancelled after ${grouped(f.doneImages)} of ${grouped(f.totalImages)} images; the result is partial`,
  ),
  ERR_RANGE_FAILED: row(
    4,
    (f: { firstImage: number; lastImage: number; attempts: number; failedRanges: number; reason: string }) =>
      `images ${f.firstImage} to ${f.lastImage} failed ${f.attempts} times: ${f.reason}${f.failedRanges > 1 ? `; ${grouped(f.failedRanges)} ranges failed in all` : ""}; the result is partial`,
  ),
  ERR_HOST_DATA: row(
    3,
    (f: { what: string; path: string; expected: string; found: string }) =>
      `${f.path}: expected the run's ${f.what} with SHA-256 ${f.expected}, found ${f.found}`,
  ),
  ERR_HOST_VERSION: row(
    4,
    (f: { expected: string; found: string }) =>
      `expected Batchwise ${f.expected}, as the run's coordinator has, found ${f.found}`,
  ),
  ERR_HOSTS_REFUSED: row(
    4,
    (f: { host: string; reason: string; hosts: number }) =>
      `no host takes part: ${f.host} refused: ${f.reason}${f.hosts > 1 ? `; ${f.hosts} hosts refused in all` : ""}`,
  ),
  ERR_HOSTS_ABSENT: row(
    4,
    (f: { seconds: number }) =>
      `no host was at work for ${f.seconds} s; start one with "batchwise worker --redis …", and go on with the same --run-id`,
  ),
} as const;
