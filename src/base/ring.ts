/** A fixed number of slabs that are filled ahead of those who use them, each again once it is released. */
import type { ImageRange } from "#src/base/contracts/dataset.js";
import { type Slab, type SlabLayout, type SlabRing, viewSlab } from "./slab.js";

/** So many are filled, or being filled, while others are at work. */
const SLABS_AHEAD = 2;
/** What no network can predict: a class that a worker did not write is thereby seen. */
const NOT_PREDICTED = 0xffff;

export interface RingOptions {
  /** The slabs to come, of which none is longer than the first. */
  readonly layouts: readonly SlabLayout[];
  /** Slabs in memory at most; at least 1. */
  readonly size: number;
  /** Allocates the memory of the first layout. */
  allocate(): SharedArrayBuffer;
  /** One after the other, in order. What it throws comes in the place of its slab. */
  fill(slab: Slab): Promise<void>;
  close(): Promise<void>;
}

/** Enough that every lane has a batch, one slab more for those whose last batches are still under way, and those ahead. */
export function ringSize(lanes: number, batchesPerSlab: number): number {
  return Math.ceil(lanes / batchesPerSlab) + 1 + SLABS_AHEAD;
}

/** Filling waits for memory to be released: who is slow stops the reader, and who is fast waits for it. */
export function createRing({ layouts, size, allocate, fill, close }: RingOptions): SlabRing {
  const free: SharedArrayBuffer[] = [];
  const filled: Slab[] = [];
  let allocated = 0;
  let isStopped = false;
  let isEnded = false;
  let fault: { readonly error: unknown } | undefined;
  let wakeFiller = () => {};
  let wakeReader = () => {};

  async function memory(): Promise<SharedArrayBuffer | undefined> {
    while (!isStopped) {
      const buffer = free.pop();
      if (buffer !== undefined) return buffer;
      if (allocated < size) {
        allocated++;
        return allocate();
      }
      await new Promise<void>((resolve) => {
        wakeFiller = resolve;
      });
    }
    return undefined;
  }

  async function fillAll(): Promise<void> {
    try {
      for (const layout of layouts) {
        const buffer = await memory();
        if (buffer === undefined) break;
        const slab = viewSlab(buffer, layout);
        slab.predictions.fill(NOT_PREDICTED);
        await fill(slab);
        filled.push(slab);
        wakeReader();
      }
    } catch (error) {
      fault = { error };
    }
    isEnded = true;
    wakeReader();
  }

  function stop(): void {
    isStopped = true;
    wakeFiller();
  }

  async function* take(): AsyncGenerator<Slab> {
    const filling = fillAll();
    try {
      for (;;) {
        const slab = filled.shift();
        if (slab !== undefined) yield slab;
        else if (fault !== undefined) throw fault.error;
        else if (isEnded) return;
        else {
          await new Promise<void>((resolve) => {
            wakeReader = resolve;
          });
        }
      }
    } finally {
      stop();
      await filling;
      await close();
    }
  }

  return {
    slabs: take(),
    release({ buffer }) {
      free.push(buffer);
      wakeFiller();
    },
    stop,
  };
}

/** A ring for each of the ranges, one after the other: the next is opened when the last is used up. */
export function ringOver(ranges: readonly ImageRange[], open: (range: ImageRange) => SlabRing): SlabRing {
  const ringOf = new WeakMap<SharedArrayBuffer, SlabRing>();
  let current: SlabRing | undefined;
  let isStopped = false;

  async function* take(): AsyncGenerator<Slab> {
    for (const range of ranges) {
      if (isStopped) return;
      const ring = open(range);
      current = ring;
      for await (const slab of ring.slabs) {
        ringOf.set(slab.buffer, ring);
        yield slab;
      }
    }
  }

  return {
    slabs: take(),
    release: (slab) => ringOf.get(slab.buffer)?.release(slab),
    stop() {
      isStopped = true;
      current?.stop();
    },
  };
}
