/** Data sets through a view: pictures inverted or transposed, labels shifted, slab by slab. */

import { AS_STORED, type Dataset, type DatasetView, type ImageShape } from "#src/base/contracts/dataset.js";
import type { SlabStream } from "#src/base/slab.js";

/** The set through `view`, on top of the view that it has already. A view that changes nothing returns the set itself. */
export function viewedDataset(dataset: Dataset, requested: DatasetView): Dataset {
  const { facts, groups } = dataset;
  const view = { ...requested, grayscale: requested.grayscale && facts.shape.channels > 1 };
  if (isAsStored(view)) return dataset;
  return {
    facts: {
      ...facts,
      shape: viewedShape(facts.shape, view),
      view: joined(facts.view ?? AS_STORED, view),
    },
    groups,
    sha256: () => dataset.sha256(),
    slabs(range, plan): SlabStream {
      const stream = dataset.slabs(range, plan);
      return {
        async *[Symbol.asyncIterator]() {
          const { changer } = await import("./view-pixels.js");
          const change = changer(facts, view, facts.view?.invert ?? false);
          for await (const slab of stream) yield change(slab);
        },
        release: (slab) => stream.release(slab),
        stop: () => stream.stop(),
      };
    },
  };
}

export function isAsStored({ invert, transpose, grayscale, labelOffset }: DatasetView): boolean {
  return !invert && !transpose && !grayscale && labelOffset === AS_STORED.labelOffset;
}

export function isSameView(a: DatasetView, b: DatasetView): boolean {
  return (
    a.invert === b.invert &&
    a.transpose === b.transpose &&
    a.grayscale === b.grayscale &&
    a.labelOffset === b.labelOffset
  );
}

/** The shape of an image of `shape` after the view. */
export function viewedShape(shape: ImageShape, { transpose, grayscale }: DatasetView): ImageShape {
  const { rows, columns } = shape;
  const channels = grayscale ? 1 : shape.channels;
  return transpose ? { rows: columns, columns: rows, channels } : { rows, columns, channels };
}

function joined(first: DatasetView, second: DatasetView): DatasetView {
  return {
    invert: first.invert !== second.invert,
    transpose: first.transpose !== second.transpose,
    grayscale: first.grayscale || second.grayscale,
    labelOffset: first.labelOffset + second.labelOffset,
  };
}
