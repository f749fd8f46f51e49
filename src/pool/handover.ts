/** Passes slabs to the listeners in order, each once all of its batches are merged. Limits how many slabs are out meanwhile. */
import type { Batch } from "#src/base/contracts/executor.js";
import { partOf, type Slab } from "#src/base/slab.js";

/** Takes a slab whose batches are merged. The slab is filled again after the promise is settled. */
export type OnSlab = (slab: Slab) => void | Promise<void>;

export interface Handover {
  /** The same slabs. The next one is requested only while at most `mostOut` slabs are out and not passed on. */
  watch(slabs: AsyncIterable<Slab>): AsyncGenerator<Slab>;
  /** Notes that a batch was merged, or that it failed for good. A slab with a batch that failed is left out. */
  settle(slab: Slab, batch: Pick<Batch, "start" | "count">, isMerged: boolean): void;
  /** No more slabs will be requested. */
  stop(): void;
  /**
   * To be called after the last `settle`. Passes on the images of the first slab that is not settled, up to its first image
   * that is missing. Resolves when all slabs before it, and these images, were passed on.
   */
  finished(): Promise<void>;
}

export interface HandoverHooks {
  /** If it throws, `onFault` gets the error, and no slab is passed on after it. */
  readonly onSlab?: OnSlab | undefined;
  onFault(error: unknown): void;
  /** Least number of images of the parts in which a slab is passed on. Default: whole slabs. */
  readonly partImages?: number | undefined;
  /** Called for each slab whose batches are settled, after `onSlab` has ended. Its memory may be used again. */
  onDone?(slab: Slab): void;
}

interface SlabOut {
  readonly slab: Slab;
  /** Merged batches behind a gap: number of images by first image. */
  readonly ahead: Map<number, number>;
  imagesLeft: number;
  isWhole: boolean;
  /** Number of images that are merged, from the first up to the first gap. */
  leading: number;
  /** Number of images that were passed on. */
  handed: number;
}

export function createHandover(
  { onSlab, onFault, onDone, partImages = Number.POSITIVE_INFINITY }: HandoverHooks,
  mostOut: number,
): Handover {
  /** In their order. */
  const out: SlabOut[] = [];
  let handing: Promise<void> = Promise.resolve();
  let unhanded = 0;
  let isFaulty = false;
  let isStopped = false;
  let onChange = () => {};

  async function hand(slab: Slab): Promise<void> {
    try {
      if (!isFaulty) await onSlab?.(slab);
    } catch (error) {
      isFaulty = true;
      onFault(error);
    }
  }

  /** Passes on the images before the first gap that were not passed on yet. */
  function handLeading(one: SlabOut): void {
    const { slab, handed, leading } = one;
    if (leading === handed) return;
    one.handed = leading;
    handing = handing.then(() => hand(partOf(slab, handed, leading)));
  }

  function handOver(): void {
    for (let first = out[0]; first !== undefined; first = out[0]) {
      if (first.imagesLeft > 0) {
        if (first.leading - first.handed >= partImages) handLeading(first);
        return;
      }
      out.shift();
      if (first.isWhole) handLeading(first);
      handing = handing.then(() => {
        unhanded--;
        onDone?.(first.slab);
        onChange();
      });
    }
  }

  return {
    async *watch(slabs) {
      for await (const slab of slabs) {
        out.push({
          slab,
          ahead: new Map(),
          imagesLeft: slab.count,
          isWhole: true,
          leading: 0,
          handed: 0,
        });
        unhanded++;
        yield slab;
        while (unhanded > mostOut && !isStopped) {
          await new Promise<void>((resolve) => {
            onChange = resolve;
          });
        }
      }
    },
    settle(slab, { start, count }, isMerged) {
      const settled = out.find((one) => one.slab === slab);
      if (settled === undefined) return;
      settled.imagesLeft -= count;
      settled.isWhole &&= isMerged;
      if (isMerged) advance(settled, start, count);
      handOver();
    },
    stop() {
      isStopped = true;
      onChange();
    },
    finished() {
      const [first] = out;
      if (first !== undefined) handLeading(first);
      return handing;
    },
  };
}

function advance(settled: SlabOut, start: number, count: number): void {
  const { ahead } = settled;
  if (start !== settled.leading) {
    ahead.set(start, count);
    return;
  }
  settled.leading += count;
  for (let next = ahead.get(settled.leading); next !== undefined; next = ahead.get(settled.leading)) {
    ahead.delete(settled.leading);
    settled.leading += next;
  }
}
