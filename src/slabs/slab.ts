/** A slab: a run of consecutive images in shared memory, with their labels and room for the answers. */

/** Where things lie in a slab's buffer follows from these numbers alone, so that a worker can view it too. */
export interface SlabLayout {
  /** Index, within the data set, of the slab's first image. */
  readonly firstImage: number;
  readonly count: number;
  /** Pixels of an image. */
  readonly inputs: number;
}

export interface Slab extends SlabLayout {
  readonly buffer: SharedArrayBuffer;
  /** (count × inputs) u8, row-major. Read-only for workers. */
  readonly pixels: Uint8Array;
  /** (count) u8. */
  readonly labels: Uint8Array;
  /** (count) u16, the class predicted for each image; written by workers, each in its own batch's range. */
  readonly predictions: Uint16Array;
}

/** A new slab, zeroed. Bytes: count × (inputs + 3), and at most one of padding. */
export function allocateSlab(layout: SlabLayout): Slab {
  return viewSlab(
    new SharedArrayBuffer(predictionsAt(layout) + layout.count * Uint16Array.BYTES_PER_ELEMENT),
    layout,
  );
}

/** Views of a slab that exists; nothing is copied. */
export function viewSlab(buffer: SharedArrayBuffer, { firstImage, count, inputs }: SlabLayout): Slab {
  return {
    firstImage,
    count,
    inputs,
    buffer,
    pixels: new Uint8Array(buffer, 0, count * inputs),
    labels: new Uint8Array(buffer, count * inputs, count),
    predictions: new Uint16Array(buffer, predictionsAt({ count, inputs }), count),
  };
}

/** Pixels, then labels, then predictions at the next even byte. */
function predictionsAt({ count, inputs }: Pick<SlabLayout, "count" | "inputs">): number {
  const end = count * inputs + count;
  return end + (end % Uint16Array.BYTES_PER_ELEMENT);
}
