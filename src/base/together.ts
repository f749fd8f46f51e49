/** Two works side by side, of which neither outlives the failure of the other. */

type Work<T> = (signal: AbortSignal) => Promise<T>;

/** Both results; or the first failure, once both have ended, the other having been aborted. */
export async function together<A, B>(run: AbortSignal, first: Work<A>, second: Work<B>): Promise<[A, B]> {
  const failed = new AbortController();
  const signal = AbortSignal.any([run, failed.signal]);
  const failures: unknown[] = [];
  const guarded = <T>(work: Work<T>) =>
    work(signal).catch((error: unknown) => {
      failures.push(error);
      failed.abort();
      throw error;
    });
  const [a, b] = await Promise.allSettled([guarded(first), guarded(second)]);
  if (a.status === "rejected" || b.status === "rejected") throw failures[0];
  return [a.value, b.value];
}
