/** One image of the data, drawn pixel for pixel; the style sheet enlarges it without smoothing. */
import type { Album, Placed } from "./album.js";
import { element } from "./dom.js";

export function picture<Image extends Placed>(album: Album<Image>, image: Image): HTMLCanvasElement {
  const { rows, columns } = album.shape;
  const description = album.describe(image);
  const canvas = element("canvas", {
    width: columns,
    height: rows,
    role: "img",
    "aria-label": description,
    title: description,
  });
  const context = canvas.getContext("2d");
  if (context === null) return canvas;
  const painted = context.createImageData(columns, rows);
  for (const [n, grey] of album.pixelsOf(image.position).entries()) {
    painted.data.set([grey, grey, grey, 255], 4 * n);
  }
  context.putImageData(painted, 0, 0);
  return canvas;
}
