/** Numbers for threads as users see them: 1 to N; a replacement takes over the number of the worker that died. */

export interface ThreadSlots {
  /** The number of a live worker, given at its first call. */
  slotOf(threadId: number): number;
  release(threadId: number): void;
}

export function createThreadSlots(): ThreadSlots {
  const threadIds: (number | undefined)[] = [];
  return {
    slotOf(threadId) {
      let index = threadIds.indexOf(threadId);
      if (index === -1) {
        const free = threadIds.indexOf(undefined);
        index = free === -1 ? threadIds.length : free;
        threadIds[index] = threadId;
      }
      return index + 1;
    },
    release(threadId) {
      const index = threadIds.indexOf(threadId);
      if (index !== -1) threadIds[index] = undefined;
    },
  };
}
