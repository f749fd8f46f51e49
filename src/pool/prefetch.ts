/** Asks for the next while the last is at work, so that the time to make it and the time to use it overlap. */

export interface Prefetch<T> {
  /** Undefined after the last. Throws what the source throws, to one caller. */
  next(): Promise<T | undefined>;
  /** What the source holds is closed; nothing more comes. */
  end(): Promise<void>;
}

/** @param isWanted whether one that was made ahead is still of use when somebody asks for it */
export function prefetch<T>(
  source: AsyncGenerator<T, undefined>,
  isWanted: (value: T) => boolean,
): Prefetch<T> {
  let coming: Promise<IteratorResult<T, undefined>> | undefined;

  /** Behind what the last one's receiver does at once: a source may hold the thread for milliseconds. */
  function askLater(): Promise<IteratorResult<T, undefined>> {
    const asked = new Promise<void>((resolve) => {
      setImmediate(resolve);
    }).then(() => source.next());
    // Whoever comes next is told; it may be nobody.
    asked.catch(() => {});
    return asked;
  }

  return {
    async next() {
      for (;;) {
        const given = coming ?? source.next();
        coming = undefined;
        const { value, done } = await given;
        if (done) return undefined;
        coming ??= askLater();
        if (isWanted(value)) return value;
      }
    },
    async end() {
      await source.return(undefined);
    },
  };
}
