/** One image of the data, drawn pixel for pixel; the style sheet enlarges it without smoothing. */
import { element } from "./dom.js";
import { confidenceOf, type PlacedImage, type Report } from "./report.js";
import { confidence, count } from "./words.js";

export function picture(report: Report, image: PlacedImage): HTMLCanvasElement {
  const { rows, columns } = report.shape;
  const description = describe(report, image);
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
  for (const [n, grey] of report.pixelsOf(image.position).entries()) {
    painted.data.set([grey, grey, grey, 255], 4 * n);
  }
  context.putImageData(painted, 0, 0);
  return canvas;
}

export function describe({ nameOf }: Report, image: PlacedImage): string {
  return `Image ${count(image.index)}: label ${nameOf(image.label)}, predicted ${nameOf(image.prediction)}, confidence ${confidence(confidenceOf(image))}`;
}
