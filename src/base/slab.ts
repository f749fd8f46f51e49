/** A slab: a run of consecutive images in shared memory, with their labels and room for the answers. */

import { takeShared } from "./allocate.js";

/** Where things lie in a slab's buffer follows from these numbers alone, so that a worker can view it too. */
export interface SlabLayout {
  /** Index, within the data set, of the slab's first image. */
  readonly firstImage: number;
  /** How many images it has. */
  readonly count: number;
  /** Pixels of an image. */
  readonly inputs: number;
  /** Where the answers are written, where it is not behind the labels. */
  readonly room?: AnswerRoom | undefined;
}

/** Room for answers beside a slab, whose own memory has room for the predictions of one network and nothing else. */
export interface AnswerRoom {
  /** Probabilities, (count × classes) f64, then predictions, (count) u16, and the ranking, (count × classes) u16. */
  readonly buffer: SharedArrayBuffer;
  /** Of so many classes each image's probabilities are written; of 0, none. */
  readonly classes: number;
}

/** Views of one SharedArrayBuffer, or of two where the answers have room of their own. */
export interface Slab extends SlabLayout {
  /** Pixels, then labels, then, at the next even byte, predictions, which are of use only where there is no `room`. */
  readonly buffer: SharedArrayBuffer;
  /** (count × inputs) u8, row-major. Read-only for workers. */
  readonly pixels: Uint8Array;
  /** (count) u8; 0 where the images have none. */
  readonly labels: Uint8Array;
  /** (count) u16, the class predicted for each image; written by workers, each in its own batch's range. */
  readonly predictions: Uint16Array;
  /** (count × classes) f64, row-major, written as the predictions are; undefined where nobody asked for them. */
  readonly probabilities: Float64Array | undefined;
  /**
   * (count × classes) u16, row-major: each image's classes, from the largest logit to the smallest; of equals, the lower
   * first. Probabilities can be equal where logits are not. Undefined where `probabilities` is.
   */
  readonly ranking: Uint16Array | undefined;
  /** Index, among the networks of an executor, of the one that answers. */
  readonly source: number;
}

/** A new slab, zeroed. @throws UsageError ERR_MEMORY */
export function allocateSlab(layout: SlabLayout): Slab {
  return viewSlab(takeShared(slabBytes(layout), layout.count), layout);
}

/** count × (inputs + 3), and at most one of padding. */
export function slabBytes(layout: Pick<SlabLayout, "count" | "inputs">): number {
  return predictionsAt(layout) + layout.count * Uint16Array.BYTES_PER_ELEMENT;
}

/** Views of a slab that exists; nothing is copied. */
export function viewSlab(buffer: SharedArrayBuffer, layout: SlabLayout, source = 0): Slab {
  const { firstImage, count, inputs, room } = layout;
  return {
    firstImage,
    count,
    inputs,
    room,
    source,
    buffer,
    pixels: new Uint8Array(buffer, 0, count * inputs),
    labels: new Uint8Array(buffer, count * inputs, count),
    ...(room === undefined
      ? {
          predictions: new Uint16Array(buffer, predictionsAt({ count, inputs }), count),
          probabilities: undefined,
          ranking: undefined,
        }
      : viewRoom(room, count)),
  };
}

/** The same images for another network of the executor's to answer, in a room of their own. */
export function slabWithRoom({ buffer, ...slab }: Slab, room: AnswerRoom, source = 0): Slab {
  return viewSlab(buffer, { ...slab, room }, source);
}

/** Images `start` to `end` (exclusive) of a slab, for whoever reads them; the buffers are still the whole slab's. */
export function partOf(slab: Slab, start: number, end: number): Slab {
  if (start === 0 && end === slab.count) return slab;
  const { pixels, labels, predictions, probabilities, ranking, inputs, count } = slab;
  const classes = probabilities === undefined ? 0 : probabilities.length / count;
  return {
    ...slab,
    firstImage: slab.firstImage + start,
    count: end - start,
    pixels: pixels.subarray(start * inputs, end * inputs),
    labels: labels.subarray(start, end),
    predictions: predictions.subarray(start, end),
    probabilities: probabilities?.subarray(start * classes, end * classes),
    ranking: ranking?.subarray(start * classes, end * classes),
  };
}

/** @throws UsageError ERR_MEMORY */
export function allocateRoom(count: number, classes: number): AnswerRoom {
  return { buffer: takeShared(roomBytes(count, classes), count), classes };
}

/** count × (10 × classes + 2). */
export function roomBytes(count: number, classes: number): number {
  const classBytes = Float64Array.BYTES_PER_ELEMENT + Uint16Array.BYTES_PER_ELEMENT;
  return count * (classes * classBytes + Uint16Array.BYTES_PER_ELEMENT);
}

/** Pixels, then labels, then predictions at the next even byte. */
function predictionsAt({ count, inputs }: Pick<SlabLayout, "count" | "inputs">): number {
  const end = count * inputs + count;
  return end + (end % Uint16Array.BYTES_PER_ELEMENT);
}

/** Probabilities, which want to lie at a multiple of eight, then predictions and ranking. */
function viewRoom(
  { buffer, classes }: AnswerRoom,
  count: number,
): Pick<Slab, "predictions" | "probabilities" | "ranking"> {
  const length = count * classes;
  const predictionsStart = length * Float64Array.BYTES_PER_ELEMENT;
  const rankingStart = predictionsStart + count * Uint16Array.BYTES_PER_ELEMENT;
  return {
    predictions: new Uint16Array(buffer, predictionsStart, count),
    ranking: classes === 0 ? undefined : new Uint16Array(buffer, rankingStart, length),
    probabilities: classes === 0 ? undefined : new Float64Array(buffer, 0, length),
  };
}

/** Slabs in memory that is used again: see `Dataset.ring`. */
export interface SlabRing {
  /** In their order, to be asked for once. Whoever leaves early calls `return`, and what the slabs are filled from is closed. */
  readonly slabs: AsyncIterable<Slab>;
  /** Nobody reads or writes the slab's memory any more: it may be filled again. */
  release(slab: Pick<Slab, "buffer">): void;
  /** Nothing more is filled; what was filled already may still be asked for. */
  stop(): void;
}

// Gives slabs the rooms for answers that their own memory does not have.

export interface Answerer {
  /** Index of the network in its executor. */
  readonly source: number;
  /** Of so many classes probabilities are asked for; of 0, predictions alone. */
  readonly classes: number;
}

/** Each slab once for each who answers, in their order. A slab whose memory comes again has the same rooms again. */
export async function* withRooms(
  slabs: AsyncIterable<Slab>,
  answerers: readonly Answerer[],
): AsyncGenerator<Slab> {
  const rooms = answerers.map(() => new WeakMap<SharedArrayBuffer, AnswerRoom>());
  for await (const slab of slabs) {
    for (const [n, { source, classes }] of answerers.entries()) {
      let room = rooms[n].get(slab.buffer);
      if (room === undefined || room.buffer.byteLength < roomBytes(slab.count, classes)) {
        room = allocateRoom(slab.count, classes);
        rooms[n].set(slab.buffer, room);
      }
      yield slabWithRoom(slab, room, source);
    }
  }
}
