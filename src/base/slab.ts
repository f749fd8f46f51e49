/** A slab: a run of consecutive images in shared memory, with their labels and the answers to them. */
import { grouped } from "#src/base/errors/define.js";
import { UsageError } from "./errors.js";
import { isErrorNamed } from "./realm.js";

/** Zeroed memory that all threads see, for `images` images at once. @throws UsageError ERR_MEMORY */
export function allocateShared(bytes: number, images: number): SharedArrayBuffer {
  // Only a slab of a single batch can be too large for memory.
  return allocate(bytes, `${grouped(images)} images at once`, "--batch-size", () => {
    const buffer = new SharedArrayBuffer(bytes);
    // A buffer can be longer than any view of it; such a view throws.
    new Uint8Array(buffer);
    return buffer;
  });
}

/** `entriesEach` zeroed entries for each image of a run. @throws UsageError ERR_MEMORY */
export function allocateEntries<T extends Uint8Array | Uint16Array | Uint32Array | Float64Array>(
  Entries: { new (length: number): T; readonly BYTES_PER_ELEMENT: number },
  images: number,
  entriesEach = 1,
): T {
  const length = images * entriesEach;
  const bytes = length * Entries.BYTES_PER_ELEMENT;
  return allocate(bytes, `answers to ${grouped(images)} images`, "--limit", () => new Entries(length));
}

function allocate<T>(bytes: number, what: string, option: string, create: () => T): T {
  try {
    return create();
  } catch (cause) {
    if (isErrorNamed("RangeError", cause))
      throw new UsageError("ERR_MEMORY", { what, bytes, option }, { cause });
    throw cause;
  }
}

/** A copy of the bytes that all threads see. */
export function shareBytes(bytes: Uint8Array): Uint8Array {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  return shared;
}

/** Marks an image without a prediction: no network has this class. */
export const NOT_PREDICTED = 0xffff;

/** Numbers that determine where a slab's parts are in its buffer, so that a worker can view them too. */
export interface SlabLayout {
  /** Index, within the data set, of the slab's first image. */
  readonly firstImage: number;
  /** Number of images. */
  readonly count: number;
  /** Pixels per image. */
  readonly inputs: number;
  /** Memory for the answers, if it is not behind the labels. */
  readonly answers?: AnswerBuffer | undefined;
}

/** Memory for answers beside a slab, whose own memory holds only the predictions of one network. */
export interface AnswerBuffer {
  /** Probabilities, (count × classes) f64, then predictions, (count) u16, and the ranking, (count × classes) u16. */
  readonly buffer: SharedArrayBuffer;
  /** Classes whose probabilities are written for each image; 0 for none. */
  readonly classes: number;
}

/** Views of one SharedArrayBuffer, or of two if the answers have their own buffer. */
export interface Slab extends SlabLayout {
  /** Pixels, then labels, then, at the next even byte, predictions, which are used only without `answers`. */
  readonly buffer: SharedArrayBuffer;
  /** (count × inputs) u8, row-major. Read-only for workers. */
  readonly pixels: Uint8Array;
  /** (count) u8; 0 if the images have no labels. */
  readonly labels: Uint8Array;
  /** (count) u16, the class predicted for each image; written by workers, each in its own batch's range. */
  readonly predictions: Uint16Array;
  /** (count × classes) f64, row-major, written as the predictions are; undefined if not requested. */
  readonly probabilities: Float64Array | undefined;
  /**
   * (count × classes) u16, row-major: each image's classes, from the largest logit to the smallest; of equal logits, the
   * lower class first. Probabilities can be equal although logits differ. Undefined if `probabilities` is.
   */
  readonly ranking: Uint16Array | undefined;
  /** Index, among the networks of an executor, of the one that answers. */
  readonly source: number;
}

/** A new slab, zeroed. @throws UsageError ERR_MEMORY */
export function allocateSlab(layout: SlabLayout): Slab {
  return viewSlab(allocateShared(slabBytes(layout), layout.count), layout);
}

/** count × (inputs + 3), and at most one byte of padding. */
export function slabBytes(layout: Pick<SlabLayout, "count" | "inputs">): number {
  return predictionsAt(layout) + layout.count * Uint16Array.BYTES_PER_ELEMENT;
}

/** Views of a slab that exists; nothing is copied. */
export function viewSlab(buffer: SharedArrayBuffer, layout: SlabLayout, source = 0): Slab {
  const { firstImage, count, inputs, answers } = layout;
  return {
    firstImage,
    count,
    inputs,
    answers,
    source,
    buffer,
    pixels: new Uint8Array(buffer, 0, count * inputs),
    labels: new Uint8Array(buffer, count * inputs, count),
    ...(answers === undefined
      ? {
          predictions: new Uint16Array(buffer, predictionsAt({ count, inputs }), count),
          probabilities: undefined,
          ranking: undefined,
        }
      : viewAnswers(answers, count)),
  };
}

