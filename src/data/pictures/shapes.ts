/** Counts the separate shapes of a drawing: a picture of two digits is no picture of a digit. */

import { type GreyPicture, inkOf, SURE_INK } from "./to-digit.js";

/** Most cells of one side: what is nearer than a cell belongs together. */
const MOST_CELLS = 256;
/** A shape counts if its height is at least this share of the tallest: the bar of a 5 does not. */
const TALL = 0.5;
/** A shape counts if it has at least this share of the largest one's cells. */
const LARGE = 0.25;

/** Shape of connected cells, with its box; edges are included. */
interface Shape {
  readonly cells: number;
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/** Number of large shapes that lie apart: side by side, or one above the other. At least 1. */
export function countShapes(picture: GreyPicture, path: string): number {
  const shapes = shapesOf(inkedCells(picture, path));
  const heightOf = ({ top, bottom }: Shape) => bottom - top + 1;
  const tallest = Math.max(...shapes.map(heightOf));
  const largest = Math.max(...shapes.map(({ cells }) => cells));
  const large = shapes.filter((shape) => heightOf(shape) >= TALL * tallest && shape.cells >= LARGE * largest);
  // Strokes of one digit may not touch, but their boxes overlap.
  const apart = large.filter((shape, n) => !large.slice(0, n).some((other) => overlap(shape, other)));
  return Math.max(1, apart.length);
}

function overlap(a: Shape, b: Shape): boolean {
  return a.left <= b.right && b.left <= a.right && a.top <= b.bottom && b.top <= a.bottom;
}

interface Cells {
  readonly width: number;
  readonly height: number;
  /** (height × width) u8, row-major: 1 where some pixel of the cell is surely ink. */
  readonly inked: Uint8Array;
}

function inkedCells(picture: GreyPicture, path: string): Cells {
  const ink = inkOf(picture, path);
  const side = Math.ceil(Math.max(picture.width, picture.height) / MOST_CELLS);
  const width = Math.ceil(picture.width / side);
  const height = Math.ceil(picture.height / side);
  const inked = new Uint8Array(width * height);
  for (let row = 0, pixel = 0; row < picture.height; row++) {
    const start = Math.floor(row / side) * width;
    for (let column = 0; column < picture.width; column++, pixel++) {
      if (ink[picture.shades[pixel]!]! >= SURE_INK) inked[start + Math.floor(column / side)] = 1;
    }
  }
  return { width, height, inked };
}

/** Shapes of cells that touch, also at their corners. */
function shapesOf({ width, height, inked }: Cells): Shape[] {
  const left = Uint8Array.from(inked);
  const shapes: Shape[] = [];
  for (let first = left.indexOf(1); first >= 0; first = left.indexOf(1, first + 1)) {
    let shape: Shape = { cells: 0, top: height, bottom: -1, left: width, right: -1 };
    const waiting = [first];
    left[first] = 0;
    for (let cell = waiting.pop(); cell !== undefined; cell = waiting.pop()) {
      const [row, column] = [Math.floor(cell / width), cell % width];
      shape = {
        cells: shape.cells + 1,
        top: Math.min(shape.top, row),
        bottom: Math.max(shape.bottom, row),
        left: Math.min(shape.left, column),
        right: Math.max(shape.right, column),
      };
      for (let r = Math.max(0, row - 1); r <= Math.min(height - 1, row + 1); r++) {
        for (let c = Math.max(0, column - 1); c <= Math.min(width - 1, column + 1); c++) {
          const near = r * width + c;
          if (left[near] !== 1) continue;
          left[near] = 0;
          waiting.push(near);
        }
      }
    }
    shapes.push(shape);
  }
  return shapes;
}
