/** Hands slabs on in order, each once all of its batches are merged, and holds new slabs back meanwhile. */
import type { Batch } from "#src/base/contracts/executor.js";
import { partOf, type Slab } from "#src/base/slab.js";

/** Takes a slab whose images are answered; its memory may be used again once this has ended. */
export type OnSlab = (slab: Slab) => void | Promise<void>;

export interface Handover {
  /** The same slabs; the next is asked for only when no more than `mostOut` are out and not yet handed on. */
  watch(slabs: AsyncIterable<Slab>): AsyncGenerator<Slab>;
  /** Notes that a batch has its answer, or never will. A slab with a batch that never will is left out. */
  settle(slab: Slab, batch: Pick<Batch, "start" | "count">, isMerged: boolean): void;
  /** No more slabs will be requested. */
  stop(): void;
  /**
   * Nothing is settled any more: resolves when all slabs that are whole were handed on, up to the first that is not
   * settled, and of that one the images before the first that is missing.
   */
  finished(): Promise<void>;
}

export interface HandoverHooks {
  /** What it throws is told to `onFault`, and no slab is handed on after it. */
  readonly onSlab?: OnSlab | undefined;
  onFault(error: unknown): void;
  /** Hand on parts of a slab, of at least so many images, as soon as all before them are merged. Default: whole slabs. */
  readonly partImages?: number | undefined;
  /** Called for each slab without batches under way, once `onSlab` has ended: its memory may be used again. */
  onDone?(slab: Slab): void;
}

interface SlabOut {
  readonly slab: Slab;
  /** Merged batches that do not follow the leading ones yet: images of each, by its start. */
  readonly ahead: Map<number, number>;
  imagesLeft: number;
  isWhole: boolean;
  /** Images from the first that are merged without a gap. */
  leading: number;
  /** Images from the first that were handed on. */
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

  /** What is merged from the first image on, and was not handed on yet. */
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