/** The same images for another network of the executor to answer, in a buffer of its own. */
export function slabWithAnswers({ buffer, ...slab }: Slab, answers: AnswerBuffer, source = 0): Slab {
  return viewSlab(buffer, { ...slab, answers }, source);
}

/** Images `start` to `end` (exclusive) of a slab, for readers; the buffers are still those of the whole slab. */
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

/** A new answer buffer, zeroed. @throws UsageError ERR_MEMORY */
export function allocateAnswers(count: number, classes: number): AnswerBuffer {
  return { buffer: allocateShared(answerBytes(count, classes), count), classes };
}

/** count × (10 × classes + 2). */
export function answerBytes(count: number, classes: number): number {
  const classBytes = Float64Array.BYTES_PER_ELEMENT + Uint16Array.BYTES_PER_ELEMENT;
  return count * (classes * classBytes + Uint16Array.BYTES_PER_ELEMENT);
}

/** Pixels, then labels, then predictions at the next even byte. */
function predictionsAt({ count, inputs }: Pick<SlabLayout, "count" | "inputs">): number {
  const end = count * inputs + count;
  return end + (end % Uint16Array.BYTES_PER_ELEMENT);
}

/** Probabilities first, since they must lie at a multiple of eight bytes; then predictions and ranking. */
function viewAnswers(
  { buffer, classes }: AnswerBuffer,
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

/** Slabs in memory that is used again. The reader waits while no memory is free. */
export interface SlabStream extends AsyncIterable<Slab> {
  /** Declares that the slab's memory is no longer read or written: the stream may fill it again. */
  release(slab: Pick<Slab, "buffer">): void;
  /** Ends the reading. Slabs that are filled already may still be taken. */
  stop(): void;
}

/** A stream over slabs that stay in memory: releasing them changes nothing. */
export function streamOf(slabs: Iterable<Slab> | AsyncIterable<Slab>): SlabStream {
  return {
    async *[Symbol.asyncIterator]() {
      yield* slabs;
    },
    release() {},
    stop() {},
  };
}

/** The same stream with `change` applied to each slab before it is handed out. */
export function mapSlabs(stream: SlabStream, change: (slab: Slab) => Slab): SlabStream {
  return {
    async *[Symbol.asyncIterator]() {
      for await (const slab of stream) yield change(slab);
    },
    release: (slab) => stream.release(slab),
    stop: () => stream.stop(),
  };
}

/** One stream per range, one after the other: the next is opened when the last is used up. */
export function chainSlabs<Range>(ranges: readonly Range[], open: (range: Range) => SlabStream): SlabStream {
  const streams = new WeakMap<SharedArrayBuffer, SlabStream>();
  let current: SlabStream | undefined;
  let isStopped = false;
  return {
    async *[Symbol.asyncIterator]() {
      for (const range of ranges) {
        if (isStopped) return;
        current = open(range);
        for await (const slab of current) {
          streams.set(slab.buffer, current);
          yield slab;
        }
      }
    },
    release: (slab) => streams.get(slab.buffer)?.release(slab),
    stop() {
      isStopped = true;
      current?.stop();
    },
  };
}

/** The slabs in order; each is released when the next one is requested. */
export async function* inTurn(stream: SlabStream): AsyncGenerator<Slab> {
  for await (const slab of stream) {
    yield slab;
    stream.release(slab);
  }
}

/** A network that answers, in a buffer of its own beside the slab. */
export interface Answerer {
  /** Index of the network in its executor. */
  readonly source: number;
  /** Classes whose probabilities are requested; 0 if only predictions are. */
  readonly classes: number;
}

/**
 * Yields each slab once per answerer, in their order. Reused memory keeps its answer buffers. It is released after all
 * answerers have released it.
 */
export function withAnswerBuffers(stream: SlabStream, answerers: readonly Answerer[]): SlabStream {
  const buffers = answerers.map(() => new WeakMap<SharedArrayBuffer, AnswerBuffer>());
  const held = new WeakMap<SharedArrayBuffer, number>();
  return {
    async *[Symbol.asyncIterator]() {
      for await (const slab of stream) {
        held.set(slab.buffer, answerers.length);
        for (const [n, { source, classes }] of answerers.entries()) {
          let answers = buffers[n]?.get(slab.buffer);
          if (answers === undefined || answers.buffer.byteLength < answerBytes(slab.count, classes)) {
            answers = allocateAnswers(slab.count, classes);
            buffers[n]?.set(slab.buffer, answers);
          }
          yield slabWithAnswers(slab, answers, source);
        }
      }
    },
    release(slab) {
      const holders = (held.get(slab.buffer) ?? 1) - 1;
      held.set(slab.buffer, holders);
      if (holders === 0) stream.release(slab);
    },
    stop: () => stream.stop(),
  };
}
