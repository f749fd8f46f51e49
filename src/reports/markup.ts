/** Markup as text, for HTML, SVG and JUnit XML: escaped text, elements, and shared parts of SVG charts. */

import { withoutControls } from "#src/base/text.js";

/** Attributes of an element. Numbers are pixels, rounded to a tenth. */
export type Attributes = Readonly<Record<string, string | number>>;

/**
 * Escapes text and attribute values in quotes. Control characters and marks of direction are shown as `\\u{202e}`: XML 1.0
 * forbids most of them even as references (section 2.2, Char), and the others hide text. Line breaks and tabs become references, because XML
 * normalizes them in attributes (section 3.3.3).
 */
export function escaped(text: string): string {
  return withoutControls(text).replace(/[&<>"'\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/**
 * Returns an element as text.
 *
 * @param children written as they are: elements, or text that went through `escaped`
 * @param separator written before, between and after the children
 */
export function element(
  name: string,
  attributes: Attributes,
  children: readonly string[] = [],
  separator = "",
): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${attributeText(value)}"`);
  const opening = `${name}${written.join("")}`;
  if (children.length === 0) return `<${opening}/>`;
  return `<${opening}>${separator}${children.join(separator)}${separator}</${name}>`;
}

function attributeText(value: string | number): string {
  return typeof value === "number" ? tenths(value) : escaped(value);
}

function tenths(pixels: number): string {
  return String(Math.round(pixels * 10) / 10);
}

/** Style sheet of an SVG chart. Dark colours follow the reader's system, also in an <img>. */
export const STYLE = `text{font:13px system-ui,sans-serif;fill:#1f2328;stroke:none}.title{font-size:17px;font-weight:600}
.soft{fill:#59636e}.ground{fill:#fff}.grid{stroke:#d1d9e0}.axis{stroke:#59636e}@media(prefers-color-scheme:dark){
text{fill:#f0f6fc}.soft{fill:#9198a1}.ground{fill:#151b23}.grid{stroke:#3d444d}.axis{stroke:#9198a1}}`;

/** A line of text. */
export function text(content: string, attributes: Attributes): string {
  return element("text", attributes, [escaped(content)]);
}

/** A solid line along the path `d`. */
export function solid(d: string): string {
  return element("path", { d, fill: "none", "stroke-width": 2 });
}

/** A dashed line along the path `d`. */
export function dashed(d: string): string {
  return element("path", { d, fill: "none", "stroke-dasharray": "2 4" });
}

/** The `transform` that moves an element. */
export function translated(x: number, y: number): string {
  return `translate(${tenths(x)} ${tenths(y)})`;
}
