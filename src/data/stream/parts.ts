/** Parts of a data set, each read from one place: what every reader of a format makes. */

import type { Elements } from "./elements.js";

/** A run of a set's images that is read from one place: a pair of files, an archive, memory. */
export interface Part {
  /** Number of images. */
  readonly count: number;
  /** Opens images and labels from image `first` of the part on. */
  open(first: number): Promise<OpenPart>;
}

/** A part that is being read. */
export interface OpenPart {
  /** Pixels, (images × inputs) u8. */
  readonly images: Elements;
  /** Labels, (images) u8; undefined where the images have none. */
  readonly labels: Elements | undefined;
  /** To be called after the last image. Verifies checksums and lengths. */
  finish(): Promise<void>;
}

/** A file whose records hold an image and its label. */
export interface Records {
  /** Fills `into` with the next images, and returns their labels. */
  read(into: Uint8Array): Promise<Uint8Array>;
  /** Throws if the file is not the one that was opened. */
  check(): void;
  close(): Promise<void>;
}

/** A part of one file of records: a read of images keeps the labels for the read of labels that goes with it. */
export function partOfRecords({ read, check, close }: Records, labelled: boolean): OpenPart {
  let reading: Promise<Uint8Array> = Promise.resolve(new Uint8Array());
  const images: Elements = {
    async read(into) {
      reading = read(into);
      await reading;
    },
    async finish() {},
    check,
    close,
  };
  const labels: Elements = {
    async read(into) {
      into.set(await reading);
    },
    async finish() {},
    async close() {},
  };
  return { images, labels: labelled ? labels : undefined, async finish() {} };
}
