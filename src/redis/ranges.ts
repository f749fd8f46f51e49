/** How a run's images are cut into jobs: a first range to measure, then ranges of equal size, sized by time. */
import type { ImageRange } from "#src/base/contracts/dataset.js";

/** Long against what a job costs on its way (some milliseconds), short against a lock of seconds. */
const AIM_SECONDS = 1;
const LEAST_SECONDS = 0.2;
/** Each host has some jobs, so that all end together. */
const JOBS_A_HOST = 4;
/** Of the answers of one job, where each image's are asked for. */
const PACKED_BYTES = 4 * 2 ** 20;
/** As many images as the first measures, at least. */
const PROBE_IMAGES = 1000;

/** Follows from the run and two numbers, which its record keeps: whoever coordinates cuts the same ranges. */
export interface RangePlan {
  readonly whole: ImageRange;
  readonly probeImages: number;
  readonly jobImages: number;
}

export function probeImagesFor(batchSize: number): number {
  return Math.ceil(PROBE_IMAGES / batchSize) * batchSize;
}

export interface Measured {
  readonly imagesPerSecond: number;
  readonly hosts: number;
  readonly leftImages: number;
}

/** A multiple of the batch size. `imageBytes` of an image's answers; 0 where only counts are asked for. */
export function jobImagesFor(
  { imagesPerSecond, hosts, leftImages }: Measured,
  batchSize: number,
  imageBytes: number,
): number {
  const fair = leftImages / (Math.max(1, hosts) * JOBS_A_HOST);
  const timed = Math.max(imagesPerSecond * LEAST_SECONDS, Math.min(imagesPerSecond * AIM_SECONDS, fair));
  return wholeBatches(timed, batchSize, imageBytes);
}

export function wholeBatches(images: number, batchSize: number, imageBytes: number): number {
  const most = imageBytes === 0 ? Number.POSITIVE_INFINITY : PACKED_BYTES / imageBytes;
  return Math.max(1, Math.round(Math.min(images, most) / batchSize)) * batchSize;
}

export function probeOf({ offset, limit }: ImageRange, probeImages: number): ImageRange {
  return { offset, limit: Math.min(limit, probeImages) };
}

export function* rangesOf({ whole, probeImages, jobImages }: RangePlan): Generator<ImageRange> {
  const end = whole.offset + whole.limit;
  const probe = probeOf(whole, probeImages);
  if (probe.limit > 0) yield probe;
  for (let offset = probe.offset + probe.limit; offset < end; offset += jobImages) {
    yield { offset, limit: Math.min(jobImages, end - offset) };
  }
}
