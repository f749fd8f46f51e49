/** Brings the pictures of a set to one size and one number of channels; what the first pictures do not show is never done in silence. */

import type { Assumption } from "#src/base/assumptions.js";
import { type ImageShape, imageBytes, type PictureFit } from "#src/base/contracts/dataset.js";
import { DatasetError, UsageError } from "#src/base/errors.js";
import { isPromise } from "#src/base/realm.js";
import { lumaOf } from "#src/data/view-pixels.js";
import { COLOURS, decodePicture, type Picture, type PictureFacts, pictureFacts } from "./decode.js";
import { isJpeg } from "./jpeg.js";
import { greyOfPng } from "./read-png.js";
import { type Resizing, resizeInto } from "./resize.js";
import { DIGIT_SIDE, type GreyPicture, toDigit } from "./to-digit.js";

/** What options state about pictures. */
export interface PictureOptions {
  readonly imageShape?: string | undefined;
  readonly fit?: PictureFit | undefined;
  readonly grayscale?: boolean | undefined;
}

/** One of the first pictures. */
export interface Probe extends PictureFacts {
  readonly path: string;
  readonly isClear: boolean;
}

const GREY_AS_COLOURS = "grey pictures as colours, as the loaders of PyTorch and Keras read them";

/** Pictures whose alpha is looked at before the run; of larger ones it counts that they have it. */
const PROBED_PIXELS = 2 ** 20;

/** Facts of one of the first pictures. */
export async function probed(bytes: Uint8Array, path: string): Promise<Probe> {
  const facts = pictureFacts(bytes, path);
  const isSmall = facts.width * facts.height <= PROBED_PIXELS;
  const isClear = facts.hasAlpha && (!isSmall || (await decodePicture(bytes, path)).isClear);
  return { ...facts, path, isClear };
}

/** How every picture of a set is framed. */
export interface Frame {
  readonly shape: ImageShape;
  /** Undefined where every picture has the size. */
  readonly fit: PictureFit | undefined;
  /** Whether colours become grey in a set of grey pictures. */
  readonly grayscale: boolean;
  /** Whether the alpha of pictures is dropped. */
  readonly dropsAlpha: boolean;
  readonly assumptions: readonly Assumption[];
}

/** @throws DatasetError ERR_DATASET_SHAPE; UsageError ERR_OPTION_VALUE, ERR_USAGE */
export function frameOf(probes: readonly Probe[], source: string, options: PictureOptions): Frame {
  const { fit, grayscale = false } = options;
  const assumed = (what: string, option: string | null): Assumption => ({
    subject: "pictures",
    what,
    source,
    option,
  });
  if (fit === "mnist") {
    const shape = { rows: DIGIT_SIDE, columns: DIGIT_SIDE, channels: 1 };
    if (options.imageShape !== undefined && options.imageShape !== `${DIGIT_SIDE}x${DIGIT_SIDE}`) {
      throw new UsageError("ERR_USAGE", {
        problem: `--fit mnist makes images of 28x28; leave out --image-shape ${options.imageShape}`,
      });
    }
    return { shape, fit, grayscale, dropsAlpha: false, assumptions: [] };
  }
  const isColoured = (probe: Probe) => probe.channels === COLOURS;
  const channels = probes.some(isColoured) ? COLOURS : 1;
  const { rows, columns } =
    options.imageShape === undefined ? commonSides(probes) : statedSides(options.imageShape, channels);
  const isMixed = channels === COLOURS && !probes.every(isColoured);
  const isResized = probes.some(({ width, height }) => height !== rows || width !== columns);
  const isClear = probes.some((probe) => probe.isClear);
  return {
    shape: { rows, columns, channels },
    fit: fit ?? (isResized ? "pillow" : undefined),
    grayscale,
    dropsAlpha: isClear,
    assumptions: [
      ...(isMixed && !grayscale ? [assumed(GREY_AS_COLOURS, "--grayscale")] : []),
      ...(isResized && fit === undefined
        ? [assumed("resized by Pillow's antialiased bilinear, as torchvision's Resize does", "--fit")]
        : []),
      ...(isClear ? [assumed("alpha dropped, as Pillow's convert does", null)] : []),
    ],
  };
}

function commonSides(probes: readonly Probe[]): { readonly rows: number; readonly columns: number } {
  const [first] = probes;
  if (first === undefined) throw new RangeError("a set without pictures");
  const other = probes.find(({ width, height }) => width !== first.width || height !== first.height);
  if (other !== undefined) throw otherSize(other, first, first.path);
  return { rows: first.height, columns: first.width };
}

const SIDES = /^([1-9]\d{0,4})x([1-9]\d{0,4})(?:x([13]))?$/;

function statedSides(text: string, channels: number): { readonly rows: number; readonly columns: number } {
  const [, rows, columns, stated = `${channels}`] = SIDES.exec(text) ?? [];
  if (rows !== undefined && columns !== undefined && Number(stated) === channels) {
    return { rows: Number(rows), columns: Number(columns) };
  }
  const expected = `rows x columns of pictures of ${channels === 1 ? "one channel, such as 28x28" : "three channels, such as 32x32"}`;
  throw new UsageError("ERR_OPTION_VALUE", { option: "--image-shape", expected, found: text });
}

interface Sides {
  readonly width: number;
  readonly height: number;
}

function otherSize(
  { path, width, height }: Sides & { readonly path: string },
  first: Sides,
  as: string,
): DatasetError {
  return new DatasetError("ERR_DATASET_SHAPE", {
    path,
    expected: { rows: first.height, columns: first.width },
    as,
    found: { rows: height, columns: width },
    next: "set --image-shape ROWSxCOLUMNS to resize all to the network's size, or --fit mnist to centre digits",
  });
}

