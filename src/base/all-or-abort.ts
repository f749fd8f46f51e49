/** Runs two tasks side by side: when one fails, the other is aborted. */

type Work<T> = (signal: AbortSignal) => Promise<T>;

/** Returns both results, or throws the first failure after both tasks have ended. */
export async function allOrAbort<A, B>(run: AbortSignal, first: Work<A>, second: Work<B>): Promise<[A, B]> {
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
