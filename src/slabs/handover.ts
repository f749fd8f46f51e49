/** Hands slabs on in their order, each once all of its batches are merged, and holds new ones back meanwhile. */
import type { Slab } from "./slab.js";

export type OnSlab = (slab: Slab) => void | Promise<void>;

export interface Handover {
  /** The same slabs; the next is asked for only when no more than `mostOut` are out and not yet handed on. */
  watch(slabs: AsyncIterable<Slab>): AsyncGenerator<Slab>;
  /** So many images of a slab have their answers, or never will: a slab of which some never will is left out. */
  settle(slab: Slab, images: number, isMerged: boolean): void;
  /** Nobody asks for more slabs. */
  stop(): void;
  /** Resolves when all slabs that are whole, up to the first that is not settled, were handed on. */
  finished(): Promise<void>;
}

interface SlabOut {
  readonly slab: Slab;
  imagesLeft: number;
  isWhole: boolean;
}

/** What `onSlab` throws is told to `onFault`, and no slab is handed on after it. */
export function createHandover(onSlab: OnSlab, mostOut: number, onFault: (error: unknown) => void): Handover {
  /** In their order. */
  const out: SlabOut[] = [];
  let handing: Promise<void> = Promise.resolve();
  let unhanded = 0;
  let isFaulty = false;
  let isStopped = false;
  let onChange = () => {};

  async function hand({ slab, isWhole }: SlabOut): Promise<void> {
    try {
      if (isWhole && !isFaulty) await onSlab(slab);
    } catch (error) {
      isFaulty = true;
      onFault(error);
    }
    unhanded--;
    onChange();
  }

  return {
    async *watch(slabs) {
      for await (const slab of slabs) {
        out.push({ slab, imagesLeft: slab.count, isWhole: true });
        unhanded++;
        yield slab;
        while (unhanded > mostOut && !isStopped) {
          await new Promise<void>((resolve) => {
            onChange = resolve;
          });
        }
      }
    },
    settle(slab, images, isMerged) {
      const settled = out.find((one) => one.slab === slab);
      if (settled === undefined) return;
      settled.imagesLeft -= images;
      settled.isWhole &&= isMerged;
      for (let first = out[0]; first?.imagesLeft === 0; first = out[0]) {
        const next = first;
        out.shift();
        handing = handing.then(() => hand(next));
      }
    },
    stop() {
      isStopped = true;
      onChange();
    },
    finished: () => handing,
  };
}
