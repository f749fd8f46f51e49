/** How long a download waits, and how often it tries again. */

export interface TransferLimits {
  /** Until a connection stands. */
  readonly connectMs: number;
  /** Without a byte, from the request on. */
  readonly idleMs: number;
  /** One attempt at one file from its beginning to its end. */
  readonly totalMs: number;
  /** At one mirror, after faults that may pass. */
  readonly attempts: number;
  /** Before the second attempt; twice as long before each further one. */
  readonly backoffMs: number;
  readonly redirects: number;
}

export const DEFAULT_LIMITS: TransferLimits = {
  connectMs: 10_000,
  idleMs: 30_000,
  totalMs: 30 * 60_000,
  attempts: 3,
  backoffMs: 250,
  redirects: 5,
};