/**
 * out (rows × columns × channels) u8 from `at` on = the picture of `bytes`. Returns a promise only for what takes long.
 *
 * @throws PictureError ERR_PICTURE_FORMAT, ERR_PICTURE_SIZE, ERR_PICTURE_BLANK; DatasetError ERR_DATASET_SHAPE, ERR_DATASET_FORMAT
 */
export function frameInto(
  frame: Frame,
  bytes: Uint8Array,
  path: string,
  out: Uint8Array,
  at: number,
): void | Promise<void> {
  if (frame.fit === "mnist") return centreInto(bytes, path, out, at);
  const picture = decodePicture(bytes, path);
  if (isPromise(picture)) return picture.then((decoded) => fitInto(frame, decoded, path, out, at));
  fitInto(frame, picture, path, out, at);
}

/** A picture as the images that a network reads. */
export interface FramedPicture {
  /** (rows × columns × channels) u8, row-major. */
  readonly image: Uint8Array;
  /** Separate shapes of a drawing that was centred; null for a picture that was not. */
  readonly shapes: number | null;
  readonly assumptions: readonly Assumption[];
}

/**
 * Brings one picture to a shape. Without `fit`, a drawing becomes an image like MNIST's if these are its shape, and other pictures
 * are resized.
 *
 * @throws PictureError ERR_PICTURE_FORMAT, ERR_PICTURE_SIZE, ERR_PICTURE_BLANK; UsageError ERR_USAGE
 */
export async function framedPicture(
  bytes: Uint8Array,
  path: string,
  shape: ImageShape,
  fit: PictureFit | undefined,
): Promise<FramedPicture> {
  const { rows, columns, channels } = shape;
  const isDigit = rows === DIGIT_SIDE && columns === DIGIT_SIDE && channels === 1;
  if (fit === "mnist" && !isDigit) {
    const sizes = `${rows}x${columns}${channels === 1 ? "" : `x${channels}`}`;
    const problem = `--fit mnist makes grey images of 28x28, and the network reads ${sizes}; set --fit pillow or keras`;
    throw new UsageError("ERR_USAGE", { problem });
  }
  if (fit === "mnist" || (fit === undefined && isDigit)) {
    const picture = await greyPicture(bytes, path);
    const { countShapes } = await import("./shapes.js");
    return { image: toDigit(picture, path), shapes: countShapes(picture, path), assumptions: [] };
  }
  const probe = await probed(bytes, path);
  const isGrey = channels === 1;
  const frame = frameOf([probe], path, { imageShape: `${rows}x${columns}`, fit, grayscale: isGrey });
  const image = new Uint8Array(imageBytes(shape));
  await frameInto({ ...frame, shape }, bytes, path, image, 0);
  const assumptions =
    isGrey || probe.channels === COLOURS
      ? frame.assumptions
      : [
          ...frame.assumptions,
          { subject: "pictures", what: GREY_AS_COLOURS, source: path, option: null } as const,
        ];
  return { image, shapes: null, assumptions };
}

async function centreInto(bytes: Uint8Array, path: string, out: Uint8Array, at: number): Promise<void> {
  out.set(toDigit(await greyPicture(bytes, path), path), at);
}

/** Shades of grey of a PNG or a JPEG. @throws PictureError ERR_PICTURE_FORMAT, ERR_PICTURE_SIZE */
async function greyPicture(bytes: Uint8Array, path: string): Promise<GreyPicture> {
  return isJpeg(bytes) ? shadesOf(await decodePicture(bytes, path)) : greyOfPng(bytes, path);
}

function shadesOf(picture: Picture): GreyPicture {
  return { width: picture.width, height: picture.height, shades: inChannels(picture, 1).pixels };
}

function fitInto(frame: Frame, decoded: Picture, path: string, out: Uint8Array, at: number): void {
  const { shape, fit, grayscale, dropsAlpha } = frame;
  const { rows, columns, channels } = shape;
  if (decoded.isClear && !dropsAlpha) {
    throw new DatasetError("ERR_DATASET_FORMAT", {
      path,
      expected: "an opaque picture, as the first ones are",
      found: "transparent pixels",
      next: "save it without alpha: Pillow's convert('RGB')",
    });
  }
  if (decoded.channels > channels && !grayscale) {
    throw new DatasetError("ERR_DATASET_FORMAT", {
      path,
      expected: "a grey picture, as the first ones are",
      found: "a coloured one",
      next: "set --grayscale",
    });
  }
  const picture = inChannels(decoded, channels);
  if (picture.width === columns && picture.height === rows) out.set(picture.pixels, at);
  else if (fit === "pillow" || fit === "keras")
    resizeInto(picture, fit satisfies Resizing, rows, columns, out, at);
  else throw otherSize({ ...picture, path }, { width: columns, height: rows }, "the first pictures");
}

/** The picture as grey or as colours. */
function inChannels(picture: Picture, channels: number): Picture {
  if (picture.channels === channels) return picture;
  const { width, height } = picture;
  const pixels = new Uint8Array(width * height * channels);
  if (channels === 1) {
    for (let n = 0, at = 0; n < pixels.length; n++, at += COLOURS) {
      pixels[n] = lumaOf(picture.pixels[at]!, picture.pixels[at + 1]!, picture.pixels[at + 2]!);
    }
  } else {
    for (let n = 0; n < pixels.length; n++) pixels[n] = picture.pixels[Math.floor(n / COLOURS)]!;
  }
  return { ...picture, channels, pixels };
}
